/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/peers.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "server/bridge.h"
#include "server/tls.h"
#include "server/web.h"
#include "base/poison.h"

enum { AWAIT_MS = 250 };

static int64_t clock_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

struct pending {
	struct pending *next;
	uint32_t id;
	bool of_broker;
	peers_done done; /* NULL: cancelled */
	void *data;
};

static struct pending *ask(int fd, bool of_broker, union bw_message *m, peers_done done, void *data)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p || fd < 0)
		goto failed;
	m->h.id = ++web.last_id;
	if (broker_wire_send(fd, m, NULL, 0) < 0) {
		log_warning("ask %s: %s", of_broker ? "broker" : "auth", strerror(errno));
		goto failed;
	}
	*p = (struct pending){ web.pending, m->h.id, of_broker, done, data };
	web.pending = p;
	return p;
failed:
	free(p);
	return NULL;
}

struct pending *peers_ask_auth(union bw_message *m, peers_done done, void *data)
{
	return ask(web.auth_fd, false, m, done, data);
}

struct pending *peers_ask_broker(union bw_message *m, peers_done done, void *data)
{
	return ask(web.broker_fd, true, m, done, data);
}

void peers_cancel(struct pending *p)
{
	if (p)
		p->done = NULL;
}

void peers_audit(
	enum bw_event event, bool failed, const char *user, const char *address, const char *text)
{
	union bw_message m = { .audit = { .h.type = BW_AUDIT, .event = event, .failed = failed } };

	BW_PUT(m.audit.user, user ? user : "");
	BW_PUT(m.audit.address, address ? address : "");
	BW_PUT(m.audit.text, text ? text : "");
	if (web.auth_fd >= 0)
		broker_wire_send(web.auth_fd, &m, NULL, 0);
}

static void deliver(bool of_broker, const union bw_message *m, int fd)
{
	for (struct pending **at = &web.pending; *at; at = &(*at)->next) {
		struct pending *p = *at;

		if (p->of_broker != of_broker || p->id != m->h.id)
			continue;
		*at = p->next;
		if (p->done)
			p->done(m, fd, p->data);
		else
			fd_close(&fd);
		free(p);
		return;
	}
	fd_close(&fd); /* an answer to the web before us */
}

/* Everybody who waits for auth hears that it is gone. */
static void fail_auth_questions(void)
{
	struct pending *gone = NULL, **at = &web.pending;

	while (*at) {
		struct pending *p = *at;

		if (p->of_broker) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = gone;
		gone = p;
	}
	while (gone) {
		struct pending *p = gone;

		gone = p->next;
		if (p->done)
			p->done(NULL, -1, p->data);
		free(p);
	}
}

static void free_handle(uv_handle_t *h)
{
	free(h);
}

static void lose_auth(void)
{
	if (web.auth_fd < 0)
		return;
	uv_close((uv_handle_t *)web.auth_poll, free_handle);
	web.auth_poll = NULL;
	fd_close(&web.auth_fd);
	fail_auth_questions();
}

/* What it may say. */
static const bool of_auth[BW_TYPE_COUNT] = {
	[BW_SESSION] = true,
	[BW_STATUS] = true,
	[BW_USERS_PAGE] = true,
	[BW_LINK_MADE] = true,
	[BW_LINKS_PAGE] = true,
	[BW_REVOKED] = true,
};

/* One message of auth, if there is one. True if one was handled. */
static bool receive_auth(void)
{
	struct md_error err = MD_ERROR_INIT;
	union bw_message m;
	int fds[BW_MAX_FDS], r;
	bool end;

	if (web.auth_fd < 0)
		return false;
	r = broker_wire_recv(web.auth_fd, &m, fds, &end, &err);
	for (size_t i = 0; i < BW_MAX_FDS; i++)
		fd_close(&fds[i]); /* it has none to give */
	if (r == 1 && !of_auth[m.h.type])
		r = md_fail(&err, EPROTO, "a message of type %u", m.h.type);
	if (r < 0) {
		log_error("auth: %s", err.msg);
		uv_stop(&web.loop); /* there is no other pair with this auth: our successor has one */
	}
	if (r < 0 || end)
		lose_auth();
	if (r == 1)
		web.auth_is_late = false;
	if (r == 1 && m.h.type == BW_REVOKED)
		bridge_revoke(m.revoked.session);
	else if (r == 1)
		deliver(false, &m, -1);
	explicit_bzero(&m, sizeof(m));
	return r == 1;
}

static void on_auth(uv_poll_t *h _unused_, int status _unused_, int events _unused_)
{
	receive_auth();
}

/* Takes the socket of a (new) auth. */
static void watch_auth(int fd)
{
	lose_auth();
	web.auth_poll = calloc(1, sizeof(*web.auth_poll));
	if (!web.auth_poll || fd_set_nonblock(fd, true) < 0 ||
		uv_poll_init(&web.loop, web.auth_poll, fd) != 0) {
		log_error("the socket to auth can't be watched");
		free(web.auth_poll);
		web.auth_poll = NULL;
		fd_close(&fd);
		return;
	}
	web.auth_fd = fd;
	web.auth_is_late = false;
	uv_poll_start(web.auth_poll, UV_READABLE, on_auth);
	/* Sessions may have ended while nobody could tell us. */
	bridge_check_all();
}

static void on_broker(uv_poll_t *h _unused_, int status _unused_, int events _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	union bw_message m;
	int fds[BW_MAX_FDS], r;
	bool end;

	r = broker_wire_recv(web.broker_fd, &m, fds, &end, &err);
	if (r < 0)
		log_error("broker: %s", err.msg);
	if (r < 0 || end)
		uv_stop(&web.loop); /* without it nothing can be opened; its successor starts another web */
	if (r != 1)
		return;
	if (m.h.type == BW_PEER) {
		watch_auth(take_fd(&fds[0]));
	} else if (m.h.type == BW_TLS) {
		if (tls_load(fds[0], fds[1], &err) < 0)
			log_error("%s; the old certificate stays", err.msg);
	} else if (m.h.type == BW_ALIVE) {
		broker_wire_send(web.broker_fd, &m, NULL, 0);
	} else {
		deliver(true, &m, take_fd(&fds[0]));
	}
	for (size_t i = 0; i < BW_MAX_FDS; i++)
		fd_close(&fds[i]);
}

int peers_open(struct md_error *err)
{
	int fd = take_fd(&web.auth_fd);

	watch_auth(fd);
	if (web.auth_fd < 0 || fd_set_nonblock(web.broker_fd, true) < 0 ||
		uv_poll_init(&web.loop, &web.broker_poll, web.broker_fd) != 0 ||
		uv_poll_start(&web.broker_poll, UV_READABLE, on_broker) != 0)
		return md_fail(err, EIO, "watch the sockets of the other roles");
	return 0;
}

void peers_await(struct pending *const *question)
{
	int64_t until = clock_ms() + AWAIT_MS;

	while (*question && !web.auth_is_late) {
		struct pollfd wait = { .fd = web.auth_fd, .events = POLLIN };
		int64_t left = until - clock_ms();

		if (left > 0 && poll(&wait, 1, (int)left) > 0) {
			receive_auth();
		} else if (left <= 0) {
			web.auth_is_late = true;
			log_error("auth does not answer");
		}
	}
}
