/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_copy.h - copies a folder's contents (tmpcopyup). For the forked child: no memory, no stdio.
 */
#ifndef MD_RUNTIME_INIT_COPY_H
#define MD_RUNTIME_INIT_COPY_H

#include "base/compiler.h"

/* Copies what lies in the folder `from` into the folder `to` (O_PATH descriptors do): files, folders and symlinks with owners,
 * modes and times; other kinds of files are left out. Symlinks are never followed. At most 64 levels. -1 and errno. */
int init_copy_tree(int from, int to);

#endif
