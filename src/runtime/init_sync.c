/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/init_sync.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/poison.h"

int sync_send_fds(int sock, const struct sync_message *m, const int *fds, size_t count)
{
	size_t len = offsetof(struct sync_message, text) + strlen(m->text) + 1;

	return sock_send(sock, m, len, fds, count) == (ssize_t)len ? 0 : -1;
}

int sync_send(int sock, const struct sync_message *m, int fd)
{
	return sync_send_fds(sock, m, &fd, fd >= 0);
}

int sync_receive_fds(int sock, struct sync_message *m, int ret_fds[SOCK_MAX_FDS], size_t *ret_count)
{
	ssize_t n;

	/* Who ends with a message of ours unread resets the connection. That is told once, and before what they said last: which may
	 * be why they ended. */
	do {
		*ret_count = SOCK_MAX_FDS;
		n = sock_recv(sock, m, sizeof(*m), ret_fds, ret_count);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		*ret_count = 0;
	if (n == 0)
		return 0;
	if (n < (ssize_t)offsetof(struct sync_message, text) + 1)
		return -1;
	((char *)m)[n - 1] = '\0';
	return 1;
}

int sync_receive(int sock, struct sync_message *m, int *ret_fd)
{
	int fds[SOCK_MAX_FDS];
	size_t count = 0;
	int r = sync_receive_fds(sock, m, fds, &count);

	if (ret_fd)
		*ret_fd = r > 0 && count ? fds[0] : -1;
	for (size_t i = ret_fd ? 1 : 0; r > 0 && i < count; i++)
		close(fds[i]);
	return r;
}
