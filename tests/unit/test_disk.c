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
#include "disk/disk.h"

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

	assert_done(disk_create("disk", 32 << 20, 100, &err));
	assert_int_equal(stat("disk", &st), 0);
	assert_true(st.st_size == 32 << 20 && st.st_blocks * 512 < 8 << 20);
	assert_done(disk_mount("disk", "at", &err));
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
		assert_done(disk_grow("disk", 64 << 20, "at", &err));
		assert_done(disk_usage("at", &after, &err));
		assert_true(after.bytes > before.bytes + (20 << 20));
		before = after;
	} else {
		assert_int_equal(disk_grow("disk", 64 << 20, "at", &err), -1);
		assert_int_equal(err.code, EPERM);
		assert_non_null(strstr(err.msg, "CAP_SYS_RESOURCE"));
		assert_int_equal(disk_size("disk"), 32 << 20);
		assert_int_equal(stat("disk", &st), 0);
		assert_int_equal(st.st_size, 32 << 20);
	}
	assert_int_equal(umount2("at", 0), 0);
	assert_done(disk_grow("disk", 96 << 20, NULL, &err));
	assert_int_equal(disk_size("disk"), 96 << 20);
	assert_int_equal(disk_size("."), 0);
	assert_done(disk_mount("disk", "at", &err));
	assert_done(disk_usage("at", &after, &err));
	assert_true(after.bytes > before.bytes + (20 << 20));
	assert_int_equal(disk_grow("disk", 16 << 20, "at", &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void bad_requests_leave_nothing(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(disk_create("disk", 32 << 20, 0, &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_int_equal(disk_create("small", 1 << 20, 0, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(access("small", F_OK), -1);
	assert_int_equal(access("small.new", F_OK), -1);
	assert_int_equal(file_write_atomic(AT_FDCWD, "garbage", "x", 1, 0600), 0);
	assert_int_equal(truncate("garbage", 32 << 20), 0);
	assert_int_equal(umount2("at", 0), 0);
	assert_int_equal(disk_mount("garbage", "at", &err), -1);
	assert_int_equal(disk_mount("nothing", "at", &err), -1);
	assert_int_equal(err.code, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_inodes_have_a_ceiling),
		cmocka_unit_test(it_grows_while_it_is_mounted_and_while_it_is_not),
		cmocka_unit_test(bad_requests_leave_nothing),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
