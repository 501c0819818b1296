/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bridge_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"
#include "server/http.h"
#include "server/peers.h"
#include "server/terminal_text.h"
#include "server/web.h"
#include "base/poison.h"

enum {
	TOUCH_SECONDS = 60,
	CLOSE_MS = 1500,     /* for the close handshake, when a login has ended */
	ATTACH_SECONDS = 10, /* for the shim's answer */
};

static int64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static uint64_t query_number(
	const struct request *q, const char *name, uint64_t most, uint64_t otherwise)
{
	char text[32];
	uint64_t n;

	return http_query(q, name, text, sizeof(text)) && str_to_u64(text, most, &n) == 0
		       ? n
		       : otherwise;
}

/* What its session may do here. */
static void settle(struct bridge *b)
{
	b->can_type = b->session.can_type && !b->visit && (!*b->of || b->helps);
	if (b->session.is_link && b->session.terminal)
		b->wanted.terminal = b->session.terminal;
	/* Who only watches starts no shell, and who resumes wants that one or none. */
	b->wanted.flags = b->can_type ? 0 : SHIM_ATTACH_READ_ONLY;
	if (!b->session.is_link && !*b->of && !b->visit && b->wanted.terminal == 0)
		b->wanted.flags |= SHIM_ATTACH_CREATE;
}

struct bridge *bridge_new(const struct request *q)
{
	struct bridge *b = calloc(1, sizeof(*b));
	char control[8];

	if (!b)
		return NULL;
	memcpy(b->token, q->token, BW_TOKEN_SIZE);
	b->session = q->session;
	b->late = q->late;
	BW_PUT(b->address, q->address);
	BW_PUT(b->of, q->of);
	b->visit = b->session.is_link ? 0 : query_number(q, "wall=", UINT64_MAX, 0);
	b->helps = http_query(q, "control=", control, sizeof(control));
	b->touched = seconds_now();
	b->wanted.terminal = (uint32_t)query_number(q, "terminal=", UINT32_MAX, 0);
	b->wanted.from = query_number(q, "from=", INT64_MAX, SHIM_NO_OFFSET);
	b->wanted.life = query_number(q, "life=", UINT64_MAX, 0);
	b->wanted.input = query_number(q, "input=", UINT64_MAX, 0);
	b->wanted.input_taken = query_number(q, "taken=", INT64_MAX, 0);
	b->wanted.rows = (uint16_t)query_number(q, "rows=", 2000, 0);
	b->wanted.cols = (uint16_t)query_number(q, "cols=", 2000, 0);
	if (!b->late)
		settle(b);
	buf_init(&b->snapshot, BRIDGE_SNAPSHOT);
	buf_init(&b->waiting, BRIDGE_WAITING);
	buf_init(&b->text, TEXT_MAX_CLIENT);
	b->at = &web.bridges;
	b->next = web.bridges;
	if (b->next)
		b->next->at = &b->next;
	web.bridges = b;
	return b;
}

/* Who came to which terminal, or went. What the wall shows the broker has logged, once for all its pictures. */
void bridge_audit(const struct bridge *b, bool came)
{
	char text[BW_TEXT_SIZE];

	if (b->visit)
		return;
	snprintf(text, sizeof(text), "terminal %u of %s, %s", b->attached.terminal, b->of,
		b->can_type ? "may type" : "looks only");
	if (*b->of)
		peers_audit(came ? BW_EVENT_LOOK : BW_EVENT_LOOK_END, false, b->session.user,
			b->address, text);
	else
		peers_audit(came ? BW_EVENT_ATTACH : BW_EVENT_DETACH, false, b->session.user,
			b->address, came && b->session.is_link ? "by a link" : NULL);
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	if (b->came)
		bridge_audit(b, false);
	*b->at = b->next;
	if (b->next)
		b->next->at = b->at;
	peers_cancel(b->opening);
	peers_cancel(b->checking);
	shim_link_free(b->shim);
	ring_view_close(&b->ring);
	buf_done(&b->snapshot);
	buf_done(&b->waiting);
	buf_done(&b->text);
	bridge_output_done(&b->out);
	explicit_bzero(b, sizeof(*b));
	free(b);
}

/* A browser that takes nothing more can't be told why; its socket is closed all the same. */
static void on_deadline(uv_timer_t *t _unused_)
{
	for (struct bridge *b = web.bridges; b; b = b->next) {
		if (b->close_now && b->wsi)
			lws_set_timeout(b->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	}
	lws_cancel_service(web.lws);
}

static void set_deadline(void)
{
	static uv_timer_t timer;

	if (!timer.data) {
		uv_timer_init(&web.loop, &timer);
		timer.data = &timer;
	}
	if (!uv_is_active((uv_handle_t *)&timer))
		uv_timer_start(&timer, on_deadline, CLOSE_MS, 0);
}

/* The close itself happens in a timer's callback: libwebsockets takes an error from a writeable callback for a dead socket and sends no
 * close frame. */
void bridge_close(struct bridge *b, enum close_code code, const char *text, bool now)
{
	if (!b->close_code) {
		b->close_code = code;
		broker_wire_put(b->close_text, sizeof(b->close_text), text);
	}
	b->close_now = b->close_now || now;
	if (!b->wsi)
		return;
	bridge_hold(b, false); /* its answer to the close must be read */
	if (!now && b->out.first)
		lws_callback_on_writable(b->wsi);
	else
		lws_set_timer_usecs(b->wsi, 1);
	if (now)
		set_deadline();
	/* We may stand in a callback of libuv's: libwebsockets looks at its timers only after events of its own. */
	lws_cancel_service(web.lws);
}

void bridge_broke_protocol(struct bridge *b, const char *why)
{
	bridge_close(b, CLOSE_PROTOCOL, why, true);
}

int bridge_say_why(struct bridge *b)
{
	if (b->closed)
		return 0;
	b->closed = true;
	lws_close_reason(b->wsi, (enum lws_close_status)b->close_code,
		(unsigned char *)b->close_text, strlen(b->close_text));
	return -1;
}

void bridge_send_text(struct bridge *b, const struct buf *text)
{
	if (b->plain || text->failed || !text->len)
		return;
	if (bridge_output_text(&b->out, text->data, text->len) < 0)
		bridge_close(b, CLOSE_FAILED, "out of memory", true);
	lws_callback_on_writable(b->wsi);
}

int bridge_write(struct bridge *b)
{
	if (bridge_output_write(&b->out, b->wsi) < 0)
		return -1;
	if (b->shim && !bridge_output_is_above_low(&b->out))
		shim_link_pause(b->shim, false);
	return 0;
}

void bridge_attach(struct bridge *b)
{
	struct shim_msg m = { .type = SHIM_ATTACH, .serial = BRIDGE_ATTACH };

	m.attach = b->wanted;
	if (b->plain)
		m.attach.input = 0; /* it hears of no count */
	else if (!b->visit)
		m.attach.flags |= SHIM_ATTACH_ACKS | SHIM_ATTACH_RING;
	m.tail = "";
	m.tail_len = 1;
	if (!b->shim || shim_link_send(b->shim, &m) != 1)
		bridge_close(b, CLOSE_FAILED, "the workspace does not answer", false);
}

/* The broker opened the workspace (or not). */
static void on_opened(const union bw_message *m, int fd, void *data)
{
	struct bridge *b = data;

	b->opening = NULL;
	if (b->close_code) {
		fd_close(&fd);
		return;
	}
	if (!m || m->h.type != BW_OPENED || m->opened.status != BW_OK || fd < 0) {
		enum bw_status status = m && m->h.type == BW_OPENED ? m->opened.status : BW_FAILED;

		fd_close(&fd);
		bridge_close(b, status == BW_DENIED ? CLOSE_POLICY : CLOSE_FAILED,
			m && m->h.type == BW_OPENED && m->opened.text[0]
				? m->opened.text
				: "the workspace could not be opened",
			false);
		return;
	}
	lws_set_timer_usecs(b->wsi, ATTACH_SECONDS * LWS_USEC_PER_SEC);
	b->shim = shim_link_new(fd, &bridge_shim_events, b);
	/* The wall waits for HELLO: a shim without pictures would send all of its output, and show the user an admin who sees nothing. */
	if (!b->shim || !b->visit)
		bridge_attach(b);
	lws_cancel_service(web.lws);
}

static void open_workspace(struct bridge *b)
{
	union bw_message m = { .open = { .h.type = BW_OPEN, .is_link = b->session.is_link } };

	memcpy(m.open.token, b->token, BW_TOKEN_SIZE);
	BW_PUT(m.open.address, b->address);
	BW_PUT(m.open.of, b->of);
	m.open.look = !b->can_type;
	m.open.visit = b->visit;
	b->opening = peers_ask_broker(&m, on_opened, b);
	if (!b->opening)
		bridge_close(b, CLOSE_FAILED, "the server is too busy", false);
}

/* Auth was late: only now it is known who this is. The refusals are those of route_allow_socket(). */
static void on_late_session(const union bw_message *m, int fd _unused_, void *data)
{
	struct bridge *b = data;
	enum bw_status status = m && m->h.type == BW_SESSION ? m->session.status : BW_FAILED;

	b->checking = NULL;
	b->late = false;
	if (b->close_code)
		return;
	if (status != BW_OK) {
		bridge_close(b, status == BW_DENIED ? CLOSE_POLICY : CLOSE_FAILED,
			status == BW_DENIED ? "log in first" : "the server can't do this now",
			true);
		return;
	}
	b->session = m->session;
	if (str_eq(b->of, b->session.user))
		b->of[0] = '\0';
	if ((*b->of || b->visit) && b->session.role != BW_ADMIN) {
		peers_audit(BW_EVENT_DENIED, true, b->session.user, b->address, "for admins only");
		bridge_close(b, CLOSE_POLICY, "for admins only", true);
		return;
	}
	settle(b);
	if (!b->can_type)
		buf_reset(&b->waiting);
	bridge_hold(b, b->waiting.len > 0);
	open_workspace(b);
	lws_cancel_service(web.lws);
}

static void check_session(struct bridge *b, bool touch, peers_done done)
{
	union bw_message m = {
		.token = { .h.type = BW_CHECK, .is_link = b->session.is_link, .touch = touch }
	};

	memcpy(m.token.token, b->token, BW_TOKEN_SIZE);
	if (!b->checking)
		b->checking = peers_ask_auth(&m, done, b);
}

int bridge_start(struct bridge *b, struct lws *wsi)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);

	b->wsi = wsi;
	b->plain = !protocol || !str_eq(protocol->name, "mdocker.v1");
	if (b->close_code)
		return bridge_say_why(b);
	if (!b->late) {
		open_workspace(b);
		return 0;
	}
	check_session(b, !b->session.is_link, on_late_session);
	if (b->checking)
		lws_set_timer_usecs(b->wsi, ATTACH_SECONDS * LWS_USEC_PER_SEC);
	else
		bridge_close(b, CLOSE_FAILED, "the server is too busy", false);
	return 0;
}

static void on_checked(const union bw_message *m, int fd _unused_, void *data)
{
	struct bridge *b = data;

	b->checking = NULL;
	if (m && m->h.type == BW_SESSION && m->session.status == BW_DENIED)
		bridge_close(b, CLOSE_POLICY, "the login has ended", true);
}

void bridge_note_activity(struct bridge *b)
{
	int64_t now = seconds_now();
	int64_t every = MD_MIN((int64_t)TOUCH_SECONDS, (int64_t)web.settings.idle_seconds / 10);

	if (now - b->touched < every || b->session.is_link)
		return;
	b->touched = now;
	check_session(b, true, on_checked);
}

int bridge_writeable(struct bridge *b)
{
	if (!b)
		return -1;
	if (b->close_code && b->close_now)
		return 0;
	if (bridge_write(b) < 0)
		return -1;
	if (b->out.first)
		lws_callback_on_writable(b->wsi);
	else if (b->close_code)
		lws_set_timer_usecs(b->wsi, 1);
	return 0;
}

int bridge_timer(struct bridge *b)
{
	if (!b || b->closed)
		return 0;
	if (b->close_code)
		return bridge_say_why(b);
	if (!b->live)
		bridge_close(b, CLOSE_FAILED,
			b->late ? "the server can't do this now" : "the workspace does not answer",
			true);
	return 0;
}

void bridge_revoke(uint64_t session)
{
	for (struct bridge *b = web.bridges; b; b = b->next) {
		if (b->session.session == session)
			bridge_close(b, CLOSE_POLICY, "the login has ended", true);
	}
}

size_t bridge_count_late(void)
{
	size_t count = 0;

	for (const struct bridge *b = web.bridges; b; b = b->next)
		count += b->late;
	return count;
}

void bridge_check_all(void)
{
	for (struct bridge *b = web.bridges; b; b = b->next)
		check_session(b, false, on_checked);
}
