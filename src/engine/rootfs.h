/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs.h - the mounts of a workspace's start: idmapped layers, the overlay on them, the volumes.
 * All of them in a mount namespace of their own, which ends with the shim and the container; the
 * host's table never shows them.
 *
 * Below the bundle: `lower/N` (layers, 0 the highest), `disk` (a writable layer with a ceiling), `rootfs` (the overlay), `volumes/N`.
 */
#ifndef MD_ENGINE_ROOTFS_H
#define MD_ENGINE_ROOTFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"
#include "disk/disk.h"
#include "engine/volume.h"

struct rootfs {
	char *bundle;       /* absolute path of the bundle; its folders above exist */
	struct strv layers; /* paths, the lowest first */
	char *upper; /* the writable layer and the folder that overlayfs works in; unless there is a disk */
	char *work;
	char *disk; /* what has both and a ceiling (disk/disk.h), made at the first start; NULL: none */
	struct disk_limits disk_limits;
	char *copies; /* folder for the layers' copies, where there are no idmapped mounts */
	uint32_t id_base;
	struct volumes volumes;
};

void rootfs_done(struct rootfs *r);
#define _auto_rootfs_ _auto_(rootfs_done)

/* Makes the folders that the mounts need in the bundle. */
int rootfs_prepare(const struct rootfs *r, struct md_error *err);

/* In a child with no threads: unshares the mount namespace, makes it a slave of the host's and
 * mounts everything there. On failure the namespace goes with the child. `userns_fd`:
 * idmap_userns(). */
int rootfs_mount(const struct rootfs *r, int userns_fd, struct md_error *err);

#endif
