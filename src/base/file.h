/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - whole files, folders and locks on the host's own file systems (trusted paths only: what
 * lies inside a rootfs is reached through sys/). -1 and errno on failure.
 */
#ifndef MD_BASE_FILE_H
#define MD_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

/* Reads a regular file whole, at most `ceiling` bytes (EFBIG); anything but a regular file is
 * EINVAL, without blocking on a FIFO. The caller frees *ret_data, which has a NUL behind it. dirfd
 * may be AT_FDCWD. */
int file_read(int dirfd, const char *path, size_t ceiling, char **ret_data, size_t *ret_len);

/* Writes so that after a crash or power cut the old or the new contents are there, whole: a
 * temporary file in the same folder, fsync, rename, fsync of the folder. */
int file_write_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/* Removes what killed file_write_atomic()s left in the folder. The caller holds the lock that all writers there hold. */
void file_sweep_temporaries(int dirfd);

/* fsync of the folder that holds `path`, so that a rename in it is on the disk. */
int file_sync_parent(int dirfd, const char *path);

/* One write(2) into an existing file, as the kernel's knobs want it. */
int file_write_knob(int dirfd, const char *path, const char *text);

/* mkdir -p: parents get 0755, the last one `mode`. An existing folder is fine. */
int file_mkdirs(const char *path, mode_t mode);

/* rm -rf of dirfd/path, never following a symlink and never crossing onto another mount (EXDEV). A
 * path that isn't there is success. */
int file_remove_tree(int dirfd, const char *path);

/* Opens (and makes, 0600) a lock file and takes flock(2): exclusive or shared; with `wait` false an
 * occupied lock is EWOULDBLOCK. The lock goes with the descriptor returned. */
int file_lock(int dirfd, const char *path, bool exclusive, bool wait);

/* Where a program of ours is: beside this executable (as in a build folder), in
 * ../libexec/minidocker, or in
 * ../bin. Heap string, or NULL and ENOENT. */
char *file_sibling_program(const char *name);

#endif
