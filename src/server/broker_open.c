/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/str.h"
#include "recording/store.h"
#include "server/guard.h"
#include "wire/shim_wire.h"
#include "base/poison.h"

void broker_audit_foreign(
	const struct broker_request *q, enum bw_event event, bool failed, const char *what)
{
	char text[BW_TEXT_SIZE];

	snprintf(text, sizeof(text), "%s of %s", what, q->owner);
	broker_audit(q->broker, event, failed, q->session.user, q->asked.address, text);
}

static struct broker_workspace *find_workspace(struct broker *b, const char *name)
{
	struct broker_workspace *w = b->workspaces;

	while (w && !str_eq(w->name, name))
		w = w->next;
	return w;
}

void broker_forget_workspace(struct broker *b, const char *name)
{
	for (struct broker_workspace **at = &b->workspaces; *at; at = &(*at)->next) {
		struct broker_workspace *w = *at;

		if (!str_eq(w->name, name))
			continue;
		*at = w->next;
		free(w->socket);
		free(w);
		return;
	}
}

void broker_remember_workspace(struct broker *b, const char *name, const char *socket)
{
	struct broker_workspace *w = calloc(1, sizeof(*w));

	broker_forget_workspace(b, name);
	if (!w)
		return;
	w->socket = strdup(socket);
	if (!w->socket) {
		free(w);
		return;
	}
	BW_PUT(w->name, name);
	w->next = b->workspaces;
	b->workspaces = w;
}

static void request_free(struct broker_request *q)
{
	struct broker *b = q->broker;

	broker_stop_run(q);
	for (struct broker_request **at = &b->requests; *at; at = &(*at)->next) {
		if (*at == q) {
			*at = q->next;
			b->request_count--;
			break;
		}
	}
	explicit_bzero(q, sizeof(*q));
	free(q);
}

void broker_answer(struct broker_request *q, enum bw_status status, const char *text, int fd)
{
	struct broker *b = q->broker;
	union bw_message m = { .opened = { .h = { .type = BW_OPENED, .id = q->asked.h.id } } };

	if (q->asked.h.type == BW_WORKSPACE) {
		m.workspace_state = (struct bw_workspace_state){
			.h = { .type = BW_WORKSPACE_STATE, .id = q->asked.h.id }, .status = status
		};
		if (status != BW_OK)
			BW_PUT(m.workspace_state.text, text);
		else if (q->asked.action == BW_WS_INSPECT)
			BW_PUT(m.workspace_state.document, text);
	} else {
		m.opened.status = status;
		BW_PUT(m.opened.name, q->session.user);
		BW_PUT(m.opened.text, status == BW_OK ? "" : text);
	}
	if (b->web.fd >= 0 && !q->unwanted && broker_wire_send(b->web.fd, &m, &fd, fd >= 0) < 0)
		log_warning("answer to web: %s", strerror(errno));
	request_free(q);
}

/* What this connection is good for is fixed here, before web gets it: a user's terminals, or looking only. */
static int say_hello(int fd, const struct broker_request *q)
{
	const struct bw_session *s = &q->session;
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_LABEL + 1);
	char packet[SHIM_HEADER + SHIM_MAX_FIXED + SHIM_MAX_LABEL + 1];
	struct shim_msg m = { .type = SHIM_HELLO, .serial = 1 };
	ssize_t len;

	m.hello.magic = SHIM_MAGIC;
	m.hello.version = SHIM_VERSION;
	m.hello.flags = SHIM_HELLO_USER | SHIM_HELLO_WATCH;
	if (!s->can_type || q->asked.look)
		m.hello.flags |= SHIM_HELLO_READ_ONLY;
	if (q->foreign)
		m.hello.flags |= SHIM_HELLO_ADMIN;
	if (q->asked.visit)
		m.hello.flags |= SHIM_HELLO_PICTURES;
	if (shim_add_string(&tail, s->is_link ? "guest" : s->user) < 0)
		return -1;
	m.tail = tail.data;
	m.tail_len = tail.len;
	len = shim_encode(&m, packet, sizeof(packet));
	return len < 0 || sock_send(fd, packet, (size_t)len, NULL, 0) < 0 ? -1 : 0;
}

/* A wall comes again and again for its pictures; it is one look. */
static void audit_connection(const struct broker_request *q)
{
	uint64_t visit = q->asked.visit;

	if (!visit)
		broker_audit_foreign(q, BW_EVENT_ADMIN, false,
			q->asked.look ? "to look at the terminals" : "to type in the terminals");
	else if (broker_visit_begins(q->broker, q->session.session, visit, q->owner))
		broker_audit_foreign(q, BW_EVENT_WALL, false, "the wall shows the terminals");
}

bool broker_connect_and_answer(struct broker_request *q)
{
	struct broker_workspace *w = find_workspace(q->broker, q->owner);
	_auto_close_ int fd = -1;

	if (!w)
		return false;
	/* Nonblocking: a shim that hangs must not hang us. */
	fd = sock_connect(w->socket, SOCK_SEQPACKET | SOCK_NONBLOCK);
	if (fd < 0 || say_hello(fd, q) < 0)
		return false;
	if (q->foreign)
		audit_connection(q);
	broker_answer(q, BW_OK, "", fd);
	return true;
}

/* Another request runs mdocker for this user: wait for its outcome. */
static bool user_is_busy(struct broker *b, const char *user)
{
	for (struct broker_request *q = b->requests; q; q = q->next) {
		if (q->state == RUNS && str_eq(q->owner, user))
			return true;
	}
	return false;
}

void broker_pump(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;
		bool try = q->state == WAITS_FOR_RUN && !user_is_busy(b, q->owner);

		if (try && q->asked.h.type == BW_OPEN && broker_connect_and_answer(q)) {
			/* done */
		} else if (try && b->run_count < BROKER_MAX_RUNS && broker_start_run(q) < 0) {
			log_error("start %s: %s", b->mdocker, strerror(errno));
			broker_answer(q, BW_FAILED, "the host has no room for it now", -1);
		}
		q = next;
	}
}

void broker_on_request(struct broker *b, const union bw_message *m)
{
	union bw_message check = { .token = { .h.type = BW_CHECK } };
	struct broker_request **at = &b->requests, *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	*q = (struct broker_request){ .broker = b,
		.asked = m->open,
		.check_id = ++b->last_id,
		.pidfd = -1,
		.out_fd = -1,
		.err_fd = -1,
		.process = LOOP_SOURCE_INIT,
		.out = LOOP_SOURCE_INIT,
		.errors = LOOP_SOURCE_INIT,
		.timeout = LOOP_SOURCE_INIT };
	while (*at)
		at = &(*at)->next;
	*at = q;
	if (++b->request_count > BROKER_MAX_REQUESTS) {
		broker_answer(q, BW_BUSY, "too many workspaces are being opened", -1);
		return;
	}
	check.h.id = q->check_id;
	check.token.is_link = m->open.is_link != 0;
	memcpy(check.token.token, m->open.token, BW_TOKEN_SIZE);
	if (b->auth.fd < 0 || broker_wire_send(b->auth.fd, &check, NULL, 0) < 0)
		broker_answer(q, BW_FAILED, "the accounts are not reachable now", -1);
}

/* Whose workspace a checked request is about. Others' are an admin's to see, by a session of their own. */
static bool find_owner(struct broker_request *q)
{
	const char *of = q->asked.of;
	bool is_admin = !q->session.is_link && q->session.role == BW_ADMIN;

	q->foreign = *of && !str_eq(of, q->session.user);
	q->owner = q->foreign ? of : q->session.user;
	if (q->asked.h.type == BW_WALL || q->asked.visit)
		return is_admin && (!q->foreign || guard_user_name_valid(of));
	return !q->foreign ||
	       (is_admin && q->asked.h.type != BW_WORKSPACE && guard_user_name_valid(of));
}

void broker_on_session(struct broker *b, const union bw_message *m)
{
	struct broker_request *q = b->requests;

	while (q && (q->state != WAITS_FOR_AUTH || q->check_id != m->h.id))
		q = q->next;
	if (!q)
		return;
	if (m->session.status != BW_OK || !guard_user_name_valid(m->session.user)) {
		broker_answer(q, m->session.status == BW_OK ? BW_FAILED : m->session.status,
			"no such session", -1);
		return;
	}
	if (m->session.is_link && q->asked.h.type != BW_OPEN) {
		broker_answer(q, BW_FORBIDDEN, "a link shows a terminal, no more", -1);
		return;
	}
	q->session = m->session;
	if (!find_owner(q)) {
		broker_audit_foreign(q, BW_EVENT_ADMIN, true, "not an admin: the workspace");
		broker_answer(q, BW_FORBIDDEN, "for admins only", -1);
		return;
	}
	if (q->asked.h.type == BW_RECORDING && q->asked.action != BW_REC_LIST &&
		!recording_name_valid(q->asked.item)) {
		/* It becomes a word of a command line. */
		broker_answer(q, BW_NOT_FOUND, "there is no such recording", -1);
		return;
	}
	q->state = WAITS_FOR_RUN;
	broker_pump(b);
}

void broker_fail_checks(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;

		if (q->state == WAITS_FOR_AUTH)
			broker_answer(q, BW_FAILED, "the accounts are not reachable now", -1);
		q = next;
	}
}

void broker_drop_requests(struct broker *b)
{
	struct broker_request *q = b->requests;

	while (q) {
		struct broker_request *next = q->next;

		if (q->state == RUNS)
			q->unwanted = true;
		else
			request_free(q);
		q = next;
	}
}

void broker_open_done(struct broker *b)
{
	/* What mdocker is doing it finishes without us. */
	while (b->requests)
		request_free(b->requests);
	while (b->workspaces)
		broker_forget_workspace(b, b->workspaces->name);
}
