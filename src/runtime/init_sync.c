/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/init_sync.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/poison.h"

int sync_send(int sock, const struct sync_message *m, int fd)
{
	size_t len = offsetof(struct sync_message, text) + strlen(m->text) + 1;

	return sock_send(sock, m, len, &fd, fd >= 0) == (ssize_t)len ? 0 : -1;
}

int sync_receive(int sock, struct sync_message *m, int *ret_fd)
{
	int fds[SOCK_MAX_FDS];
	size_t fd_count = 1;
	ssize_t n;

	do {
		n = sock_recv(sock, m, sizeof(*m), fds, &fd_count);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < (ssize_t)offsetof(struct sync_message, text) + 1)
		return -1;
	((char *)m)[n - 1] = '\0';
	if (ret_fd)
		*ret_fd = fd_count ? fds[0] : -1;
	else if (fd_count)
		fd_close(&fds[0]);
	return 1;
}
