/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "wire/shim_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/poison.h"

enum { OPEN_MS = 10000 }; /* each for the connection and the HELLO */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void shim_client_close(struct shim_client *c)
{
	fd_close(&c->fd);
	free(c->packet);
	c->packet = NULL;
}

int shim_client_send(struct shim_client *c, struct shim_msg *m, const int *fds, size_t fd_count,
	struct md_error *err)
{
	ssize_t len;

	if (!m->serial)
		m->serial = ++c->last_serial;
	len = shim_encode(m, c->packet, SHIM_MAX_PACKET);
	if (len < 0)
		return md_fail_errno(err, "make the message '%s'", shim_type_name(m->type));
	if (sock_send(c->fd, c->packet, (size_t)len, fds, fd_count) < 0)
		return md_fail_errno(err, "send '%s' to the shim", shim_type_name(m->type));
	return 0;
}

bool shim_client_is_gone(const struct md_error *err)
{
	return err->code == EPIPE || err->code == ECONNRESET || err->code == ENOTCONN;
}

/* Waits until there is something to read. `deadline` in ms of the monotonic clock, or -1. */
static int wait_readable(struct shim_client *c, int64_t deadline, struct md_error *err)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int64_t left = deadline < 0 ? -1 : MD_MAX(deadline - now_ms(), (int64_t)0);
		int n = poll(&p, 1, (int)left);

		if (n > 0)
			return 0;
		if (n == 0)
			return md_fail(err, ETIMEDOUT, "the shim doesn't answer");
		if (errno != EINTR)
			return md_fail_errno(err, "wait for the shim");
	}
}

static int receive_until(
	struct shim_client *c, struct shim_msg *ret, int64_t deadline, struct md_error *err)
{
	for (;;) {
		ssize_t n;

		if (wait_readable(c, deadline, err) < 0)
			return -1;
		n = sock_recv(c->fd, c->packet, SHIM_MAX_PACKET, NULL, NULL);
		/* Told once, when the shim has ended with a message of ours unread, and before what it said last: EXIT, or why. */
		if (n < 0 && errno == ECONNRESET)
			continue;
		if (n == 0)
			return 0;
		if (n < 0)
			return md_fail_errno(err, "receive from the shim");
		if (shim_decode(c->packet, (size_t)n, ret) == 0)
			return 1;
		if (errno != ENOSYS)
			return md_fail_errno(err, "a message of the shim");
	}
}

int shim_client_receive(
	struct shim_client *c, struct shim_msg *ret, int timeout_ms, struct md_error *err)
{
	return receive_until(c, ret, timeout_ms < 0 ? -1 : now_ms() + timeout_ms, err);
}

int shim_client_ask(struct shim_client *c, struct shim_msg *request, const int *fds,
	size_t fd_count, struct shim_msg *ret, int timeout_ms, struct md_error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;

	if (shim_client_send(c, request, fds, fd_count, err) < 0)
		return -1;
	for (;;) {
		int r = receive_until(c, ret, deadline, err);

		if (r < 0)
			return -1;
		if (r == 0)
			return md_fail(err, ECONNRESET, "the shim ended the connection");
		if (ret->type == SHIM_ERROR && (!ret->serial || ret->serial == request->serial))
			return md_fail(err, ret->error.code, "%s", shim_string(ret, 0));
		if (ret->serial == request->serial)
			return 0;
	}
}

int shim_client_open(struct shim_client *c, const char *socket_path, uint16_t flags,
	const char *label, struct md_error *err)
{
	struct shim_msg hello = { .type = SHIM_HELLO,
		.hello = { .magic = SHIM_MAGIC, .version = SHIM_VERSION, .flags = flags } };
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_LABEL + 1);
	struct shim_msg answer;

	*c = (struct shim_client)SHIM_CLIENT_INIT;
	if (shim_add_string(&tail, label) < 0)
		return md_fail_errno(err, "the label '%s'", label ? label : "");
	hello.tail = tail.data;
	hello.tail_len = tail.len;
	c->packet = malloc(SHIM_MAX_PACKET);
	if (!c->packet)
		return md_fail_errno(err, "connect to the shim");
	c->fd = sock_connect_within(socket_path, SOCK_SEQPACKET, OPEN_MS);
	if (c->fd < 0) {
		md_fail_errno(err, "connect to %s", socket_path);
		goto fail;
	}
	if (shim_client_ask(c, &hello, NULL, 0, &answer, OPEN_MS, err) < 0)
		goto fail;
	c->version = answer.hello.version;
	return 0;
fail:
	shim_client_close(c);
	return -1;
}
