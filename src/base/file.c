/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

int file_read(int dirfd, const char *path, size_t ceiling, char **ret_data, size_t *ret_len)
{
	_auto_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	return fd_read_to_end(fd, ceiling, ret_data, ret_len);
}

static const char temporary_mark[] = ".tmp-"; /* then 16 hex digits */

void file_sweep_temporaries(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(dir))) {
		const char *mark = strrchr(entry->d_name, '.');

		if (mark && str_starts(mark, temporary_mark) &&
			strspn(mark + strlen(temporary_mark), "0123456789abcdef") == 16 &&
			strlen(mark) == strlen(temporary_mark) + 16)
			unlinkat(dirfd, entry->d_name, 0);
	}
	closedir(dir);
}

int file_sync_parent(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	_auto_free_ char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_auto_close_ int fd = -1;

	if (!parent)
		return -1;
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return fsync(fd);
}

int file_write_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	_auto_free_ char *temp = NULL;
	_auto_close_ int fd = -1;
	char unique[17];
	int saved;

	if (random_hex(unique, 8) < 0)
		return -1;
	temp = str_format("%s%s%s", path, temporary_mark, unique);
	if (!temp)
		return -1;
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -1;
	if (fd_write_all(fd, data, len) < 0 || fsync(fd) < 0 ||
		renameat(dirfd, temp, dirfd, path) < 0) {
		saved = errno;
		unlinkat(dirfd, temp, 0);
		errno = saved;
		return -1;
	}
	return file_sync_parent(dirfd, path);
}

int file_write_knob(int dirfd, const char *path, const char *text)
{
	_auto_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, len);
	if (n < 0)
		return -1;
	if ((size_t)n != len) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int file_mkdirs(const char *path, mode_t mode)
{
	_auto_free_ char *copy = strdup(path);

	if (!copy)
		return -1;
	for (char *at = copy; *at; at++) {
		if (*at != '/' || at == copy)
			continue;
		*at = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -1;
		*at = '/';
	}
	if (mkdir(copy, mode) < 0) {
		struct stat st;

		if (errno != EEXIST)
			return -1;
		if (stat(copy, &st) < 0)
			return -1;
		if (!S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			return -1;
		}
	}
	return 0;
}

/* A tree may be deeper than there are descriptors: what lies below this depth is first moved to its top. */
enum { REMOVE_DEPTH = 32 };

struct removal {
	int top_fd;
	dev_t device;
	unsigned int moved;
};

static int remove_entries(struct removal *r, int fd, int depth);

static int move_to_top(struct removal *r, int dirfd, const char *name)
{
	struct stat st;
	char temp[40];

	do {
		snprintf(temp, sizeof(temp), ".removing-%u", r->moved++);
	} while (fstatat(r->top_fd, temp, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(dirfd, name, r->top_fd, temp);
}

/* Removes one name of the folder `dirfd`, whatever it is. */
static int remove_entry(struct removal *r, int dirfd, const char *name, int depth)
{
	_auto_close_ int fd = -1;
	struct stat st;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (depth == REMOVE_DEPTH)
		return move_to_top(r, dirfd, name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (st.st_dev != r->device) {
		errno = EXDEV;
		return -1;
	}
	if (depth == 0)
		r->top_fd = fd;
	if (remove_entries(r, fd, depth + 1) < 0)
		return -1;
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int remove_entries(struct removal *r, int fd, int depth)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	unsigned int moved_before;
	struct dirent *entry;
	int failed = 0, saved;

	if (!dir) {
		fd_close(&copy);
		return -1;
	}
	do { /* at the top once more, for what was moved there meanwhile */
		moved_before = r->moved;
		rewinddir(dir);
		while (failed == 0 && (entry = readdir(dir))) {
			if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
				continue;
			failed = remove_entry(r, fd, entry->d_name, depth);
		}
	} while (failed == 0 && depth == 1 && r->moved != moved_before);
	saved = errno;
	closedir(dir);
	errno = saved;
	return failed;
}

int file_remove_tree(int dirfd, const char *path)
{
	struct removal r = { .top_fd = -1 };
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	r.device = st.st_dev;
	return remove_entry(&r, dirfd, path, 0);
}

int file_lock(int dirfd, const char *path, bool exclusive, bool wait)
{
	_auto_close_ int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -1;
	do {
		r = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB));
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : take_fd(&fd);
}

char *file_sibling_program(const char *name)
{
	static const char *const places[] = { "%s/%s", "%s/../libexec/minidocker/%s",
		"%s/../bin/%s", "%s/../../bin/%s", "%s/../sbin/%s" };
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return NULL;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_auto_free_ char *path = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		path = str_format(places[i], self, name);
#pragma GCC diagnostic pop
		if (!path)
			return NULL;
		if (access(path, X_OK) == 0)
			return take_ptr(path);
	}
	errno = ENOENT;
	return NULL;
}
