/* SPDX-License-Identifier: Apache-2.0 */
/* The store of recordings: names, limits, what is read of files that aren't trusted. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "recording/store.h"

static char folder[] = "/tmp/md-recording-XXXXXX";

static int make_folder(void **state _unused_)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state _unused_)
{
	return file_remove_tree(AT_FDCWD, folder);
}

static int empty_folder(void **state _unused_)
{
	return file_remove_tree(AT_FDCWD, folder) < 0 || mkdir(folder, 0700) < 0 ? -1 : 0;
}

static void put(const char *name, const char *text)
{
	_auto_free_ char *path = str_format("%s/%s", folder, name);
	_auto_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void put_sized(const char *name, size_t size)
{
	_auto_free_ char *path = str_format("%s/%s", folder, name);

	put(name, "");
	assert_int_equal(truncate(path, (off_t)size), 0);
}

static bool exists(const char *name)
{
	_auto_free_ char *path = str_format("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

static void only_names_of_recordings_are_names(void **state _unused_)
{
	static const char *const good[] = { "20260131T120000Z-t3", "20260131T120000Z-t12-2",
		"20260131T120000Z-t999999999-99" };
	static const char *const bad[] = { "", ".", "..", "../20260131T120000Z-t3",
		"20260131T120000Z-t3/..", "20260131T120000Z-t3.cast", "20260131T120000Z-t",
		"20260131T120000Z-t03", "20260131T120000Z-t+3", "20260131T120000Z-t 3",
		" 20260131T120000Z-t3", "2026013 T120000Z-t3", "20260131T1200-1Z-t3",
		"20260131T120000Z-t3-", "20260131T120000Z-t3-002", "20260131T120000Z-t3-2x",
		"20260131T120000Z-t3\n",
		"20260131T120000Z-t3000000000000000000000000000000000000000" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(recording_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(recording_name_valid(bad[i]));
}

static void a_list_tells_what_stands_in_the_files(void **state _unused_)
{
	_auto_recordings_ struct recordings l = { NULL, 0 };
	_auto_recordings_ struct recordings none = { NULL, 0 };

	put("20260131T120000Z-t3.cast",
		"{\"version\":2,\"width\":80,\"height\":24,\"title\":\"gr\xc3\xbc\xc3\x9f\","
		"\"command\":\"sh\"}\n"
		"[0.500,\"o\",\"a\"]\n[61.250,\"o\",\"b\"]\n[99.0"); /* torn by a crash */
	put("20260201T000000Z-t1.cast", "{\"width\":-1}\n[1e999,\"o\"]\n");
	put("20260202T000000Z-t1.cast", "");
	put("20260203T000000Z-t1.cast", "no json\n\n\n");
	put("notes.txt", "");
	put(".cast", "");
	assert_int_equal(recordings_list(folder, &l, NULL), 0);
	assert_int_equal(l.count, 4);
	assert_string_equal(l.items[0].name, "20260203T000000Z-t1");
	assert_string_equal(l.items[3].name, "20260131T120000Z-t3");
	assert_string_equal(l.items[3].title, "gr\xc3\xbc\xc3\x9f");
	assert_int_equal(l.items[3].duration_ms, 61250);
	assert_int_equal(l.items[3].terminal, 3);
	assert_int_equal(l.items[3].started, 1769860800);
	assert_int_equal(l.items[3].rows, 24);
	assert_false(l.items[3].live);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(l.items[i].duration_ms, 0);
		assert_string_equal(l.items[i].title, "");
	}
	assert_int_equal(recordings_list("/nowhere", &none, NULL), 0);
	assert_int_equal(none.count, 0);
}

static void links_and_fifos_are_no_recordings(void **state _unused_)
{
	_auto_free_ char *link = str_format("%s/20260131T120000Z-t1.cast", folder);
	_auto_free_ char *fifo = str_format("%s/20260131T120000Z-t2.cast", folder);
	_auto_recordings_ struct recordings l = { NULL, 0 };
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(recordings_list(folder, &l, NULL), 0);
	assert_int_equal(l.count, 0);
	assert_int_equal(recording_open(folder, "20260131T120000Z-t1", &err), -1);
	assert_int_equal(recording_open(folder, "20260131T120000Z-t2", &err), -1);
	assert_int_equal(recording_open(folder, "../../etc/passwd", &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(recording_open(folder, "20260131T120000Z-t9", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void what_is_too_much_or_too_old_goes_and_what_is_written_stays(void **state _unused_)
{
	struct recording_limits by_size = { .total = 1000 }, by_age = { .days = 30 };
	_auto_free_ char *live_path = str_format("%s/20200101T000000Z-t1.cast", folder);
	_auto_close_ int live = -1;
	char recent[64];
	time_t now = time(NULL);

	put_sized("20200101T000000Z-t1.cast", 5000);
	put_sized("20200102T000000Z-t1.cast", 100);
	put_sized("20200103T000000Z-t1.cast", 600);
	put_sized("20200104T000000Z-t1.cast", 300);
	live = open(live_path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(flock(live, LOCK_EX), 0);
	assert_int_equal(recordings_prune(folder, &by_size, 0, NULL), 0);
	assert_int_equal(recordings_prune(folder, &by_size, 200, NULL), 2);
	assert_true(exists("20200104T000000Z-t1.cast"));
	assert_false(exists("20200103T000000Z-t1.cast"));
	strftime(recent, sizeof(recent), "%Y%m%dT%H%M%SZ-t1.cast", gmtime(&now));
	put_sized(recent, 100);
	assert_int_equal(recordings_prune(folder, &by_age, 0, NULL), 1);
	assert_true(exists(recent) && exists("20200101T000000Z-t1.cast"));
	assert_int_equal(recording_remove(folder, "20200101T000000Z-t1", NULL), -1);
	fd_close(&live);
	assert_int_equal(recording_remove(folder, "20200101T000000Z-t1", NULL), 0);
	assert_false(exists("20200101T000000Z-t1.cast"));
}

static void recordings_of_one_second_have_names_of_their_own(void **state _unused_)
{
	const struct recording_limits limits = { 0, 0 };
	_auto_free_ char *below = str_format("%s/made/here", folder);
	_auto_recordings_ struct recordings l = { NULL, 0 };
	int fds[5];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = recording_make(below, 7, &limits, 0, NULL);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(recordings_list(below, &l, NULL), 0);
	assert_int_equal(l.count, ARRAY_SIZE(fds));
	for (size_t i = 0; i < l.count; i++)
		assert_true(l.items[i].live && l.items[i].terminal == 7);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_names_of_recordings_are_names),
		cmocka_unit_test_setup(a_list_tells_what_stands_in_the_files, empty_folder),
		cmocka_unit_test_setup(links_and_fifos_are_no_recordings, empty_folder),
		cmocka_unit_test_setup(
			what_is_too_much_or_too_old_goes_and_what_is_written_stays, empty_folder),
		cmocka_unit_test_setup(
			recordings_of_one_second_have_names_of_their_own, empty_folder),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
