/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/init_sync.h"
#include "runtime/passwd.h"
#include "runtime/rdt_text.h"
#include "sys/inroot.h"
#include "sys/proc.h"

/* A folder with: in/ (the root), secret (beside it), symlinks that want out. */
struct place {
	char path[64];
	int root;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char inside[80];
	int top, fd;

	strncpy(p->path, "/tmp/md-inroot-XXXXXX", sizeof(p->path) - 1);
	assert_non_null(mkdtemp(p->path));
	top = open(p->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = openat(top, "secret", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(mkdirat(top, "in", 0755), 0);
	snprintf(inside, sizeof(inside), "%s/in", p->path);
	p->root = open(inside, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(p->root, "etc", 0755), 0);
	assert_int_equal(symlinkat("../../..", p->root, "up"), 0);
	assert_int_equal(symlinkat("/etc", p->root, "abs"), 0);
	assert_int_equal(symlinkat("/not/yet", p->root, "dangling"), 0);
	assert_int_equal(symlinkat("loop", p->root, "loop"), 0);
	close(top);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	close(p->root);
	file_remove_tree(AT_FDCWD, p->path);
	free(p);
	return 0;
}

static bool same_file(int fd, int dirfd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dirfd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static void paths_never_leave_the_root(void **state)
{
	struct place *p = *state;
	static const char *const ways[] = { "/../secret", "../secret", "up/secret",
		"/abs/../../secret", "up/../secret", "/etc/../../../secret" };
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(inroot_open(p->root, ways[i], O_PATH), -1);
		assert_int_equal(errno, ENOENT);
	}
	fd = inroot_open(p->root, "up/abs", O_PATH | O_DIRECTORY);
	assert_true(same_file(fd, p->root, "etc"));
	close(fd);
	assert_int_equal(inroot_open(p->root, "loop/x", O_PATH), -1);
	assert_int_equal(errno, ELOOP);
}

static void folders_are_made_inside(void **state)
{
	struct place *p = *state;
	int fd = inroot_mkdirs(p->root, "/abs/a/b", 0700);

	assert_true(same_file(fd, p->root, "etc/a/b"));
	close(fd);
	fd = inroot_mkdirs(p->root, "up/x", 0700);
	assert_true(same_file(fd, p->root, "x"));
	close(fd);
	fd = inroot_mkdirs(p->root, "/dangling/deep", 0700);
	assert_true(same_file(fd, p->root, "not/yet/deep"));
	close(fd);
	fd = inroot_mkdirs(p->root, "/", 0700);
	assert_true(fd >= 0);
	close(fd);
}

/* No file system takes a name of 256 bytes; its beginning is another name. */
static void a_name_that_is_too_long_is_not_cut(void **state)
{
	struct place *p = *state;
	char path[300] = "new/";

	memset(path + 4, 'x', 260);
	assert_int_equal(inroot_mkdirs(p->root, path, 0700), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(inroot_make_file(p->root, path, 0600), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void files_are_made_inside_and_taken_as_they_are(void **state)
{
	struct place *p = *state;
	int fd = inroot_make_file(p->root, "/abs/new/file", 0600);

	assert_true(same_file(fd, p->root, "etc/new/file"));
	close(fd);
	fd = inroot_make_file(p->root, "dangling", 0600);
	assert_true(same_file(fd, p->root, "not/yet"));
	close(fd);
	assert_int_equal(inroot_make_file(p->root, "etc", 0600), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(inroot_mkdirs(p->root, "/abs/new/file", 0700), -1);
	assert_int_equal(errno, ENOTDIR);
}

static void the_last_component_is_split_off(void **state)
{
	struct place *p = *state;
	char name[256];
	int fd = inroot_parent(p->root, "/dev//x/", 0755, name);

	assert_string_equal(name, "x");
	assert_true(same_file(fd, p->root, "dev"));
	close(fd);
	assert_int_equal(inroot_parent(p->root, "/", 0755, name), -1);
	assert_int_equal(inroot_parent(p->root, "/a/..", 0755, name), -1);
	assert_int_equal(inroot_parent(p->root, "", 0755, name), -1);
}

static void a_command_name_cannot_forge_its_stat(void **state _unused_)
{
	struct proc_stat s;

	assert_int_equal(
		proc_parse_stat("12 (a) Z 1 (b)) S 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
				"18 19 777 21 22",
			&s),
		0);
	assert_int_equal(s.state, 'S');
	assert_true(s.start_time == 777);
	assert_int_equal(s.cpu, -1);
	assert_int_equal(
		proc_parse_stat("12 (a) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
				"24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 5 40",
			&s),
		0);
	assert_true(s.start_time == 22);
	assert_int_equal(s.cpu, 5);
	assert_int_equal(proc_parse_stat("12 (a) S 2 3", &s), -1);
	assert_int_equal(proc_parse_stat("", &s), -1);
	assert_int_equal(proc_parse_stat("12 (a)", &s), -1);
	assert_int_equal(proc_read_stat(getpid(), &s), 0);
	assert_true(proc_alive(getpid(), s.start_time));
	assert_false(proc_alive(getpid(), s.start_time + 1));
}

static size_t home_of(const char *line, uid_t uid)
{
	const char *home;

	return passwd_line_home(line, strlen(line), uid, &home);
}

static void passwd_lines_match_whole_numbers_only(void **state _unused_)
{
	assert_int_equal(home_of("root:x:0:0:root:/root:/bin/sh", 0), 5);
	assert_int_equal(home_of("root:x:0:0:root:/root", 0), 5);
	assert_int_equal(home_of("root:x:0:0:root:/root:/bin/sh", 1), 0);
	assert_int_equal(home_of("evil:x:0x:0::/evil:", 0), 0);
	assert_int_equal(home_of("evil:x::0::/evil:", 0), 0);
	assert_int_equal(home_of("evil:x:4294967296:0::/evil:", 0), 0);
	assert_int_equal(home_of("evil:x:-0:0::/evil:", 0), 0);
	assert_int_equal(home_of("relative:x:0:0::home:", 0), 0);
	assert_int_equal(home_of("short:x:0", 0), 0);
	assert_int_equal(home_of("", 0), 0);
}

/* A child that fails while a message waits for it resets the connection: its reason comes first all the same. */
static void the_last_words_arrive_although_something_was_unread(void **state _unused_)
{
	const struct sync_message unread = { .stage = SYNC_CGROUPS };
	const struct sync_message last = { .stage = SYNC_FAILED, .code = EINVAL, .text = "why" };
	struct sync_message m;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(sync_send(pair[0], &unread, -1), 0);
	assert_int_equal(sync_send(pair[1], &last, -1), 0);
	close(pair[1]);
	assert_int_equal(sync_receive(pair[0], &m, NULL), 1);
	assert_int_equal(m.stage, SYNC_FAILED);
	assert_string_equal(m.text, "why");
	assert_int_equal(sync_receive(pair[0], &m, NULL), 0);
	close(pair[0]);
}

static void schemata_are_compared_by_their_values(void **state _unused_)
{
	static const char text[] = "    MB:0=100;1= 70\n    L3:0=fffff;1=000ff\nL2:0=f";
	static const char *const there[] = { "MB:0=100", "MB:1=70;0=0100", "L3:1=FF",
		"L3:0=fffff;1=ff;", "L2:0=0f", "L3:" };
	static const char *const not_there[] = { "L3:0=ffff", "L3:2=ff", "L3:1", "L3:0=fffff;1=f",
		"L", "L3", "", "MB:0=", "L4:0=f", ":0=f", "0=f" };
	char *line = rdt_text_line(text, "L3", 2);

	assert_string_equal(line, "L3:0=fffff;1=000ff");
	free(line);
	assert_null(rdt_text_line(text, "L", 1));
	assert_null(rdt_text_line("", "L3", 2));
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		assert_true(rdt_text_has(text, there[i]));
	for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
		assert_false(rdt_text_has(text, not_there[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			paths_never_leave_the_root, make_place, remove_place),
		cmocka_unit_test_setup_teardown(folders_are_made_inside, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_too_long_is_not_cut, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
			files_are_made_inside_and_taken_as_they_are, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
			the_last_component_is_split_off, make_place, remove_place),
		cmocka_unit_test(a_command_name_cannot_forge_its_stat),
		cmocka_unit_test(the_last_words_arrive_although_something_was_unread),
		cmocka_unit_test(passwd_lines_match_whole_numbers_only),
		cmocka_unit_test(schemata_are_compared_by_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
