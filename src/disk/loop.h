/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - a disk that is an ext4 file system in a sparse file, mounted through a loop device.
 *
 * The file takes on the host what the workspace has written, not its ceiling, and gives back what it deletes (discard). The
 * loop device frees itself with the last mount (LO_FLAGS_AUTOCLEAR), so a mount in a private mount namespace leaves nothing
 * behind however its holder dies. It only grows, and its inodes with its bytes. Source: loop(4), ext4(5), mke2fs(8).
 */
#ifndef MD_DISK_LOOP_H
#define MD_DISK_LOOP_H

#include "disk/disk.h"

extern const struct disk_kind disk_loop;

/* Makes the file `path` with an empty file system of `bytes` and, if not 0, `inodes`. Whole or not at all: made under a
 * temporary name. EEXIST if it is there. */
int loop_create(const char *path, uint64_t bytes, uint64_t inodes, struct md_error *err);

/* Mounts it at the folder `target` in the present mount namespace: nodev, discard. */
int loop_mount(const char *path, const char *target, struct md_error *err);

/* What the superblock of the file system in a file says. */
struct loop_geometry {
	uint64_t bytes, inodes;
	uint64_t group_bytes, group_inodes; /* ext4 grows by such groups */
};

/* All zeros if there is no file system. */
struct loop_geometry loop_geometry(const char *path);

/* The bytes that it takes to have so many inodes. */
uint64_t loop_bytes_for(const struct loop_geometry *g, uint64_t inodes);

/* Makes it larger; `mounted` is a folder of the mounted file system as the caller reaches it, or NULL if it is mounted nowhere.
 * A smaller size is EINVAL. Mounted and without CAP_SYS_RESOURCE: EPERM, and nothing has changed; it is possible once it
 * is mounted nowhere. */
int loop_grow(const char *path, uint64_t bytes, const char *mounted, struct md_error *err);

#endif
