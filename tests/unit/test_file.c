/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"

static char folder[] = "/tmp/md-test-file-XXXXXX";
static int at = -1;

static int make_folder(void **state _unused_)
{
	if (!mkdtemp(folder))
		return -1;
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return at < 0 ? -1 : 0;
}

static int remove_folder(void **state _unused_)
{
	fd_close(&at);
	return file_remove_tree(AT_FDCWD, folder);
}

static void an_atomic_write_replaces_and_leaves_no_temporary(void **state _unused_)
{
	_auto_free_ char *text = NULL;
	struct dirent *entry;
	size_t len;
	int names = 0;
	DIR *dir;

	assert_int_equal(file_write_atomic(at, "state", "one", 3, 0600), 0);
	assert_int_equal(file_write_atomic(at, "state", "three", 5, 0600), 0);
	assert_int_equal(file_read(at, "state", 100, &text, &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(text, "three");
	dir = opendir(folder);
	while ((entry = readdir(dir)))
		names += entry->d_name[0] != '.';
	closedir(dir);
	assert_int_equal(names, 1);
	assert_int_equal(file_write_atomic(at, "no/such", "x", 1, 0600), -1);
	assert_int_equal(errno, ENOENT);
}

static void reading_is_bounded_and_never_blocks(void **state _unused_)
{
	char *text = NULL;

	assert_int_equal(file_write_atomic(at, "big", "0123456789", 10, 0600), 0);
	assert_int_equal(file_read(at, "big", 9, &text, NULL), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(mkfifoat(at, "fifo", 0600), 0);
	assert_int_equal(file_read(at, "fifo", 100, &text, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(file_read(at, ".", 100, &text, NULL), -1);
	assert_int_equal(errno, EISDIR);
	assert_null(text);
}

static void folders_are_made_with_their_parents(void **state _unused_)
{
	struct stat st;

	assert_int_equal(fchdir(at), 0);
	assert_int_equal(file_mkdirs("one/two//three", 0700), 0);
	assert_int_equal(file_mkdirs("one/two/three", 0700), 0);
	assert_int_equal(stat("one/two/three", &st), 0);
	assert_int_equal(file_mkdirs("", 0700), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_write_atomic(at, "one/file", "", 0, 0600), 0);
	assert_int_equal(file_mkdirs("one/file", 0700), -1);
	assert_int_equal(errno, ENOTDIR);
}

static void removing_a_tree_never_follows_a_link(void **state _unused_)
{
	struct stat st;

	assert_int_equal(mkdirat(at, "kept", 0700), 0);
	assert_int_equal(file_write_atomic(at, "kept/file", "x", 1, 0600), 0);
	assert_int_equal(mkdirat(at, "tree", 0700), 0);
	assert_int_equal(mkdirat(at, "tree/deep", 0700), 0);
	assert_int_equal(symlinkat("../kept", at, "tree/link"), 0);
	assert_int_equal(symlinkat("tree", at, "outer"), 0);
	assert_int_equal(file_remove_tree(at, "outer"), 0);
	assert_int_equal(fstatat(at, "tree/deep", &st, 0), 0);
	assert_int_equal(file_remove_tree(at, "tree"), 0);
	assert_int_equal(fstatat(at, "tree", &st, 0), -1);
	assert_int_equal(fstatat(at, "kept/file", &st, 0), 0);
	assert_int_equal(file_remove_tree(at, "tree"), 0);
}

static void a_second_lock_is_refused_until_the_first_goes(void **state _unused_)
{
	int first = file_lock(at, "lock", true, true);

	assert_true(first >= 0);
	assert_int_equal(file_lock(at, "lock", true, false), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	fd_close(&first);
	first = file_lock(at, "lock", true, false);
	assert_true(first >= 0);
	fd_close(&first);
}

static void a_tree_deeper_than_there_are_descriptors_is_removed(void **state _unused_)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rlimit before, few = { 100, 100 };

	for (int i = 0; i < 200; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "deep", 0700), 0);
		next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(openat(next, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(file_remove_tree(at, "deep"), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(faccessat(at, "deep", F_OK, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_atomic_write_replaces_and_leaves_no_temporary),
		cmocka_unit_test(reading_is_bounded_and_never_blocks),
		cmocka_unit_test(folders_are_made_with_their_parents),
		cmocka_unit_test(removing_a_tree_never_follows_a_link),
		cmocka_unit_test(a_second_lock_is_refused_until_the_first_goes),
		cmocka_unit_test(a_tree_deeper_than_there_are_descriptors_is_removed),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
