/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "server/bridge_output.h"
#include "server/http.h"
#include "server/peers.h"
#include "server/ring_view.h"
#include "server/shim_link.h"
#include "server/terminal_text.h"
#include "server/web.h"
#include "base/poison.h"

enum {
	MESSAGE_MAX = 64 << 10,  /* of the client's */
	WAITING_MAX = 128 << 10, /* typed, not yet taken by the shim */
	SNAPSHOT_MAX = 16 << 20,
	TOUCH_SECONDS = 60,
	CLOSE_MS = 1500,     /* for the close handshake, when a login has ended */
	ATTACH_SECONDS = 10, /* for the shim's answer */
	SERIAL_ATTACH = 2,
};

/* RFC 6455, 7.4.1 */
enum close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_POLICY = 1008,
	CLOSE_TOO_BIG = 1009,
	CLOSE_BAD_DATA = 1007,
	CLOSE_FAILED = 1011,
};

struct bridge {
	struct bridge *next, **at; /* in web.bridges */
	struct lws *wsi;
	struct shim_link *shim; /* NULL until the workspace is open */
	struct pending *opening, *checking;
	bool plain; /* no subprotocol: bytes only */
	bool live;  /* attached: what is typed goes to the shim */
	bool came;  /* the audit log was told so, and will be told of the end */
	bool held;  /* the browser is told to wait */
	uint8_t token[BW_TOKEN_SIZE];
	struct bw_session session;
	char address[BW_ADDRESS_SIZE];
	char of[BW_NAME_SIZE]; /* an admin is at this user's terminal; "": at one of the session's own user */
	bool can_type;
	uint64_t visit;  /* to the wall, for which this is a picture; 0: for a page of its own */
	int64_t touched; /* seconds, monotonic: when auth last heard of activity */

	struct shim_attach wanted;
	struct shim_attached attached;
	struct buf snapshot;
	struct ring_view ring;
	uint16_t version;  /* of the shim's protocol; 0: not told yet */
	uint64_t expected; /* the output byte that comes next */
	bool gap;          /* some were lost to the ring: a snapshot is on its way */

	/* From the browser. */
	struct buf waiting; /* typed, not yet sent */
	struct buf text;    /* a text message in parts */
	size_t message_len;

	struct bridge_output out;   /* to the browser */
	enum close_code close_code; /* 0: stays open */
	bool closed;                /* libwebsockets was told to close */
	bool close_now;             /* what is queued isn't sent any more */
	char close_text[124];
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

struct bridge *bridge_new(const struct request *q)
{
	struct bridge *b = calloc(1, sizeof(*b));
	char control[8];

	if (!b)
		return NULL;
	memcpy(b->token, q->token, BW_TOKEN_SIZE);
	b->session = q->session;
	BW_PUT(b->address, q->address);
	BW_PUT(b->of, q->of);
	b->visit = b->session.is_link ? 0 : query_number(q, "wall=", UINT64_MAX, 0);
	b->can_type = b->session.can_type && !b->visit &&
		      (!*b->of || http_query(q, "control=", control, sizeof(control)));
	b->touched = seconds_now();
	b->wanted.terminal = (uint32_t)query_number(q, "terminal=", UINT32_MAX, 0);
	b->wanted.from = query_number(q, "from=", INT64_MAX, SHIM_NO_OFFSET);
	b->wanted.life = query_number(q, "life=", UINT64_MAX, 0);
	b->wanted.input = query_number(q, "input=", UINT64_MAX, 0);
	b->wanted.input_taken = query_number(q, "taken=", INT64_MAX, 0);
	b->wanted.rows = (uint16_t)query_number(q, "rows=", 2000, 0);
	b->wanted.cols = (uint16_t)query_number(q, "cols=", 2000, 0);
	if (b->session.is_link && b->session.terminal)
		b->wanted.terminal = b->session.terminal;
	/* Who only watches starts no shell, and who resumes wants that one or none. */
	b->wanted.flags = b->can_type ? 0 : SHIM_ATTACH_READ_ONLY;
	if (!b->session.is_link && !*b->of && !b->visit && b->wanted.terminal == 0)
		b->wanted.flags |= SHIM_ATTACH_CREATE;
	buf_init(&b->snapshot, SNAPSHOT_MAX);
	buf_init(&b->waiting, WAITING_MAX);
	buf_init(&b->text, TEXT_MAX_CLIENT);
	b->at = &web.bridges;
	b->next = web.bridges;
	if (b->next)
		b->next->at = &b->next;
	web.bridges = b;
	return b;
}

/* Who came to which terminal, or went. What the wall shows the broker has logged, once for all its pictures. */
static void audit(const struct bridge *b, bool came)
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
		audit(b, false);
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

/* Stops or goes on reading from the browser. */
static void hold_browser(struct bridge *b, bool hold)
{
	if (b->held == hold)
		return;
	b->held = hold;
	lws_rx_flow_control(b->wsi, !hold);
}

/* Closes once what is queued was sent, or with `now` without it. The first reason stays. The close itself happens in a timer's
 * callback: libwebsockets takes an error from a writeable callback for a dead socket and sends no close frame. */
static void close_bridge(struct bridge *b, enum close_code code, const char *text, bool now)
{
	if (!b->close_code) {
		b->close_code = code;
		broker_wire_put(b->close_text, sizeof(b->close_text), text);
	}
	b->close_now = b->close_now || now;
	if (!b->wsi)
		return;
	hold_browser(b, false); /* its answer to the close must be read */
	if (!now && b->out.first)
		lws_callback_on_writable(b->wsi);
	else
		lws_set_timer_usecs(b->wsi, 1);
	if (now)
		set_deadline();
	/* We may stand in a callback of libuv's: libwebsockets looks at its timers only after events of its own. */
	lws_cancel_service(web.lws);
}

static int close_with_reason(struct bridge *b)
{
	if (b->closed)
		return 0;
	b->closed = true;
	lws_close_reason(b->wsi, (enum lws_close_status)b->close_code,
		(unsigned char *)b->close_text, strlen(b->close_text));
	return -1;
}

static void send_text(struct bridge *b, const struct buf *text)
{
	if (b->plain || text->failed || !text->len)
		return;
	if (bridge_output_text(&b->out, text->data, text->len) < 0)
		close_bridge(b, CLOSE_FAILED, "out of memory", true);
	lws_callback_on_writable(b->wsi);
}

static void send_bytes(struct bridge *b, const char *data, size_t len)
{
	if (bridge_output_bytes(&b->out, data, len) < 0)
		close_bridge(b, CLOSE_FAILED, "out of memory", true);
	if (bridge_output_is_high(&b->out))
		shim_link_pause(b->shim, true);
}

static void send_hello(struct bridge *b, uint64_t offset, int64_t snapshot)
{
	_auto_buf_ struct buf text = BUF_INIT(1024);

	text_add_hello(&text, &b->attached, offset, snapshot);
	send_text(b, &text);
}

/* Sends what was typed and waits; the browser is held while it doesn't go. */
static void flush_waiting(struct bridge *b)
{
	while (b->live && b->waiting.len) {
		struct shim_msg m = { .type = SHIM_INPUT,
			.tail = b->waiting.data,
			.tail_len = MD_MIN(b->waiting.len, (size_t)SHIM_MAX_TAIL) };

		if (shim_link_send(b->shim, &m) != 1)
			break;
		buf_consume(&b->waiting, m.tail_len);
	}
	hold_browser(b, b->waiting.len > 0);
}

/* The terminal that was asked for ended with a former life of the workspace. */
static void tell_restarted(struct bridge *b, const char *why)
{
	_auto_buf_ struct buf text = BUF_INIT(1024);

	text_add_restarted(&text, why);
	shim_link_free(b->shim);
	b->shim = NULL;
	send_text(b, &text);
	close_bridge(b, CLOSE_NORMAL, "the workspace has been started anew", false);
}

/* The shim broke the protocol. Its other connections and everybody else's go on. */
static void on_nonsense(struct bridge *b, const char *what)
{
	log_error("the shim of %s: %s", b->session.user, what);
	close_bridge(b, CLOSE_FAILED, "the workspace makes no sense", true);
}

static void on_attached(struct bridge *b, const struct shim_msg *m)
{
	if (b->live) {
		on_nonsense(b, "ATTACHED twice");
		return;
	}
	/* A shim too old to know of lives: whoever names one has it from another. */
	if (b->wanted.life && m->attached.life != b->wanted.life) {
		tell_restarted(b, "the workspace has been started anew by another version");
		return;
	}
	b->attached = m->attached;
	b->live = b->came = true;
	b->expected = m->attached.offset;
	b->gap = m->attached.flags & SHIM_ATTACHED_SNAPSHOT;
	lws_set_timer_usecs(b->wsi, LWS_SET_TIMER_USEC_CANCEL);
	audit(b, true);
	if (!(m->attached.flags & SHIM_ATTACHED_SNAPSHOT))
		send_hello(b, m->attached.offset, -1);
	flush_waiting(b);
}

/* A snapshot comes in parts; the browser is told its length first, so all of it is gathered. */
static void on_snapshot(struct bridge *b, const struct shim_msg *m)
{
	if (m->snapshot.flags & SHIM_SNAPSHOT_FIRST)
		buf_reset(&b->snapshot);
	if (buf_add(&b->snapshot, m->tail, m->tail_len) < 0) {
		close_bridge(b, CLOSE_FAILED, "the screen is too large", true);
		return;
	}
	if (!(m->snapshot.flags & SHIM_SNAPSHOT_LAST))
		return;
	b->expected = m->snapshot.offset;
	b->gap = false;
	b->attached.rows = m->snapshot.rows;
	b->attached.cols = m->snapshot.cols;
	send_hello(b, m->snapshot.offset, (int64_t)b->snapshot.len);
	send_bytes(b, buf_str(&b->snapshot), b->snapshot.len);
	buf_done(&b->snapshot);
	buf_init(&b->snapshot, SNAPSHOT_MAX);
}

/* Bytes that are in the ring. What was overwritten while it was copied is taken back: the shim sends a snapshot instead. */
static void on_advance(struct bridge *b, const struct shim_advance *a)
{
	struct output_mark mark = bridge_output_mark(&b->out);
	struct iovec pieces[2];

	if (b->gap)
		return;
	if (a->from != b->expected || !ring_view_find(&b->ring, a->from, a->to, pieces)) {
		on_nonsense(b, "an ADVANCE that doesn't follow");
		return;
	}
	for (size_t i = 0; i < 2; i++)
		send_bytes(b, pieces[i].iov_base, pieces[i].iov_len);
	b->expected = a->to;
	b->gap = !ring_view_was_intact(&b->ring, a->from);
	if (b->gap)
		bridge_output_rewind(&b->out, &mark);
	/* Older ones don't always see that; who comes back is sent the missing bytes or a snapshot. */
	if (b->gap && b->version < 3)
		close_bridge(b, CLOSE_FAILED, "the output was faster than the connection", true);
}

static void on_output(struct bridge *b, const struct shim_msg *m)
{
	if (b->gap || m->output.offset != b->expected) {
		on_nonsense(b, "an OUTPUT that doesn't follow");
		return;
	}
	b->expected += m->tail_len;
	send_bytes(b, m->tail, m->tail_len);
}

static void on_error(struct bridge *b, const struct shim_msg *m)
{
	if (m->serial == SERIAL_ATTACH && m->error.code == ESTALE)
		tell_restarted(b, shim_string(m, 0));
	else if (m->serial == SERIAL_ATTACH && m->error.code == ENOENT)
		close_bridge(b, CLOSE_POLICY, "there is no such terminal", false);
	else if (m->serial <= SERIAL_ATTACH) /* to nothing, the broker's HELLO or the ATTACH */
		close_bridge(b, CLOSE_FAILED, shim_string(m, 0), false);
}

static void on_message(const struct shim_msg *m, int fd, void *data)
{
	_auto_buf_ struct buf text = BUF_INIT(64 << 10);
	struct bridge *b = data;

	if (m->type == SHIM_RING && ring_view_open(&b->ring, fd, m->ring.size) < 0)
		close_bridge(b, CLOSE_FAILED, "no memory for the terminal", true);
	fd_close(&fd);
	if (b->close_code)
		return;
	if (!b->live && (m->type == SHIM_ADVANCE || m->type == SHIM_OUTPUT ||
				m->type == SHIM_SNAPSHOT || m->type == SHIM_EXIT)) {
		on_nonsense(b, "output before ATTACHED");
		return;
	}
	switch (m->type) {
	case SHIM_HELLO:
		b->version = m->hello.version;
		/* It would send all of its output instead. */
		if (b->visit && !(m->hello.flags & SHIM_HELLO_PICTURES))
			close_bridge(b, CLOSE_FAILED,
				"it was started by an older version, which makes no pictures",
				false);
		break;
	case SHIM_ADVANCE:
		on_advance(b, &m->advance);
		break;
	case SHIM_ATTACHED:
		on_attached(b, m);
		break;
	case SHIM_OUTPUT:
		on_output(b, m);
		break;
	case SHIM_SNAPSHOT:
		on_snapshot(b, m);
		break;
	case SHIM_SIZE:
		text_add_size(&text, m->size.rows, m->size.cols);
		break;
	case SHIM_NOTICE:
		text_add_notice(&text, m);
		break;
	case SHIM_PRESENCE:
		text_add_presence(&text, m);
		break;
	case SHIM_TAKEN:
		text_add_taken(&text, m->taken.input_taken);
		break;
	case SHIM_TERMINAL:
		text_add_plain(&text, "terminals");
		break;
	case SHIM_EXIT:
		text_add_exit(&text, m);
		send_text(b, &text);
		close_bridge(b, CLOSE_NORMAL, "the shell has ended", false);
		return;
	case SHIM_ERROR:
		on_error(b, m);
		break;
	}
	send_text(b, &text);
}

/* Writes what the socket takes; the shim goes on when little is left. -1: the connection is gone. */
static int write_out(struct bridge *b)
{
	if (bridge_output_write(&b->out, b->wsi) < 0)
		return -1;
	if (b->shim && !bridge_output_is_above_low(&b->out))
		shim_link_pause(b->shim, false);
	return 0;
}

/* Somebody waits for an echo: it goes out at once, not in a writeable callback, which takes another round of the loop with
 * four changes to what epoll watches. Only what the socket doesn't take waits for that one. */
static void on_quiet(void *data)
{
	struct bridge *b = data;

	if (b->out.first && (b->close_code || write_out(b) < 0 || b->out.first))
		lws_callback_on_writable(b->wsi);
}

static void on_ended(void *data)
{
	struct bridge *b = data;

	shim_link_free(b->shim);
	b->shim = NULL;
	b->live = false;
	close_bridge(b, CLOSE_FAILED, "the workspace has ended", false);
}

static void on_shim_writable(void *data)
{
	flush_waiting(data);
}

static const struct shim_link_events events = { on_message, on_quiet, on_ended, on_shim_writable };

/* The broker opened the workspace (or not). */
static void on_opened(const union bw_message *m, int fd, void *data)
{
	struct bridge *b = data;
	struct shim_msg attach = { .type = SHIM_ATTACH, .serial = SERIAL_ATTACH };

	b->opening = NULL;
	if (!m || m->h.type != BW_OPENED || m->opened.status != BW_OK || fd < 0) {
		enum bw_status status = m && m->h.type == BW_OPENED ? m->opened.status : BW_FAILED;

		fd_close(&fd);
		close_bridge(b, status == BW_DENIED ? CLOSE_POLICY : CLOSE_FAILED,
			m && m->h.type == BW_OPENED && m->opened.text[0]
				? m->opened.text
				: "the workspace could not be opened",
			false);
		return;
	}
	b->shim = shim_link_new(fd, &events, b);
	attach.attach = b->wanted;
	if (b->plain)
		attach.attach.input = 0; /* it hears of no count */
	else if (!b->visit)
		attach.attach.flags |= SHIM_ATTACH_ACKS | SHIM_ATTACH_RING;
	attach.tail = "";
	attach.tail_len = 1;
	if (!b->shim || shim_link_send(b->shim, &attach) != 1)
		close_bridge(b, CLOSE_FAILED, "the workspace does not answer", false);
	else
		lws_set_timer_usecs(b->wsi, ATTACH_SECONDS * LWS_USEC_PER_SEC);
	lws_cancel_service(web.lws);
}

int bridge_start(struct bridge *b, struct lws *wsi)
{
	union bw_message m = { .open = { .h.type = BW_OPEN, .is_link = b->session.is_link } };
	const struct lws_protocols *protocol = lws_get_protocol(wsi);

	b->wsi = wsi;
	b->plain = !protocol || !str_eq(protocol->name, "mdocker.v1");
	if (b->close_code)
		return close_with_reason(b);
	memcpy(m.open.token, b->token, BW_TOKEN_SIZE);
	BW_PUT(m.open.address, b->address);
	BW_PUT(m.open.of, b->of);
	m.open.look = !b->can_type;
	m.open.visit = b->visit;
	b->opening = peers_ask_broker(&m, on_opened, b);
	if (!b->opening)
		close_bridge(b, CLOSE_FAILED, "the server is too busy", false);
	return 0;
}

static void on_checked(const union bw_message *m, int fd _unused_, void *data)
{
	struct bridge *b = data;

	b->checking = NULL;
	if (m && m->h.type == BW_SESSION && m->session.status == BW_DENIED)
		close_bridge(b, CLOSE_POLICY, "the login has ended", true);
}

static void check_session(struct bridge *b, bool touch)
{
	union bw_message m = {
		.token = { .h.type = BW_CHECK, .is_link = b->session.is_link, .touch = touch }
	};

	memcpy(m.token.token, b->token, BW_TOKEN_SIZE);
	if (!b->checking)
		b->checking = peers_ask_auth(&m, on_checked, b);
}

/* Typing keeps a login alive; what a program prints doesn't. */
static void note_activity(struct bridge *b)
{
	int64_t now = seconds_now();
	int64_t every = MD_MIN((int64_t)TOUCH_SECONDS, (int64_t)web.settings.idle_seconds / 10);

	if (now - b->touched < every || b->session.is_link)
		return;
	b->touched = now;
	check_session(b, true);
}

static void tell_shim(struct bridge *b, const struct shim_msg *m)
{
	/* Also before ATTACHED has come: the shim takes them in order. */
	if (b->shim)
		shim_link_send(b->shim, m);
}

static int on_text(struct bridge *b, const char *data, size_t len)
{
	struct text_message t = text_parse(data, len);
	struct shim_msg m = { 0 };
	_auto_buf_ struct buf pong = BUF_INIT(64);

	switch (t.kind) {
	case TEXT_RESIZE:
		if (!b->live) {
			b->wanted.rows = t.rows;
			b->wanted.cols = t.cols;
		}
		m.type = SHIM_RESIZE;
		m.resize.rows = t.rows;
		m.resize.cols = t.cols;
		tell_shim(b, &m);
		return 0;
	case TEXT_ACK:
		m.type = SHIM_ACK;
		m.ack.offset = t.offset;
		m.ack.window = t.window;
		tell_shim(b, &m);
		return 0;
	case TEXT_PING:
		text_add_plain(&pong, "pong");
		send_text(b, &pong);
		return 0;
	case TEXT_UNKNOWN:
		return 0;
	case TEXT_BAD:
		break;
	}
	close_bridge(b, CLOSE_BAD_DATA, "a text message can't be read", true);
	return close_with_reason(b);
}

static int on_typed(struct bridge *b, const void *data, size_t len)
{
	struct shim_msg m = { .type = SHIM_INPUT, .tail = data, .tail_len = len };

	if (!b->can_type)
		return 0;
	note_activity(b);
	if (b->live && !b->waiting.len && shim_link_send(b->shim, &m) == 1)
		return 0;
	if (buf_add(&b->waiting, data, len) < 0) {
		close_bridge(b, CLOSE_TOO_BIG, "too much was typed at once", true);
		return close_with_reason(b);
	}
	hold_browser(b, true);
	return 0;
}

int bridge_receive(struct bridge *b, const void *data, size_t len)
{
	if (!b || b->close_code)
		return b ? 0 : -1;
	if (lws_is_first_fragment(b->wsi)) {
		b->message_len = 0;
		buf_reset(&b->text);
	}
	b->message_len += len;
	if (b->message_len + lws_remaining_packet_payload(b->wsi) > MESSAGE_MAX) {
		close_bridge(b, CLOSE_TOO_BIG, "a message may have 64 KiB", true);
		return close_with_reason(b);
	}
	if (lws_frame_is_binary(b->wsi))
		return len ? on_typed(b, data, len) : 0;
	buf_add(&b->text, data, len);
	if (!lws_is_final_fragment(b->wsi))
		return 0;
	if (b->text.failed) {
		close_bridge(b, CLOSE_TOO_BIG, "a text message may have 4 KiB", true);
		return close_with_reason(b);
	}
	return on_text(b, buf_str(&b->text), b->text.len);
}

int bridge_writeable(struct bridge *b)
{
	if (!b)
		return -1;
	if (b->close_code && b->close_now)
		return 0;
	if (write_out(b) < 0)
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
		return close_with_reason(b);
	if (!b->live)
		close_bridge(b, CLOSE_FAILED, "the workspace does not answer", true);
	return 0;
}

void bridge_revoke(uint64_t session)
{
	for (struct bridge *b = web.bridges; b; b = b->next) {
		if (b->session.session == session)
			close_bridge(b, CLOSE_POLICY, "the login has ended", true);
	}
}

void bridge_check_all(void)
{
	for (struct bridge *b = web.bridges; b; b = b->next)
		check_session(b, false);
}
