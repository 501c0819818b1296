/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/kernel.h"
#include "base/poison.h"

enum { WALK_DEPTH = 128, WALK_LINKS = 40, WALK_NAME = NAME_MAX + 2 };

/* What the walker makes of a last component that is missing. */
enum walk_make { MAKE_NOTHING, MAKE_FOLDERS, MAKE_FILE };

/*
 * The walk keeps a descriptor of every folder from the root down to where it is, so that ".." steps back to a folder that
 * was truly passed, and a rename under our feet can't move us out of the root.
 */
struct walk {
	int root;              /* borrowed */
	int stack[WALK_DEPTH]; /* O_PATH descriptors below the root, owned */
	int depth;
	int links; /* followed so far */
	enum walk_make make;
	mode_t mode;
	bool follow_last;
	char rest[PATH_MAX]; /* what is still to be walked */
};

static int walk_here(const struct walk *w)
{
	return w->depth ? w->stack[w->depth - 1] : w->root;
}

static void walk_up(struct walk *w)
{
	if (w->depth)
		close(w->stack[--w->depth]);
}

static void walk_done(struct walk *w)
{
	int saved = errno;

	while (w->depth)
		walk_up(w);
	errno = saved;
}

static int walk_push(struct walk *w, int fd)
{
	if (w->depth == WALK_DEPTH) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	w->stack[w->depth++] = fd;
	return 0;
}

/* Takes the next component off `rest` into `name`. False at the end. */
static bool walk_next(struct walk *w, char name[WALK_NAME], bool *ret_last)
{
	char *at = w->rest;
	size_t len;

	while (*at == '/')
		at++;
	len = strcspn(at, "/");
	if (len == 0)
		return false;
	len = MD_MIN(len, (size_t)NAME_MAX + 1); /* one too long: the kernel says ENAMETOOLONG */
	memcpy(name, at, len);
	name[len] = '\0';
	at += len;
	while (*at == '/')
		at++;
	*ret_last = *at == '\0';
	memmove(w->rest, at, strlen(at) + 1);
	return true;
}

/* Puts the target of the symlink `fd` in front of `rest`. */
static int walk_link(struct walk *w, int fd)
{
	char target[PATH_MAX];
	size_t rest_len = strlen(w->rest);
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	if (++w->links > WALK_LINKS) {
		errno = ELOOP;
		return -1;
	}
	target[n] = '\0';
	if ((size_t)n + 1 + rest_len + 1 > sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memmove(w->rest + n + 1, w->rest, rest_len + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	if (target[0] == '/') {
		while (w->depth)
			walk_up(w);
	}
	return 0;
}

/* Makes a missing component; one that appears meanwhile is fine. */
static int walk_make_missing(const struct walk *w, const char *name, bool last)
{
	if (w->make == MAKE_NOTHING) {
		errno = ENOENT;
		return -1;
	}
	if (last && w->make == MAKE_FILE) {
		int fd = openat(walk_here(w), name,
			O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, w->mode);

		if (fd >= 0)
			close(fd);
		return fd >= 0 || errno == EEXIST ? 0 : -1;
	}
	return mkdirat(walk_here(w), name, last ? w->mode : 0755) == 0 || errno == EEXIST ? 0 : -1;
}

static int walk_step(struct walk *w, const char *name, bool last)
{
	_auto_close_ int fd = -1;
	struct stat st;

	if (name[0] == '.' && name[1] == '\0')
		return 0;
	if (name[0] == '.' && name[1] == '.' && name[2] == '\0') {
		walk_up(w);
		return 0;
	}
	fd = openat(walk_here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (walk_make_missing(w, name, last) < 0)
			return -1;
		fd = openat(walk_here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode) && (!last || w->follow_last))
		return walk_link(w, fd);
	if (!last && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return walk_push(w, take_fd(&fd));
}

/* Walks `path` to its end: an O_PATH descriptor of what is there. */
static int walk(struct walk *w, int root, const char *path)
{
	char name[WALK_NAME];
	bool last;
	int fd;

	w->root = root;
	w->depth = w->links = 0;
	if (strlen(path) >= sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(w->rest, path, strlen(path) + 1);
	while (walk_next(w, name, &last)) {
		if (walk_step(w, name, last) < 0) {
			walk_done(w);
			return -1;
		}
	}
	fd = fcntl(walk_here(w), F_DUPFD_CLOEXEC, 0);
	walk_done(w);
	return fd;
}

/* A real descriptor for an O_PATH one. */
static int reopen(int path_fd, int flags)
{
	char link[64] = "/proc/self/fd/";
	size_t len = strlen(link);
	char digits[16];
	int n = 0;

	do {
		digits[n++] = (char)('0' + path_fd % 10);
		path_fd /= 10;
	} while (path_fd);
	while (n)
		link[len++] = digits[--n];
	link[len] = '\0';
	return open(link, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
}

static int walk_open(int root, const char *path, int flags)
{
	struct walk w = { .make = MAKE_NOTHING, .follow_last = !(flags & O_NOFOLLOW) };
	_auto_close_ int fd = walk(&w, root, path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if ((flags & O_DIRECTORY) && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	if (flags & O_PATH)
		return take_fd(&fd);
	if (S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	return reopen(fd, flags);
}

int inroot_open(int root, const char *path, int flags)
{
	int fd;

	/* For openat2 an empty path is none at all. */
	fd = sys_openat2(
		root, *path ? path : ".", flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	return walk_open(root, path, flags);
}

/* The usual case of a missing target: only its last component is. -1: left to the walk. */
static int make_last(int root, const char *path, enum walk_make make, mode_t mode)
{
	const char *name = strrchr(path, '/');
	_auto_close_ int folder = -1;
	_auto_close_ int made = -1;
	char above[PATH_MAX];

	if (!name || !name[1] || name - path >= PATH_MAX || strcmp(name, "/.") == 0 ||
		strcmp(name, "/..") == 0)
		return -1;
	memcpy(above, path, (size_t)(name - path));
	above[name - path] = '\0';
	name++;
	folder = inroot_open(root, above, O_PATH | O_DIRECTORY);
	if (folder < 0)
		return -1;
	if (make == MAKE_FOLDERS && mkdirat(folder, name, mode) == 0)
		return openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (make == MAKE_FILE)
		made = openat(
			folder, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
	return made < 0 ? -1 : openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int inroot_mkdirs(int root, const char *path, mode_t mode)
{
	struct walk w = { .make = MAKE_FOLDERS, .mode = mode, .follow_last = true };
	_auto_close_ int fd = inroot_open(root, path, O_PATH | O_DIRECTORY);
	struct stat st;

	if (fd >= 0 || errno != ENOENT)
		return take_fd(&fd);
	fd = make_last(root, path, MAKE_FOLDERS, mode);
	if (fd < 0)
		fd = walk(&w, root, path);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))) {
		errno = ENOTDIR;
		return -1;
	}
	return take_fd(&fd);
}

int inroot_make_file(int root, const char *path, mode_t mode)
{
	struct walk w = { .make = MAKE_FILE, .mode = mode, .follow_last = true };
	_auto_close_ int fd = inroot_open(root, path, O_PATH);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		fd = make_last(root, path, MAKE_FILE, mode);
		if (fd < 0)
			fd = walk(&w, root, path);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	return take_fd(&fd);
}

int inroot_parent(int root, const char *path, mode_t mode, char *ret_name)
{
	char folder[PATH_MAX];
	size_t len = strlen(path), start;

	while (len && path[len - 1] == '/')
		len--;
	start = len;
	while (start && path[start - 1] != '/')
		start--;
	if (len == start || len - start > NAME_MAX || start >= sizeof(folder) ||
		(len - start <= 2 && strncmp(path + start, "..", len - start) == 0)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(ret_name, path + start, len - start);
	ret_name[len - start] = '\0';
	memcpy(folder, path, start);
	folder[start] = '\0';
	return inroot_mkdirs(root, folder, mode);
}
