/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/poison.h"

/* Fills `addr`; for a long path opens its folder into *ret_dir, which must stay open for the call.
 */
static int make_address(const char *path, struct sockaddr_un *addr, int *ret_dir)
{
	const char *slash = strrchr(path, '/');
	_auto_free_ char *folder = NULL;
	int len;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!slash) {
		errno = ENAMETOOLONG;
		return -1;
	}
	folder = strndup(path, (size_t)(slash - path) + 1);
	if (!folder)
		return -1;
	*ret_dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -1;
	len = snprintf(
		addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *ret_dir, slash + 1);
	if (len < 0 || (size_t)len >= sizeof(addr->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int sock_bind(const char *path, int type)
{
	_auto_close_ int dir = -1;
	_auto_close_ int fd = -1;
	struct sockaddr_un addr;
	mode_t mask;
	int r;

	if (make_address(path, &addr, &dir) < 0)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (unlink(path) < 0 && errno != ENOENT)
		return -1;
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	return r < 0 ? -1 : take_fd(&fd);
}

int sock_listen(const char *path, int type, int backlog)
{
	_auto_close_ int fd = sock_bind(path, type);

	if (fd < 0 || listen(fd, backlog) < 0)
		return -1;
	return take_fd(&fd);
}

static int connect_to(const char *path, int type, const struct timeval *most)
{
	static const struct timeval for_good = { 0 };
	_auto_close_ int dir = -1;
	_auto_close_ int fd = -1;
	struct sockaddr_un addr;
	int r;

	if (make_address(path, &addr, &dir) < 0)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || (most && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, most, sizeof(*most)) < 0))
		return -1;
	do {
		r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	} while (r < 0 && errno == EINTR);
	if (r < 0 ||
		(most && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &for_good, sizeof(for_good)) < 0))
		return -1;
	return take_fd(&fd);
}

int sock_connect(const char *path, int type)
{
	return connect_to(path, type, NULL);
}

int sock_connect_within(const char *path, int type, int timeout_ms)
{
	const struct timeval most = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd = connect_to(path, type, &most);

	if (fd < 0 && errno == EAGAIN)
		errno = ETIMEDOUT;
	return fd;
}

union fd_control {
	char bytes[CMSG_SPACE(SOCK_MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

ssize_t sock_send(int fd, const void *data, size_t len, const int *fds, size_t fd_count)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union fd_control control = { 0 };
	ssize_t n;

	if (fd_count > SOCK_MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Moves the descriptors of `msg` to `fds`; closes those that don't fit. False if any did not. */
static bool collect_fds(struct msghdr *msg, int *fds, size_t *count)
{
	size_t room = fds && count ? *count : 0, kept = 0;
	bool all_fit = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int received;

			memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (kept < room) {
				fds[kept++] = received;
			} else {
				close(received);
				all_fit = !fds;
			}
		}
	}
	if (count)
		*count = kept;
	return all_fit;
}

ssize_t sock_recv(int fd, void *data, size_t len, int *fds, size_t *fd_count)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	union fd_control control;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	bool fits;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	fits = collect_fds(&msg, fds, fd_count);
	if (!fits || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; fds && fd_count && i < *fd_count; i++)
			close(fds[i]);
		if (fd_count)
			*fd_count = 0;
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}
