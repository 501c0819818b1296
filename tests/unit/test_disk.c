/* SPDX-License-Identifier: Apache-2.0 */
/* On a real loop device, in a mount namespace of the test's own. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "disk/loop.h"
#include "disk/tool.h"

static char folder[] = "/var/tmp/md-test-disk-XXXXXX";

/* A failure says why. */
#define assert_done(call)                                                                          \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s", err.msg);                                                   \
	} while (0)

static int enter(void **state _unused_)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mkdtemp(folder) && chdir(folder) == 0 && mkdir("at", 0700) == 0 ? 0 : -1;
}

static int leave(void **state _unused_)
{
	umount2("at", MNT_DETACH);
	return chdir("/") || file_remove_tree(AT_FDCWD, folder);
}

/* Writes until it fails; the errno. */
static int fill(const char *path)
{
	static char block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), code = 0;

	for (int i = 0; i < 200 && !code; i++)
		code = fd_write_all(fd, block, sizeof(block)) < 0 ? errno : 0;
	if (!code && fsync(fd) < 0)
		code = errno;
	close(fd);
	return code;
}

static void bytes_and_inodes_have_a_ceiling(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	struct disk_usage u;
	struct stat st;
	int made = 0;

	assert_done(loop_create("disk", 32 << 20, 100, &err));
	assert_int_equal(stat("disk", &st), 0);
	assert_true(st.st_size == 32 << 20 && st.st_blocks * 512 < 8 << 20);
	assert_done(loop_mount("disk", "at", &err));
	assert_int_equal(fill("at/big"), ENOSPC);
	assert_int_equal(unlink("at/big"), 0);
	for (; made < 1000; made++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "at/%d", made);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	assert_true(made < 200);
	assert_done(disk_usage("at", &u, &err));
	assert_true(u.inodes_used == u.inodes && u.bytes < 32 << 20);
}

static bool has_capability(int which)
{
	return prctl(PR_CAPBSET_READ, which, 0, 0, 0) == 1;
}

static void it_grows_while_it_is_mounted_and_while_it_is_not(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	struct disk_usage before, after;
	struct stat st;

	assert_done(disk_usage("at", &before, &err));
	if (has_capability(CAP_SYS_RESOURCE)) {
		assert_done(loop_grow("disk", 64 << 20, "at", &err));
		assert_done(disk_usage("at", &after, &err));
		assert_true(after.bytes > before.bytes + (20 << 20));
		before = after;
	} else {
		assert_int_equal(loop_grow("disk", 64 << 20, "at", &err), -1);
		assert_int_equal(err.code, EPERM);
		assert_non_null(strstr(err.msg, "CAP_SYS_RESOURCE"));
		assert_int_equal(loop_geometry("disk").bytes, 32 << 20);
		assert_int_equal(stat("disk", &st), 0);
		assert_int_equal(st.st_size, 32 << 20);
	}
	assert_int_equal(umount2("at", 0), 0);
	assert_done(loop_grow("disk", 96 << 20, NULL, &err));
	assert_int_equal(loop_geometry("disk").bytes, 96 << 20);
	assert_int_equal(loop_geometry(".").bytes, 0);
	assert_done(loop_mount("disk", "at", &err));
	assert_done(disk_usage("at", &after, &err));
	assert_true(after.bytes > before.bytes + (20 << 20));
	assert_int_equal(loop_grow("disk", 16 << 20, "at", &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void a_disk_in_a_file_names_the_bytes_for_so_many_files(void **state _unused_)
{
	const struct disk_limits is = { 96 << 20, 100 };
	const struct disk_limits more_files = { 96 << 20, 5000 };
	const struct disk_limits fewer_bytes = { 64 << 20, 100 }, fewer_files = { 96 << 20, 50 };
	struct loop_geometry g = loop_geometry("disk");
	struct md_error err = MD_ERROR_INIT;
	struct disk_limits enough = { loop_bytes_for(&g, 1000), 1000 };
	struct disk_usage u;

	assert_true(disk_kind_of("disk") == &disk_loop);
	assert_null(disk_kind_of("nothing"));
	assert_int_equal(loop_bytes_for(&g, g.group_inodes), DISK_MIN_BYTES);
	assert_int_equal(loop_bytes_for(&g, g.group_inodes + 1), g.group_bytes + DISK_MIN_BYTES);
	assert_int_equal(disk_change("disk", &is, &more_files, "at", &err), -1);
	assert_non_null(strstr(err.msg, "a larger --disk"));
	assert_int_equal(disk_change("disk", &is, &fewer_bytes, "at", &err), -1);
	assert_non_null(strstr(err.msg, "only grow"));
	assert_int_equal(disk_change("disk", &is, &fewer_files, "at", &err), -1);
	assert_int_equal(loop_geometry("disk").bytes, 96 << 20);
	assert_int_equal(umount2("at", 0), 0);
	assert_done(disk_change("disk", &is, &enough, NULL, &err));
	assert_done(loop_mount("disk", "at", &err));
	assert_done(disk_usage("at", &u, &err));
	assert_true(u.inodes >= 1000);
}

static void bad_requests_leave_nothing(void **state _unused_)
{
	const struct disk_limits small = { 1 << 20, 0 }, least = { DISK_MIN_BYTES, 0 };
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(loop_create("disk", 32 << 20, 0, &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_int_equal(disk_prepare("small", &small, 0, &err), -1);
	assert_int_equal(err.code, EINVAL);
	/* Of the other kind, of a predecessor that was killed. */
	assert_int_equal(mkdir("left.new", 0700), 0);
	assert_done(disk_prepare("left", &least, 0, &err));
	assert_int_equal(access("left.new", F_OK), -1);
	assert_int_equal(access("small", F_OK), -1);
	assert_int_equal(access("small.new", F_OK), -1);
	assert_int_equal(file_write_atomic(AT_FDCWD, "garbage", "x", 1, 0600), 0);
	assert_int_equal(truncate("garbage", 32 << 20), 0);
	assert_int_equal(umount2("at", 0), 0);
	assert_int_equal(loop_mount("garbage", "at", &err), -1);
	assert_int_equal(loop_mount("nothing", "at", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static int run_shell(const char *script, struct md_error *err)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return tool_run("/bin/sh", argv, "dash", err);
}

static void a_tool_that_fails_says_why_behind_its_version_and_before_all_else(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(run_shell("exit 0", &err), 0);
	assert_int_equal(run_shell("echo 'no room' >&2; echo more >&2; exit 1", &err), -1);
	assert_string_equal(err.msg, "/bin/sh: no room");
	assert_int_equal(
		run_shell("echo 'sh 1.47.0 (5-Feb-2023)' >&2; echo 'sh: bad magic' >&2; exit 1",
			&err),
		-1);
	assert_string_equal(err.msg, "/bin/sh: bad magic");
	assert_int_equal(run_shell("kill -9 $$", &err), -1);
	assert_string_equal(err.msg, "/bin/sh: failed without a word");
}

/* As cp(1) does about each file when the disk is full. */
static void a_tool_that_fails_at_length_comes_to_its_end(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;

	alarm(60);
	assert_int_equal(
		run_shell("echo 'sh: first' >&2; head -c 500000 /dev/zero >&2; exit 1", &err), -1);
	alarm(0);
	assert_string_equal(err.msg, "/bin/sh: first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_inodes_have_a_ceiling),
		cmocka_unit_test(it_grows_while_it_is_mounted_and_while_it_is_not),
		cmocka_unit_test(a_disk_in_a_file_names_the_bytes_for_so_many_files),
		cmocka_unit_test(bad_requests_leave_nothing),
		cmocka_unit_test(a_tool_that_fails_says_why_behind_its_version_and_before_all_else),
		cmocka_unit_test(a_tool_that_fails_at_length_comes_to_its_end),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
