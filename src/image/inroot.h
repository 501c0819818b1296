/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inroot.h - names of an archive inside the folder it is unpacked into. -1 and errno on failure.
 */
#ifndef MD_IMAGE_INROOT_H
#define MD_IMAGE_INROOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

/* Takes a path apart: empty and "." components and a leading "/" are dropped. EINVAL: a ".."
 * component, ENAMETOOLONG: a component past 255 or the whole past UNPACK_PATH_MAX, ELOOP: more than
 * UNPACK_DEPTH_MAX components. No components at all is the root itself and no error. */
int inroot_split(const char *path, struct strv *ret);

/* openat2(2) from `root_fd` with RESOLVE_IN_ROOT, no magic links, no other mount. `path` "" or "/"
 * is the root. */
int inroot_open(int root_fd, const char *path, int flags);

/* Opens (O_PATH) the folder of the first `depth` components, making those that are missing (0755,
 * root's); their number is added to *made. */
int inroot_open_parent(int root_fd, const struct strv *path, size_t depth, uint64_t *made);

#endif
