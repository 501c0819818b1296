/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd.h - owned file descriptors. -1 is none (0 is a valid one); all of ours are CLOEXEC from birth;
 * close() is never tried again. Everything here returns -1 and errno on failure.
 */
#ifndef MD_BASE_FD_H
#define MD_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

/* Closes *fd if it is not -1 and sets it to -1. Keeps errno. */
void fd_close(int *fd);

/* `_auto_close_ int fd = -1;`: closed when it leaves scope; hand it over with take_fd(). */
#define _auto_close_ _auto_(fd_close)

static inline int take_fd(int *fd)
{
	int given = *fd;

	*fd = -1;
	return given;
}

/* Writes all `len` bytes, over short writes and EINTR. 0, or -1 and errno (part may be written). */
int fd_write_all(int fd, const void *data, size_t len);

/* Reads exactly `len` bytes. 0, or -1 and errno (ENODATA: the end came first). */
int fd_read_exactly(int fd, void *data, size_t len);

/* Reads to the end of the file, at most `ceiling` bytes (more: EFBIG), into a heap buffer with a
 * NUL after the last byte. The caller frees *ret_data. */
int fd_read_to_end(int fd, size_t ceiling, char **ret_data, size_t *ret_len);

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Makes descriptors first..last (UINT_MAX: all) close on exec, or closes them now; by
 * close_range(2), and by reading /proc/self/fd where the kernel has none (before 5.11). */
int fd_cloexec_from(unsigned int first);
int fd_close_from(unsigned int first);

#endif
