/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/shim_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sock.h"
#include "server/web.h"
#include "base/poison.h"

enum { MESSAGES_AT_ONCE = 16 }; /* then the other connections have their turn */

struct shim_link {
	uv_poll_t poll; /* first: freed when libuv has let go of it */
	int fd;
	bool paused, blocked, freed;
	const struct shim_link_events *events;
	void *data;
};

static void on_event(uv_poll_t *h, int status, int events);

static void watch(struct shim_link *l)
{
	int events = (l->paused ? 0 : UV_READABLE) | (l->blocked ? UV_WRITABLE : 0);

	if (events)
		uv_poll_start(&l->poll, events, on_event);
	else
		uv_poll_stop(&l->poll);
}

/* False when there is nothing more to read or nobody to read it for. */
static bool receive_one(struct shim_link *l)
{
	static char packet[SHIM_MAX_PACKET];
	struct shim_msg m;
	int fds[1] = { -1 };
	size_t fd_count;
	ssize_t n;

	/* A shim that has ended with a message of ours unread: that is told once, and before what it said last. */
	do {
		fd_count = 1;
		n = sock_recv(l->fd, packet, sizeof(packet), fds, &fd_count);
	} while (n < 0 && errno == ECONNRESET);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n <= 0) {
		l->events->ended(l->data);
		return false;
	}
	if (shim_decode(packet, (size_t)n, &m) < 0) {
		fd_close(&fds[0]);
		if (errno == ENOSYS)
			return true; /* a newer shim says more than we know */
		log_error("a shim sent a malformed message of %zd bytes", n);
		l->events->ended(l->data);
		return false;
	}
	l->events->message(&m, fds[0], l->data);
	return true;
}

static void on_event(uv_poll_t *h, int status, int events)
{
	struct shim_link *l = (struct shim_link *)h;

	if ((events & UV_WRITABLE) && l->blocked) {
		l->blocked = false;
		watch(l);
		l->events->writable(l->data);
	}
	if (l->freed || (!(events & UV_READABLE) && status == 0))
		return;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		if (!receive_one(l) || l->freed || l->paused)
			break;
	}
	if (l->freed)
		return;
	/* libuv watches no socket any more that has had an error. */
	if (status < 0)
		watch(l);
	l->events->quiet(l->data);
}

struct shim_link *shim_link_new(int fd, const struct shim_link_events *events, void *data)
{
	struct shim_link *l = calloc(1, sizeof(*l));

	if (!l || fd_set_nonblock(fd, true) < 0 || uv_poll_init(&web.loop, &l->poll, fd) != 0) {
		free(l);
		fd_close(&fd);
		return NULL;
	}
	l->fd = fd;
	l->events = events;
	l->data = data;
	watch(l);
	return l;
}

static void on_closed(uv_handle_t *h)
{
	free(h);
}

void shim_link_free(struct shim_link *l)
{
	if (!l || l->freed)
		return;
	l->freed = true;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	fd_close(&l->fd);
}

int shim_link_send(struct shim_link *l, const struct shim_msg *m)
{
	char head[SHIM_HEADER + SHIM_MAX_FIXED];
	ssize_t head_len = shim_encode_head(m, head);
	struct iovec parts[] = {
		{ .iov_base = head, .iov_len = (size_t)MD_MAX(head_len, 0) },
		{ .iov_base = (void *)m->tail, .iov_len = m->tail_len },
	};
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts) };

	if (head_len < 0)
		return -1;
	if (sendmsg(l->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 1;
	if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
		return -1; /* the reading side hears of it too */
	l->blocked = true;
	watch(l);
	return 0;
}

void shim_link_pause(struct shim_link *l, bool paused)
{
	if (l->paused == paused || l->freed)
		return;
	l->paused = paused;
	watch(l);
}
