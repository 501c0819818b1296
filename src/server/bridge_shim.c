/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bridge_state.h"

#include <errno.h>

#include "base/fd.h"
#include "base/log.h"
#include "server/peers.h"
#include "server/terminal_text.h"
#include "server/web.h"
#include "base/poison.h"

static void send_bytes(struct bridge *b, const char *data, size_t len)
{
	if (bridge_output_bytes(&b->out, data, len) < 0)
		bridge_close(b, CLOSE_FAILED, "out of memory", true);
	if (bridge_output_is_high(&b->out))
		shim_link_pause(b->shim, true);
}

static void send_hello(struct bridge *b, uint64_t offset, int64_t snapshot)
{
	_auto_buf_ struct buf text = BUF_INIT(1024);

	text_add_hello(&text, &b->attached, offset, snapshot);
	bridge_send_text(b, &text);
}

/* The terminal that was asked for ended with a former life of the workspace. */
static void tell_restarted(struct bridge *b, const char *why)
{
	_auto_buf_ struct buf text = BUF_INIT(1024);

	text_add_restarted(&text, why);
	shim_link_free(b->shim);
	b->shim = NULL;
	bridge_send_text(b, &text);
	bridge_close(b, CLOSE_NORMAL, "the workspace has been started anew", false);
}

/* The shim broke the protocol. Its other connections and everybody else's go on. */
static void on_nonsense(struct bridge *b, const char *what)
{
	log_error("the shim of %s: %s", b->session.user, what);
	bridge_close(b, CLOSE_FAILED, "the workspace makes no sense", true);
}

static void on_hello(struct bridge *b, const struct shim_hello *hello)
{
	bool is_first = !b->version;

	b->version = hello->version;
	if (!b->visit || !is_first)
		return;
	/* The first ones said every flag back. */
	if (hello->version >= SHIM_VERSION_PICTURES && hello->flags & SHIM_HELLO_PICTURES)
		bridge_attach(b);
	else
		bridge_close(b, CLOSE_NO_PICTURES,
			"it was started by an older version, which makes no pictures", false);
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
	bridge_audit(b, true);
	if (!(m->attached.flags & SHIM_ATTACHED_SNAPSHOT))
		send_hello(b, m->attached.offset, -1);
	bridge_flush(b);
}

/* A snapshot comes in parts; the browser is told its length first, so all of it is gathered. */
static void on_snapshot(struct bridge *b, const struct shim_msg *m)
{
	if (m->snapshot.flags & SHIM_SNAPSHOT_FIRST)
		buf_reset(&b->snapshot);
	if (buf_add(&b->snapshot, m->tail, m->tail_len) < 0) {
		bridge_close(b, CLOSE_FAILED, "the screen is too large", true);
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
	buf_init(&b->snapshot, BRIDGE_SNAPSHOT);
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
		bridge_close(b, CLOSE_FAILED, "the output was faster than the connection", true);
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
	if (m->serial == BRIDGE_ATTACH && m->error.code == ESTALE)
		tell_restarted(b, shim_string(m, 0));
	else if (m->serial == BRIDGE_ATTACH && m->error.code == ENOENT)
		bridge_close(b, CLOSE_POLICY, "there is no such terminal", false);
	else if (m->serial <= BRIDGE_ATTACH) /* to nothing, the broker's HELLO or the ATTACH */
		bridge_close(b, CLOSE_FAILED, shim_string(m, 0), false);
}

static void on_message(const struct shim_msg *m, int fd, void *data)
{
	_auto_buf_ struct buf text = BUF_INIT(64 << 10);
	struct bridge *b = data;

	if (m->type == SHIM_RING && ring_view_open(&b->ring, fd, m->ring.size) < 0)
		bridge_close(b, CLOSE_FAILED, "no memory for the terminal", true);
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
		on_hello(b, &m->hello);
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
		bridge_send_text(b, &text);
		bridge_close(b, CLOSE_NORMAL, "the shell has ended", false);
		return;
	case SHIM_ERROR:
		on_error(b, m);
		break;
	}
	bridge_send_text(b, &text);
}

/* Somebody waits for an echo: it goes out at once, not in a writeable callback, which takes another round of the loop with
 * four changes to what epoll watches. Only what the socket doesn't take waits for that one. */
static void on_quiet(void *data)
{
	struct bridge *b = data;

	if (b->out.first && (b->close_code || bridge_write(b) < 0 || b->out.first))
		lws_callback_on_writable(b->wsi);
}

static void on_ended(void *data)
{
	struct bridge *b = data;

	shim_link_free(b->shim);
	b->shim = NULL;
	b->live = false;
	bridge_close(b, CLOSE_FAILED, "the workspace has ended", false);
}

static void on_shim_writable(void *data)
{
	bridge_flush(data);
}

const struct shim_link_events bridge_shim_events = { on_message, on_quiet, on_ended,
	on_shim_writable };
