/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - a workspace's writable layer with a ceiling of bytes and inodes. There are two kinds, and what stands at a disk's
 * path says which one it is:
 *	quota   a folder that is a project of its file system, whose quota is the ceiling (disk/quota.h)
 *	loop    a sparse file with an ext4 file system, mounted through a loop device (disk/loop.h)
 * Both look alike from a folder of them: statvfs(2) tells the ceiling and what is used of it.
 * Why two: docs/decisions/disk-limits.md.
 */
#ifndef MD_DISK_DISK_H
#define MD_DISK_DISK_H

#include <stdint.h>

#include "base/error.h"

enum {
	DISK_BLOCK = 4096,
	DISK_MIN_BYTES = 16 << 20,
	DISK_BYTES_PER_INODE = 16384, /* where no number of inodes is asked for */
};

struct disk_limits {
	uint64_t bytes;
	uint64_t inodes; /* 0: by the bytes */
};

struct disk_kind {
	const char *name;
	/* Makes an empty one at `path`, where nothing is, whole or not at all. `project`: the first of 65,536 numbers that
	 * are the caller's own. */
	int (*create)(const char *path, const struct disk_limits *l, uint32_t project,
		struct md_error *err);
	/* Before it is attached: it gets what `l` says, which may be more than it was made with. */
	int (*prepare)(const char *path, const struct disk_limits *l, uint32_t project,
		struct md_error *err);
	/* Mounts it at the folder `target` in the present mount namespace. */
	int (*attach)(const char *path, const char *target, struct md_error *err);
	/* disk_change() */
	int (*change)(const char *path, const struct disk_limits *from,
		const struct disk_limits *to, const char *mounted, struct md_error *err);
	/* Gives back what the kernel keeps of it besides its files. NULL: nothing. */
	void (*release)(const char *path);
};

/* What is at `path`; NULL: nothing. */
const struct disk_kind *disk_kind_of(const char *path);

/* Makes the disk if it isn't there yet, and sees that it has its limits. `project`: as for create. */
int disk_prepare(
	const char *path, const struct disk_limits *l, uint32_t project, struct md_error *err);

/* Mounts it at the folder `target` in the present mount namespace. */
int disk_attach(const char *path, const char *target, struct md_error *err);

/* Other limits for it. `mounted` is a folder of it as the caller reaches it, if it is attached somewhere, else NULL. EPERM: that
 * is possible only while it is attached nowhere; nothing has changed. EINVAL: this kind of disk can't. One that is not there
 * yet can all, and nothing is done. */
int disk_change(const char *path, const struct disk_limits *from, const struct disk_limits *to,
	const char *mounted, struct md_error *err);

/* Before its files are removed; it is attached nowhere. Again is no harm. */
void disk_release(const char *path);

/* A few files and blocks beside the workspace's, in the attached folder: given free for as long as an overlay is being mounted (it makes
 * files of its own then), taken again behind it. So a workspace that has filled its disk still starts. Best effort. */
void disk_reserve_free(int folder);
void disk_reserve_take(int folder);

struct disk_usage {
	uint64_t bytes, bytes_used;
	uint64_t inodes, inodes_used;
};

/* Of the disk that the folder `mounted` is on. */
int disk_usage(const char *mounted, struct disk_usage *ret, struct md_error *err);

#endif
