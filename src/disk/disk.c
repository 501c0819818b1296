/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "disk/tool.h"
#include "base/poison.h"

enum {
	RESERVE_FILES = 16,
	LOOP_TRIES = 64, /* between asking for a free device and taking it another may take it */
};

/* linux/ext4.h has it from 6.3 on only. */
#ifndef EXT4_IOC_RESIZE_FS
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)
#endif

static int make_filesystem(const char *path, uint64_t inodes, struct md_error *err)
{
	_auto_free_ char *count = inodes ? str_format("%llu", (unsigned long long)inodes)
					 : str_format("%d", DISK_BYTES_PER_INODE);
	/* No reserved blocks: root inside is just another user. Tables are made when they are needed. */
	char *argv[] = { (char *)"mke2fs", (char *)"-q", (char *)"-F", (char *)"-t", (char *)"ext4",
		(char *)"-m", (char *)"0", (char *)"-b", (char *)"4096", (char *)"-E",
		(char *)"lazy_itable_init=1,lazy_journal_init=1,nodiscard",
		inodes ? (char *)"-N" : (char *)"-i", count, (char *)path, NULL };

	if (!count)
		return md_fail(err, ENOMEM, "disk: out of memory");
	return tool_run("/sbin/mke2fs", argv, "e2fsprogs", err);
}

static int make_file(const char *path, uint64_t bytes, struct md_error *err)
{
	_auto_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return md_fail_errno(err, "disk: make '%s'", path);
	if (ftruncate(fd, (off_t)bytes) < 0)
		return md_fail_errno(
			err, "disk: give '%s' %llu bytes", path, (unsigned long long)bytes);
	return 0;
}

static int sync_file(const char *path, struct md_error *err)
{
	_auto_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return md_fail_errno(err, "disk: write '%s' to the disk", path);
	return 0;
}

int disk_create(const char *path, uint64_t bytes, uint64_t inodes, struct md_error *err)
{
	_auto_free_ char *temporary = str_format("%s.new", path);

	if (bytes < DISK_MIN_BYTES)
		return md_fail(err, EINVAL, "disk: %llu bytes are too few, the least is %d MiB",
			(unsigned long long)bytes, DISK_MIN_BYTES >> 20);
	if (!temporary)
		return md_fail(err, ENOMEM, "disk: out of memory");
	if (access(path, F_OK) == 0)
		return md_fail(err, EEXIST, "disk: '%s' is there already", path);
	/* What a killed predecessor left. */
	if (unlink(temporary) < 0 && errno != ENOENT)
		return md_fail_errno(err, "disk: remove '%s'", temporary);
	bytes -= bytes % DISK_BLOCK;
	if (make_file(temporary, bytes, err) < 0 || make_filesystem(temporary, inodes, err) < 0 ||
		sync_file(temporary, err) < 0) {
		unlink(temporary);
		return -1;
	}
	if (rename(temporary, path) < 0) {
		md_fail_errno(err, "disk: make '%s'", path);
		unlink(temporary);
		return -1;
	}
	return 0;
}

/* One try to take a free loop device for `file`. -1 and EBUSY: somebody was faster. */
static int try_loop(int control, int file, char *name, size_t size)
{
	struct loop_config config = {
		.fd = (uint32_t)file, .block_size = DISK_BLOCK, .info.lo_flags = LO_FLAGS_AUTOCLEAR
	};
	_auto_close_ int loop = -1;
	int number = ioctl(control, LOOP_CTL_GET_FREE);

	if (number < 0)
		return -1;
	snprintf(name, size, "/dev/loop%d", number);
	loop = open(name, O_RDWR | O_CLOEXEC);
	if (loop < 0)
		return -1;
	if (ioctl(loop, LOOP_CONFIGURE, &config) < 0)
		return -1;
	return take_fd(&loop);
}

/* The device of the file; as long as the descriptor is open it does not free itself. */
static int open_loop(const char *path, char *name, size_t size, struct md_error *err)
{
	_auto_close_ int file = open(path, O_RDWR | O_CLOEXEC);
	_auto_close_ int control = -1;

	if (file < 0)
		return md_fail_errno(err, "disk: open '%s'", path);
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return md_fail_errno(
			err, "disk: open /dev/loop-control (is the loop module there?)");
	for (int i = 0; i < LOOP_TRIES; i++) {
		int loop = try_loop(control, file, name, size);

		if (loop >= 0)
			return loop;
		if (errno != EBUSY)
			break;
	}
	return md_fail_errno(err, "disk: take a loop device for '%s'", path);
}

int disk_mount(const char *path, const char *target, struct md_error *err)
{
	_auto_close_ int loop = -1;
	char name[32];

	loop = open_loop(path, name, sizeof(name), err);
	if (loop < 0)
		return -1;
	if (mount(name, target, "ext4", MS_NODEV | MS_NOATIME, "discard") < 0)
		return md_fail_errno(err, "disk: mount '%s' at '%s'", path, target);
	return 0;
}

/* The loop device under the folder, by its number. */
static int open_device_of(int mounted)
{
	char name[64];
	struct stat st;

	if (fstat(mounted, &st) < 0)
		return -1;
	snprintf(name, sizeof(name), "/dev/loop%u", minor(st.st_dev));
	return open(name, O_RDWR | O_CLOEXEC);
}

/* The loop device takes the size that its file has now. */
static int resize_loop(const char *mounted, struct md_error *err)
{
	_auto_close_ int folder = open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_auto_close_ int loop = folder < 0 ? -1 : open_device_of(folder);

	if (loop < 0 || ioctl(loop, LOOP_SET_CAPACITY, 0) < 0)
		return md_fail_errno(err, "disk: resize the loop device under '%s'", mounted);
	return 0;
}

/* While it is mounted, which takes CAP_SYS_RESOURCE. */
static int grow_mounted(const char *path, uint64_t bytes, const char *mounted, struct md_error *err)
{
	_auto_close_ int folder = open(mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t blocks = bytes / DISK_BLOCK;

	if (folder < 0)
		return md_fail_errno(err, "disk: '%s'", mounted);
	if (resize_loop(mounted, err) < 0)
		return -1;
	if (ioctl(folder, EXT4_IOC_RESIZE_FS, &blocks) == 0)
		return 0;
	if (errno == EPERM)
		return md_fail(err, EPERM,
			"disk: growing it while it is used needs CAP_SYS_RESOURCE, which this host "
			"doesn't give: stop the workspace first");
	return md_fail_errno(err, "disk: grow '%s'", path);
}

uint64_t disk_size(const char *path)
{
	/* Of the superblock, which begins at 1024: the count of blocks, its upper half, their size, the magic number. */
	enum {
		SUPERBLOCK = 1024,
		COUNT_LOW = 4,
		LOG_SIZE = 24,
		MAGIC = 56,
		COUNT_HIGH = 0x150,
		BYTES = 0x154
	};
	_auto_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char s[BYTES];
	uint32_t low, high, log_size;

	if (fd < 0 || pread(fd, s, sizeof(s), SUPERBLOCK) != sizeof(s) || s[MAGIC] != 0x53 ||
		s[MAGIC + 1] != 0xef)
		return 0;
	memcpy(&low, s + COUNT_LOW, sizeof(low));
	memcpy(&high, s + COUNT_HIGH, sizeof(high));
	memcpy(&log_size, s + LOG_SIZE, sizeof(log_size));
	low = le32toh(low);
	high = le32toh(high);
	log_size = le32toh(log_size);
	return log_size > 6 ? 0 : ((uint64_t)high << 32 | low) << (10 + log_size);
}

int disk_grow(const char *path, uint64_t bytes, const char *mounted, struct md_error *err)
{
	char *argv[] = { (char *)"resize2fs", (char *)"-f", (char *)path, NULL };
	struct stat st;

	bytes -= bytes % DISK_BLOCK;
	if (stat(path, &st) < 0)
		return md_fail_errno(err, "disk: '%s'", path);
	if (bytes < (uint64_t)st.st_size)
		return md_fail(err, EINVAL,
			"disk: a disk can be made larger, not smaller (it has %llu bytes)",
			(unsigned long long)st.st_size);
	if (truncate(path, (off_t)bytes) < 0)
		return md_fail_errno(
			err, "disk: give '%s' %llu bytes", path, (unsigned long long)bytes);
	if (mounted) {
		struct md_error ignored = MD_ERROR_INIT;

		if (grow_mounted(path, bytes, mounted, err) == 0)
			return 0;
		if (truncate(path, st.st_size) == 0)
			resize_loop(mounted, &ignored);
		return -1;
	}
	return tool_run("/sbin/resize2fs", argv, "e2fsprogs", err);
}

int disk_usage(const char *mounted, struct disk_usage *ret, struct md_error *err)
{
	struct statvfs v;

	if (statvfs(mounted, &v) < 0)
		return md_fail_errno(err, "disk: '%s'", mounted);
	/* As df(1) has it: what ext4 keeps for itself is nobody's to use, so it doesn't count. */
	*ret = (struct disk_usage){ .bytes = (v.f_blocks - v.f_bfree + v.f_bavail) * v.f_frsize,
		.bytes_used = (v.f_blocks - v.f_bfree) * v.f_frsize,
		.inodes = v.f_files,
		.inodes_used = v.f_files - v.f_ffree };
	return 0;
}

static void reserve_name(char to[32], int i)
{
	snprintf(to, 32, "reserve-%d", i);
}

void disk_reserve_free(int folder)
{
	char name[32];

	for (int i = 0; i < RESERVE_FILES; i++) {
		reserve_name(name, i);
		unlinkat(folder, name, 0);
	}
}

void disk_reserve_take(int folder)
{
	static const char block[DISK_BLOCK];
	char name[32];

	for (int i = 0; i < RESERVE_FILES; i++) {
		_auto_close_ int fd = -1;

		reserve_name(name, i);
		fd = openat(
			folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || fd_write_all(fd, block, sizeof(block)) < 0)
			return;
	}
}
