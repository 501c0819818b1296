/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "disk/loop.h"
#include "disk/quota.h"
#include "base/poison.h"

enum { RESERVE_FILES = 16 };

const struct disk_kind *disk_kind_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	return S_ISDIR(st.st_mode) ? &disk_quota : &disk_loop;
}

/* What a new one in `folder` will be. */
static const struct disk_kind *kind_for(const char *folder)
{
	return quota_enforced(folder) ? &disk_quota : &disk_loop;
}

/* What a predecessor left that was killed while it made one. */
static int clear_temporary(const char *path)
{
	_auto_free_ char *temporary = str_format("%s.new", path);

	if (!temporary)
		return -1;
	if (unlink(temporary) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR ? rmdir(temporary) : -1;
}

static int create(
	const char *path, const struct disk_limits *l, uint32_t project, struct md_error *err)
{
	_auto_free_ char *copy = strdup(path);

	if (l->bytes < DISK_MIN_BYTES)
		return md_fail(err, EINVAL, "disk: %llu bytes are too few, the least is %d MiB",
			(unsigned long long)l->bytes, DISK_MIN_BYTES >> 20);
	if (!copy || clear_temporary(path) < 0)
		return md_fail_errno(err, "disk: remove '%s.new'", path);
	if (kind_for(dirname(copy))->create(path, l, project, err) < 0)
		return -1;
	/* The name is to be there before anything is written below it. */
	return file_sync_parent(AT_FDCWD, path) < 0 ? md_fail_errno(err, "disk: make '%s'", path)
						    : 0;
}

int disk_prepare(
	const char *path, const struct disk_limits *l, uint32_t project, struct md_error *err)
{
	const struct disk_kind *kind = disk_kind_of(path);

	if (!kind && create(path, l, project, err) < 0)
		return -1;
	if (!kind)
		kind = disk_kind_of(path);
	return kind ? kind->prepare(path, l, project, err) : md_fail_errno(err, "disk: '%s'", path);
}

int disk_attach(const char *path, const char *target, struct md_error *err)
{
	const struct disk_kind *kind = disk_kind_of(path);

	if (!kind)
		return md_fail_errno(err, "disk: '%s'", path);
	return kind->attach(path, target, err);
}

int disk_change(const char *path, const struct disk_limits *from, const struct disk_limits *to,
	const char *mounted, struct md_error *err)
{
	const struct disk_kind *kind = disk_kind_of(path);

	if (to->bytes < DISK_MIN_BYTES)
		return md_fail(err, EINVAL, "the least is %d MiB", DISK_MIN_BYTES >> 20);
	return kind ? kind->change(path, from, to, mounted, err) : 0;
}

void disk_release(const char *path)
{
	const struct disk_kind *kind = disk_kind_of(path);

	if (kind && kind->release)
		kind->release(path);
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
