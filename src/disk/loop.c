/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/loop.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "disk/tool.h"
#include "base/poison.h"

enum { LOOP_TRIES = 64 }; /* between asking for a free device and taking it another may take it */

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

int loop_create(const char *path, uint64_t bytes, uint64_t inodes, struct md_error *err)
{
	_auto_free_ char *temporary = str_format("%s.new", path);

	if (!temporary)
		return md_fail(err, ENOMEM, "disk: out of memory");
	if (access(path, F_OK) == 0)
		return md_fail(err, EEXIST, "disk: '%s' is there already", path);
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

int loop_mount(const char *path, const char *target, struct md_error *err)
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

struct loop_geometry loop_geometry(const char *path)
{
	/* Where things stand in the superblock, which begins at 1024; numbers of 4 bytes. */
	enum {
		SUPERBLOCK = 1024,
		INODES = 0,
		COUNT_LOW = 1,
		LOG_SIZE = 6,
		GROUP_BLOCKS = 8,
		GROUP_INODES = 10,
		MAGIC = 14, /* its lower half */
		COUNT_HIGH = 84,
		NUMBERS
	};
	_auto_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint32_t s[NUMBERS], log_size;
	struct loop_geometry g = { 0 };

	if (fd < 0 || pread(fd, s, sizeof(s), SUPERBLOCK) != sizeof(s) ||
		(le32toh(s[MAGIC]) & 0xffff) != 0xef53)
		return g;
	log_size = le32toh(s[LOG_SIZE]);
	if (log_size > 6)
		return g;
	g.bytes = ((uint64_t)le32toh(s[COUNT_HIGH]) << 32 | le32toh(s[COUNT_LOW]))
		  << (10 + log_size);
	g.group_bytes = (uint64_t)le32toh(s[GROUP_BLOCKS]) << (10 + log_size);
	g.group_inodes = le32toh(s[GROUP_INODES]);
	g.inodes = le32toh(s[INODES]);
	return g;
}

uint64_t loop_bytes_for(const struct loop_geometry *g, uint64_t inodes)
{
	uint64_t groups = g->group_inodes ? (inodes + g->group_inodes - 1) / g->group_inodes : 0;

	/* The last one may be a part with room for its own tables. */
	return groups ? (groups - 1) * g->group_bytes + DISK_MIN_BYTES : 0;
}

int loop_grow(const char *path, uint64_t bytes, const char *mounted, struct md_error *err)
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

static int create(const char *path, const struct disk_limits *l, uint32_t project _unused_,
	struct md_error *err)
{
	return loop_create(path, l->bytes, l->inodes, err);
}

/* The document may name more bytes than the disk has: where it couldn't grow in use. */
static int prepare(const char *path, const struct disk_limits *l, uint32_t project _unused_,
	struct md_error *err _unused_)
{
	uint64_t bytes = loop_geometry(path).bytes;
	struct md_error why = MD_ERROR_INIT;

	if (bytes && l->bytes / DISK_BLOCK > bytes / DISK_BLOCK &&
		loop_grow(path, l->bytes, NULL, &why) < 0)
		log_warning("it starts with the disk as it was: %s", why.msg);
	return 0;
}

static int change(const char *path, const struct disk_limits *from, const struct disk_limits *to,
	const char *mounted, struct md_error *err)
{
	struct loop_geometry g = loop_geometry(path);
	uint64_t needed = loop_bytes_for(&g, to->inodes);
	bool other_inodes = to->inodes != from->inodes;

	if (to->bytes < from->bytes || (other_inodes && to->inodes < g.inodes))
		return md_fail(err, EINVAL,
			"it is a file system in a file (no project quota), which can only grow");
	if (other_inodes && needed > MD_MAX(to->bytes, g.bytes))
		return md_fail(err, EINVAL,
			"it is a file system in a file (no project quota), whose number of files "
			"grows with its bytes: so many take a larger --disk, %llum",
			(unsigned long long)(needed >> 20));
	return to->bytes > from->bytes ? loop_grow(path, to->bytes, mounted, err) : 0;
}

const struct disk_kind disk_loop = {
	.name = "loop",
	.create = create,
	.prepare = prepare,
	.attach = loop_mount,
	.change = change,
};
