/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life and its queue of answers. What it gets of a terminal: client_output.c. */
#define _GNU_SOURCE
#include "shim/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/poison.h"

struct client *client_find(struct shim *s, uint64_t id)
{
	struct client *c;

	TAILQ_FOREACH(c, &s->clients, link)
	{
		if (c->id == id)
			return c;
	}
	return NULL;
}

static bool peer_is_allowed(const struct shim *s, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == s->uid ||
	       (s->options->client_uid >= 0 && peer.uid == (uid_t)s->options->client_uid);
}

static void hello_passed(void *data)
{
	client_fail(data, 0, ETIMEDOUT, "no HELLO came");
}

static void client_ready(struct loop_source *source, uint32_t events);

void client_accept(struct shim *s, int fd)
{
	struct client *c;

	if (!peer_is_allowed(s, fd) || s->client_count >= CLIENT_MOST) {
		log_warning("a connection was refused: %s",
			s->client_count >= CLIENT_MOST ? "too many" : "not root");
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || loop_add_fd(&s->loop, &c->source, fd, EPOLLIN, client_ready, c) < 0) {
		log_warning("a connection was refused: %s", strerror(errno));
		free(c);
		close(fd);
		return;
	}
	c->source.own_fd = true;
	c->shim = s;
	c->id = ++s->last_client;
	buf_init(&c->queue, CLIENT_QUEUE);
	buf_init(&c->snapshot, CLIENT_SNAPSHOT);
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->client_count++;
	deadline_set(&s->deadlines, &c->timer, CLIENT_HELLO_MS, hello_passed, c);
}

static void remove_dropped(void *data)
{
	struct client *c = data;
	struct shim *s = c->shim;

	client_detach(c);
	TAILQ_REMOVE(&s->clients, c, link);
	s->client_count--;
	buf_done(&c->queue);
	buf_done(&c->snapshot);
	free(c);
	shim_client_settled(s);
}

void client_drop(struct client *c)
{
	struct shim *s = c->shim;

	if (c->dropped)
		return;
	c->dropped = true;
	loop_remove(&s->loop, &c->source);
	deadline_set(&s->deadlines, &c->timer, 0, remove_dropped, c);
}

static void update_events(struct client *c)
{
	uint32_t events =
		(c->input_paused || c->leaving ? 0 : EPOLLIN) | (c->blocked ? EPOLLOUT : 0);

	if (!c->dropped)
		loop_change(&c->shim->loop, &c->source, events);
}

void client_fail(struct client *c, uint32_t serial, int code, const char *text)
{
	struct md_error err = MD_ERROR_INIT;

	md_fail(&err, code, "%s", text);
	log_info("client %llu '%s': %s", (unsigned long long)c->id, c->label, text);
	client_detach(c);
	c->leaving = true;
	client_send_error(c, serial, 0, 0, &err);
	update_events(c);
}

void client_send(struct client *c, const struct shim_msg *m)
{
	uint32_t room = SHIM_HEADER + SHIM_MAX_FIXED + (uint32_t)m->tail_len;
	size_t before = c->queue.len;
	ssize_t len;
	char *to;

	if (c->dropped)
		return;
	if (c->queue_at > CLIENT_QUEUE / 2) {
		buf_consume(&c->queue, c->queue_at);
		before -= c->queue_at;
		c->queue_at = 0;
	}
	to = buf_reserve(&c->queue, sizeof(uint32_t) + room);
	len = to ? shim_encode(m, to + sizeof(uint32_t), room) : -1;
	if (len < 0) {
		log_info("client %llu '%s' doesn't take its answers", (unsigned long long)c->id,
			c->label);
		client_drop(c);
		return;
	}
	memcpy(c->queue.data + before, &(uint32_t){ (uint32_t)len }, sizeof(uint32_t));
	buf_grew(&c->queue, sizeof(uint32_t) + (size_t)len);
	client_pump(c);
}

void client_send_error(struct client *c, uint32_t serial, uint16_t request, int exit_code,
	const struct md_error *err)
{
	struct shim_msg m = { .type = SHIM_ERROR,
		.serial = serial,
		.error = { .code = err->code,
			.exit_code = (uint32_t)exit_code,
			.request = request },
		.tail = err->msg,
		.tail_len = strlen(err->msg) + 1 };

	client_send(c, &m);
}

void client_send_done(struct client *c, uint32_t serial)
{
	client_send(c, &(struct shim_msg){ .type = SHIM_DONE, .serial = serial });
}

void client_send_notice(struct client *c, uint32_t kind, uint32_t terminal, const char *text)
{
	struct shim_msg m = { .type = SHIM_NOTICE,
		.notice = { .kind = kind, .terminal = terminal },
		.tail = text,
		.tail_len = strlen(text) + 1 };

	client_send(c, &m);
}

void client_answer_waits(struct client *c, struct terminal *t)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct shim_msg m;
	size_t kept = 0;

	terminal_describe_exit(t, &m, &tail);
	for (size_t i = 0; i < c->wait_count && !c->dropped; i++) {
		if (c->waits[i].terminal != t->id) {
			c->waits[kept++] = c->waits[i];
			continue;
		}
		m.serial = c->waits[i].serial;
		client_send(c, &m);
	}
	c->wait_count = kept;
}

void client_pause(struct client *c, bool pause)
{
	if (c->input_paused == pause)
		return;
	c->input_paused = pause;
	update_events(c);
}

void client_set_blocked(struct client *c, bool blocked)
{
	if (c->blocked == blocked)
		return;
	c->blocked = blocked;
	update_events(c);
}

/* One packet. False when there was none, or the connection is over. */
static bool receive(struct client *c)
{
	struct shim *s = c->shim;
	int fds[SOCK_MAX_FDS];
	size_t fd_count = ARRAY_SIZE(fds);
	struct shim_msg m;
	ssize_t n;

	n = sock_recv(c->source.fd, s->packet, SHIM_MAX_PACKET, fds, &fd_count);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0 && errno == EMSGSIZE) {
		client_fail(c, 0, EMSGSIZE, "the message is too large");
		return false;
	}
	if (n <= 0) {
		client_drop(c);
		return false;
	}
	if (shim_decode(s->packet, (size_t)n, &m) == 0) {
		client_handle(c, &m, fds, fd_count);
	} else if (errno == ENOSYS && c->greeted) {
		struct md_error err = MD_ERROR_INIT;

		md_fail(&err, ENOSYS, "message type %u is not known", m.type);
		client_send_error(c, m.serial, m.type, 0, &err);
	} else {
		client_fail(c, m.serial, EBADMSG, "the message is malformed");
	}
	for (size_t i = 0; i < fd_count; i++)
		fd_close(&fds[i]);
	return !c->dropped && !c->leaving && !c->input_paused;
}

enum { PACKETS_A_ROUND = 16 };

static void client_ready(struct loop_source *source, uint32_t events)
{
	struct client *c = source->data;

	if (events & EPOLLOUT) {
		client_set_blocked(c, false);
		client_pump(c);
	}
	if (events & EPOLLIN && !c->dropped && !c->input_paused && !c->leaving) {
		for (int i = 0; i < PACKETS_A_ROUND && receive(c); i++)
			;
		if (!c->dropped)
			client_settle_size(c);
	}
	if (!c->dropped && (events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN))
		client_drop(c);
}
