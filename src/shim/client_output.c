/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection gets of its terminal: attaching, output, snapshots, sizes, the end. */
#define _GNU_SOURCE
#include "shim/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/poison.h"

enum {
	SNAPSHOT_AGAIN_MS = 250,
	PICTURE_AGAIN_MS = 2000,   /* for who is shown nothing but pictures */
	SNAPSHOT_STALL_MS = 20000, /* without a part being taken */
	SNAPSHOTS_MOST = 32 << 20, /* bytes of all clients' */
};

enum step {
	STEP_NOTHING, /* nothing to be sent */
	STEP_SENT,
	STEP_BLOCKED,
};

/* Sends one packet made of a head and up to two pieces. */
static enum step send_packet(
	struct client *c, const struct shim_msg *m, const struct iovec *pieces, size_t count)
{
	char head[SHIM_HEADER + SHIM_MAX_FIXED];
	struct iovec iov[3] = { { head, 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 + count };
	ssize_t n = shim_encode_head(m, head);

	iov[0].iov_len = (size_t)n;
	for (size_t i = 0; i < count; i++)
		iov[1 + i] = pieces[i];
	do {
		n = sendmsg(c->source.fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return STEP_SENT;
	if (errno == EAGAIN || errno == ENOBUFS) {
		client_set_blocked(c, true);
		return STEP_BLOCKED;
	}
	client_drop(c);
	return STEP_BLOCKED;
}

static enum step send_queued(struct client *c)
{
	uint32_t len;
	ssize_t n;

	if (c->queue_at == c->queue.len)
		return STEP_NOTHING;
	memcpy(&len, c->queue.data + c->queue_at, sizeof(len));
	n = sock_send(c->source.fd, c->queue.data + c->queue_at + sizeof(len), len, NULL, 0);
	if (n < 0 && errno != EAGAIN && errno != ENOBUFS) {
		client_drop(c);
		return STEP_BLOCKED;
	}
	if (n < 0) {
		client_set_blocked(c, true);
		return STEP_BLOCKED;
	}
	c->queue_at += sizeof(len) + len;
	if (c->queue_at == c->queue.len) {
		buf_done(&c->queue);
		c->queue_at = 0;
	}
	return STEP_SENT;
}

/* ---- snapshots ---- */

static void again_passed(void *data)
{
	client_pump(data);
}

/* What one doesn't take must not cost the others theirs. */
static void snapshot_stalled(void *data)
{
	struct client *c = data;

	log_info("client %llu '%s' doesn't take its snapshot", (unsigned long long)c->id, c->label);
	client_drop(c);
}

static void expect_progress(struct client *c)
{
	deadline_set(
		&c->shim->deadlines, &c->snapshot_timer, SNAPSHOT_STALL_MS, snapshot_stalled, c);
}

static void drop_snapshot(struct client *c)
{
	deadline_clear(&c->shim->deadlines, &c->snapshot_timer);
	c->shim->snapshot_bytes -= c->snapshot.capacity;
	buf_done(&c->snapshot);
	c->snapshot_begun = false;
}

static bool wants_pictures(const struct client *c)
{
	return c->flags & SHIM_HELLO_PICTURES;
}

/* Until when a snapshot must wait: in ms, 0 for now. */
static uint64_t snapshot_delay(const struct client *c, uint64_t now)
{
	uint64_t apart = wants_pictures(c) ? PICTURE_AGAIN_MS : SNAPSHOT_AGAIN_MS;

	if (c->snapshot_ms && now - c->snapshot_ms < apart)
		return apart - (now - c->snapshot_ms);
	return c->shim->snapshot_bytes > SNAPSHOTS_MOST ? SNAPSHOT_AGAIN_MS : 0;
}

/* Renders one. Not more often than it makes sense to look at, for one that lags behind a flood. */
static enum step begin_snapshot(struct client *c)
{
	const struct screen_snapshot_options options = {
		.scrollback = wants_pictures(c) ? 0 : SCREEN_ALL_LINES
	};
	struct terminal *t = c->terminal;
	uint64_t now = monotonic_ms(), delay = snapshot_delay(c, now);

	if (delay) {
		if (!c->again.set)
			deadline_set(&c->shim->deadlines, &c->again, delay, again_passed, c);
		return STEP_NOTHING;
	}
	terminal_feed(t);
	if (t->screen && screen_snapshot(t->screen, &c->snapshot, &options) < 0) {
		log_warning("terminal %u: no snapshot: %s", t->id, strerror(errno));
		client_drop(c);
		return STEP_BLOCKED;
	}
	c->shim->snapshot_bytes += c->snapshot.capacity;
	c->snapshot_ms = now;
	c->snapshot_at = 0;
	c->snapshot_begun = true;
	expect_progress(c);
	c->snapshot_rows = t->rows;
	c->snapshot_cols = t->cols;
	/* Without a screen (pipes) the oldest output that is still there begins it. */
	c->next = t->screen || !t->ring.map ? t->ring.end : ring_start(&t->ring);
	c->mark = t->mark;
	c->stale = false;
	return STEP_SENT;
}

static enum step send_snapshot(struct client *c)
{
	size_t len = MD_MIN(c->snapshot.len - c->snapshot_at, (size_t)SHIM_MAX_TAIL);
	bool last = c->snapshot_at + len == c->snapshot.len;
	struct iovec piece = { c->snapshot.data + c->snapshot_at, len };
	struct shim_msg m = { .type = SHIM_SNAPSHOT,
		.snapshot = { .offset = c->next,
			.flags = (c->snapshot_at == 0 ? SHIM_SNAPSHOT_FIRST : 0) |
				 (last ? SHIM_SNAPSHOT_LAST : 0),
			.rows = c->snapshot_rows,
			.cols = c->snapshot_cols } };
	enum step step = send_packet(c, &m, &piece, 1);

	if (step != STEP_SENT)
		return step;
	c->snapshot_at += len;
	expect_progress(c);
	if (last) {
		drop_snapshot(c);
		c->acked = c->next;
		c->caught_up = c->next;
	}
	return STEP_SENT;
}

/* ---- output ---- */

/* Whether it has fallen so far behind that the picture does better than the film. */
static bool is_behind(const struct client *c)
{
	const struct terminal *t = c->terminal;

	/* Who reads the ring itself may not have read yet what it was told of. */
	if ((c->ring ? c->acked : c->next) < ring_start(&t->ring) ||
		t->mark - c->mark >= TERMINAL_MARKS)
		return true;
	return t->screen && c != t->typist && c->next >= c->caught_up &&
	       t->ring.end - c->next > SHIM_WINDOW_HIGH;
}

static enum step send_size(struct client *c, const struct size_mark *mark)
{
	const struct terminal *t = c->terminal;
	const char *by = c->mark + 1 == t->mark ? t->sized_by : "";
	struct iovec piece = { (void *)by, strlen(by) + 1 };
	struct shim_msg m = { .type = SHIM_SIZE, .size = { mark->rows, mark->cols } };
	enum step step = send_packet(c, &m, &piece, 1);

	if (step == STEP_SENT)
		c->mark++;
	return step;
}

/* How many bytes may go out now: up to the next change of size, and within the window. */
static size_t allowance(const struct client *c)
{
	const struct terminal *t = c->terminal;
	uint64_t until = t->ring.end;

	if (c->mark < t->mark)
		until = MD_MIN(until, t->marks[(c->mark + 1) % TERMINAL_MARKS].offset);
	if (c->acks && c->next >= c->caught_up)
		until = MD_MIN(until, MD_MAX(c->acked, c->caught_up) + c->window);
	return until > c->next ? (size_t)MD_MIN(until - c->next, (uint64_t)SHIM_MAX_TAIL) : 0;
}

static enum step send_output(struct client *c)
{
	const struct terminal *t = c->terminal;
	struct shim_msg m = { .type = SHIM_OUTPUT, .output = { .offset = c->next } };
	struct iovec pieces[2];
	size_t len = allowance(c);
	enum step step;

	if (!len)
		return STEP_NOTHING;
	if (c->ring) {
		m = (struct shim_msg){ .type = SHIM_ADVANCE,
			.advance = { .from = c->next, .to = c->next + len } };
		step = send_packet(c, &m, NULL, 0);
	} else {
		ring_get(&t->ring, c->next, len, pieces);
		step = send_packet(c, &m, pieces, 2);
	}
	if (step == STEP_SENT)
		c->next += len;
	return step;
}

static enum step send_exit(struct client *c)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct iovec piece;
	struct shim_msg m;
	enum step step;

	terminal_describe_exit(c->terminal, &m, &tail);
	piece = (struct iovec){ (void *)m.tail, m.tail_len };
	step = send_packet(c, &m, &piece, 1);
	c->exit_told = step == STEP_SENT;
	return step;
}

/* For who is shown pictures: nothing while nothing changes. Of an ended one the end is enough. */
static enum step send_picture(struct client *c)
{
	const struct terminal *t = c->terminal;

	if (t->phase == TERMINAL_ENDED)
		return c->exit_told ? STEP_NOTHING : send_exit(c);
	if (c->stale || c->mark < t->mark || c->next < t->ring.end)
		return begin_snapshot(c);
	return STEP_NOTHING;
}

static enum step send_terminal(struct client *c)
{
	struct terminal *t = c->terminal;

	if (c->snapshot_begun)
		return send_snapshot(c);
	if (wants_pictures(c))
		return send_picture(c);
	if (c->stale || is_behind(c))
		return begin_snapshot(c);
	if (c->mark < t->mark) {
		const struct size_mark *mark = &t->marks[(c->mark + 1) % TERMINAL_MARKS];

		if (mark->offset <= c->next)
			return send_size(c, mark);
	}
	if (c->next < t->ring.end)
		return send_output(c);
	if (t->phase == TERMINAL_ENDED && !c->exit_told)
		return send_exit(c);
	return STEP_NOTHING;
}

void client_pump(struct client *c)
{
	enum step step = STEP_SENT;

	while (step == STEP_SENT && !c->dropped && !c->blocked) {
		step = send_queued(c);
		if (step == STEP_NOTHING && c->attached)
			step = send_terminal(c);
	}
	if (c->dropped)
		return;
	if (c->leaving && !c->blocked) {
		client_drop(c);
		return;
	}
	if (c->attached && c->exit_told)
		client_detach(c); /* nothing more comes; it may attach to another */
	if (c->attached && c->terminal->typist == c)
		terminal_check_window(c->terminal);
	if (client_is_settled(c))
		shim_client_settled(c->shim);
}

bool client_is_settled(const struct client *c)
{
	if (c->dropped)
		return true;
	return c->queue_at == c->queue.len && (!c->attached || c->exit_told);
}

/* ---- attaching ---- */

static void tell_presence(struct terminal *t)
{
	/* Itself or another, an admin or not; may type, looks only, is shown pictures. */
	static const char letters[2][2][4] = { { "wrp", "cls" }, { "WRP", "CLS" } };
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct client *c, *other;

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	{
		struct shim_msg m = { .type = SHIM_PRESENCE, .presence = { .terminal = t->id } };

		buf_reset(&tail);
		TAILQ_FOREACH(other, &t->clients, terminal_link)
		{
			bool admin = other->flags & SHIM_HELLO_ADMIN;

			buf_add_char(&tail, letters[other == c][admin]
						   [other->read_only + wants_pictures(other)]);
			shim_add_string(&tail, other->label);
			m.presence.count++;
		}
		m.tail = tail.data;
		m.tail_len = tail.len;
		if (c->attached)
			client_send(c, &m);
	}
}

void client_attach(struct client *c, struct terminal *t)
{
	c->terminal = t;
	c->exit_told = false;
	c->stale = false;
	c->read_only = (c->flags & SHIM_HELLO_READ_ONLY) ||
		       (c->attach.flags & SHIM_ATTACH_READ_ONLY) || !t->tty;
	c->acks = c->attach.flags & SHIM_ATTACH_ACKS && !wants_pictures(c);
	c->window = SHIM_WINDOW_HIGH;
	c->ring = (c->attach.flags & SHIM_ATTACH_RING) && c->acks;
	c->rows = c->attach.rows;
	c->cols = c->attach.cols;
	TAILQ_INSERT_TAIL(&t->clients, c, terminal_link);
	if (t->phase != TERMINAL_STARTING)
		client_attach_now(c);
}

/* Where it goes on: true if the ring and the list of sizes reach back to `from`. */
static bool resume(struct client *c, struct shim_attached *told)
{
	const struct terminal *t = c->terminal;
	uint64_t from = c->attach.from, mark = t->mark;

	if (wants_pictures(c) || from == SHIM_NO_OFFSET || from < ring_start(&t->ring) ||
		from > t->ring.end)
		return false;
	while (t->marks[mark % TERMINAL_MARKS].offset > from) {
		mark--;
		if (mark == 0 || t->mark - mark >= TERMINAL_MARKS)
			return false;
	}
	c->mark = mark;
	c->next = c->acked = from;
	c->caught_up = t->ring.end;
	told->rows = t->marks[mark % TERMINAL_MARKS].rows;
	told->cols = t->marks[mark % TERMINAL_MARKS].cols;
	return true;
}

static void send_ring(struct client *c)
{
	struct shim_msg m = { .type = SHIM_RING, .ring = { .size = c->terminal->ring.size } };
	_auto_close_ int fd = ring_share(&c->terminal->ring);
	char packet[SHIM_HEADER + SHIM_MAX_FIXED];
	ssize_t len = shim_encode(&m, packet, sizeof(packet));

	/* Only straight behind an ATTACHED that was sent; else it gets OUTPUT, which it must understand too. */
	client_pump(c);
	c->ring = !c->dropped && !c->blocked && fd >= 0 &&
		  sock_send(c->source.fd, packet, (size_t)len, &fd, 1) == len;
}

void client_attach_now(struct client *c)
{
	struct terminal *t = c->terminal;
	struct shim_msg m = { .type = SHIM_ATTACHED, .serial = c->attach_serial };
	bool ended = t->phase == TERMINAL_ENDED;
	bool resumed;

	/* First: an older connection that ends with this may be the one that types. */
	client_adopt_input(c, &m.attached);
	if (!c->read_only && !ended && (!t->typist || t->typist == c)) {
		t->typist = c;
		terminal_resize(t, c->rows, c->cols, c->label);
	}
	m.attached.rows = t->rows;
	m.attached.cols = t->cols;
	resumed = resume(c, &m.attached);
	if (!resumed) {
		terminal_feed(t);
		c->next = c->acked = t->screen ? t->ring.end : ring_start(&t->ring);
		c->mark = t->mark;
		c->stale = true;
	}
	m.attached.terminal = t->id;
	m.attached.life = c->shim->life;
	m.attached.offset = c->next;
	m.attached.flags |= (c->read_only ? SHIM_ATTACHED_READ_ONLY : 0) |
			    (resumed ? SHIM_ATTACHED_RESUMED : SHIM_ATTACHED_SNAPSHOT) |
			    (c->created ? SHIM_ATTACHED_CREATED : 0) |
			    (ended ? SHIM_ATTACHED_ENDED : 0) |
			    (t->recording ? SHIM_ATTACHED_RECORDED : 0) |
			    (terminal_may_record(t, c) ? SHIM_ATTACHED_MAY_RECORD : 0);
	client_send(c, &m);
	if (c->ring)
		send_ring(c);
	c->attached = true;
	tell_presence(t);
	client_pump(c);
}

void client_detach(struct client *c)
{
	struct terminal *t = c->terminal;
	struct client *other;

	if (!t)
		return;
	deadline_clear(&c->shim->deadlines, &c->again);
	deadline_clear(&c->shim->deadlines, &c->taken);
	input_streams_leave(&t->streams, c->id);
	TAILQ_REMOVE(&t->clients, c, terminal_link);
	c->terminal = NULL;
	c->attached = false;
	if (c->snapshot_begun)
		drop_snapshot(c);
	if (t->phase == TERMINAL_ENDED) {
		t->typist = NULL;
		return;
	}
	if (t->typist == c) {
		t->typist = NULL;
		TAILQ_FOREACH(other, &t->clients, terminal_link)
		{
			if (other->attached && !other->read_only)
				t->typist = other;
		}
		if (t->typist)
			terminal_resize(t, t->typist->rows, t->typist->cols, t->typist->label);
	}
	terminal_check_window(t);
	tell_presence(t);
}
