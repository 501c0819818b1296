/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void fd_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
		*fd = -1;
	}
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_read_exactly(int fd, void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (n == 0) {
			errno = ENODATA;
			return -1;
		}
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A first guess at the size, so that a regular file is read in one go. */
static size_t read_capacity(int fd, size_t ceiling)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		(uint64_t)st.st_size <= ceiling)
		return (size_t)st.st_size + 1;
	return 4096;
}

int fd_read_to_end(int fd, size_t ceiling, char **ret_data, size_t *ret_len)
{
	size_t capacity = read_capacity(fd, ceiling);
	size_t len = 0;
	char *data = malloc(capacity + 1);

	if (!data)
		return -1;
	for (;;) {
		ssize_t n = read(fd, data + len, capacity - len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			goto fail;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > ceiling) {
			errno = EFBIG;
			goto fail;
		}
		if (len == capacity) {
			char *bigger = realloc(data, capacity * 2 + 1);

			if (!bigger)
				goto fail;
			data = bigger;
			capacity *= 2;
		}
	}
	data[len] = '\0';
	*ret_data = data;
	if (ret_len)
		*ret_len = len;
	return 0;
fail:
	free(data);
	return -1;
}

static int change_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -1;
	return fcntl(fd, set, on ? flags | flag : flags & ~flag);
}

int fd_set_nonblock(int fd, bool on)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_set_cloexec(int fd, bool on)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

/* The fallback for kernels without close_range(2) or its CLOEXEC flag. */
static int each_fd_from(unsigned int first, bool close_now)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long fd = strtoul(entry->d_name, &end, 10);

		if (*end || end == entry->d_name || fd < first || (int)fd == dirfd(dir))
			continue;
		if (close_now)
			close((int)fd);
		else if (fd_set_cloexec((int)fd, true) < 0 && errno != EBADF) {
			closedir(dir);
			return -1;
		}
	}
	closedir(dir);
	return 0;
}

int fd_cloexec_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	return each_fd_from(first, false);
}

int fd_close_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, UINT_MAX, 0) == 0)
		return 0;
	return each_fd_from(first, true);
}
