/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "image/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "image/unpack.h"
#include "base/poison.h"

enum { OPEN_TRIES = 1000 };

/* One component of `len` bytes. */
static int add_component(struct strv *to, const char *name, size_t len)
{
	if (len == 0 || (len == 1 && name[0] == '.'))
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		errno = EINVAL;
		return -1;
	}
	if (len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (to->count == UNPACK_DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	return strv_addf(to, "%.*s", (int)len, name);
}

int inroot_split(const char *path, struct strv *ret)
{
	_auto_strv_ struct strv parts = STRV_INIT;

	if (strlen(path) > UNPACK_PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (*path) {
		size_t len = strcspn(path, "/");

		if (add_component(&parts, path, len) < 0)
			return -1;
		path += len;
		path += strspn(path, "/");
	}
	*ret = parts;
	parts = (struct strv)STRV_INIT;
	return 0;
}

int inroot_open(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	int fd;

	/* EAGAIN: something on the system was renamed while a ".." of a symlink was followed. */
	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		fd = (int)syscall(SYS_openat2, root_fd, *path ? path : "/", &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

/* Makes the folder `name` in that of `path` so far; another's making of it is as good. */
static int make_component(int root_fd, const char *path, const char *name, uint64_t *made)
{
	_auto_close_ int fd = inroot_open(root_fd, path, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return -1;
	if (mkdirat(fd, name, 0755) == 0)
		++*made;
	else if (errno != EEXIST)
		return -1;
	return 0;
}

int inroot_open_parent(int root_fd, const struct strv *path, size_t depth, uint64_t *made)
{
	_auto_buf_ struct buf whole = BUF_INIT(UNPACK_PATH_MAX + 1);
	_auto_buf_ struct buf upto = BUF_INIT(UNPACK_PATH_MAX + 1);
	int fd;

	for (size_t i = 0; i < depth; i++)
		buf_addf(&whole, "/%s", path->items[i]);
	if (whole.failed)
		return -1;
	fd = inroot_open(root_fd, buf_str(&whole), O_PATH | O_DIRECTORY);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	for (size_t i = 0; i < depth; i++) {
		if (make_component(root_fd, buf_str(&upto), path->items[i], made) < 0)
			return -1;
		if (buf_addf(&upto, "/%s", path->items[i]) < 0)
			return -1;
	}
	return inroot_open(root_fd, buf_str(&whole), O_PATH | O_DIRECTORY);
}
