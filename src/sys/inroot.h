/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inroot.h - paths inside somebody else's root. The folder of `root` is "/": symlinks, absolute ones too, and ".." never leave it,
 * whatever is renamed meanwhile. By openat2(RESOLVE_IN_ROOT), and by walking component by component with O_NOFOLLOW where the kernel has
 * none. No memory, no stdio: fit for the forked child. -1 and errno.
 */
#ifndef MD_SYS_INROOT_H
#define MD_SYS_INROOT_H

#include <sys/types.h>

#include "base/compiler.h"

/* open(2) with `flags` (O_NOFOLLOW is honoured for the last component; O_CREAT is not taken). */
int inroot_open(int root, const char *path, int flags);

/* mkdir -p: an O_PATH descriptor of the folder. Dangling symlinks on the way have their targets made. What exists already but is
 * no folder is ENOTDIR. */
int inroot_mkdirs(int root, const char *path, mode_t mode);

/* The file `path` with its parent folders, made empty if it isn't there: an O_PATH descriptor. Whatever exists (not a folder:
 * EISDIR) is taken as it is. */
int inroot_make_file(int root, const char *path, mode_t mode);

/* The folder that holds the last component of `path` (made if need be), and that component in `ret_name` (NAME_MAX + 1 bytes).
 * EINVAL if there is none ("/", "..") */
int inroot_parent(int root, const char *path, mode_t mode, char *ret_name);

#endif
