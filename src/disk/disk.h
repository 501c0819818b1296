/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - a workspace's writable layer with a ceiling of bytes and inodes: an ext4 file system in a sparse file, mounted
 * through a loop device.
 *
 * The file takes on the host what the workspace has written, not its ceiling, and gives back what it deletes (discard). The
 * loop device frees itself with the last mount (LO_FLAGS_AUTOCLEAR), so a mount in a private mount namespace leaves nothing
 * behind however its holder dies. Source: loop(4), ext4(5), mke2fs(8).
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

/* Makes the file `path` with an empty file system of `bytes` and, if not 0, `inodes`. Whole or not at all: made under a
 * temporary name. EEXIST if it is there. */
int disk_create(const char *path, uint64_t bytes, uint64_t inodes, struct md_error *err);

/* Mounts it at the folder `target` in the present mount namespace: nodev, discard. */
int disk_mount(const char *path, const char *target, struct md_error *err);

/* The bytes of the file system in `path`, as its superblock says; 0 if that is none. */
uint64_t disk_size(const char *path);

/* Makes it larger; `mounted` is a folder of the mounted file system as the caller reaches it, or NULL if it is mounted nowhere.
 * A smaller size is EINVAL. Mounted and without CAP_SYS_RESOURCE: EPERM, and nothing has changed; it is possible once it
 * is mounted nowhere. */
int disk_grow(const char *path, uint64_t bytes, const char *mounted, struct md_error *err);

/* A few files and blocks beside the workspace's, in the mounted folder: given free for as long as an overlay is being mounted (it makes
 * files of its own then), taken again behind it. So a workspace that has filled its disk still starts. Best effort. */
void disk_reserve_free(int folder);
void disk_reserve_take(int folder);

struct disk_usage {
	uint64_t bytes, bytes_used;
	uint64_t inodes, inodes_used;
};

/* Of the file system that the folder `mounted` is on. */
int disk_usage(const char *mounted, struct disk_usage *ret, struct md_error *err);

#endif
