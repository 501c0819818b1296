/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.h - mounts whose files show other owners: what belongs to 0..65535 on the disk belongs to
 * base..base+65535 in the mount. This is how all workspaces share one image without a chown pass.
 */
#ifndef MD_ENGINE_IDMAP_H
#define MD_ENGINE_IDMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

/* A user namespace that maps 0..65535 to base...; it has no process, the descriptor alone keeps it.
 * -1. */
int idmap_userns(uint32_t base, struct md_error *err);

/* A detached copy of the mount that holds `path` (and with `recursive` of those below), idmapped by
 * the namespace. Returns its descriptor for move_mount(2), or -1 and errno: EINVAL where the file
 * system or the kernel has no such mounts. */
int idmap_clone(const char *path, int userns_fd, bool recursive);

#endif
