/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bridge_state.h"

#include "base/mem.h"
#include "server/terminal_text.h"
#include "server/web.h"
#include "base/poison.h"

enum { MESSAGE_MAX = 64 << 10 }; /* of the browser's */

void bridge_hold(struct bridge *b, bool hold)
{
	if (b->held == hold)
		return;
	b->held = hold;
	lws_rx_flow_control(b->wsi, !hold);
}

void bridge_flush(struct bridge *b)
{
	while (b->live && b->waiting.len) {
		struct shim_msg m = { .type = SHIM_INPUT,
			.tail = b->waiting.data,
			.tail_len = MD_MIN(b->waiting.len, (size_t)SHIM_MAX_TAIL) };

		if (shim_link_send(b->shim, &m) != 1)
			break;
		buf_consume(&b->waiting, m.tail_len);
	}
	bridge_hold(b, b->waiting.len > 0);
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
		bridge_send_text(b, &pong);
		return 0;
	case TEXT_UNKNOWN:
		return 0;
	case TEXT_BAD:
		break;
	}
	bridge_close(b, CLOSE_BAD_DATA, "a text message can't be read", true);
	return bridge_say_why(b);
}

static int on_typed(struct bridge *b, const void *data, size_t len)
{
	struct shim_msg m = { .type = SHIM_INPUT, .tail = data, .tail_len = len };

	if (!b->can_type && !b->late)
		return 0;
	if (!b->late)
		bridge_note_activity(b);
	if (b->live && !b->waiting.len && shim_link_send(b->shim, &m) == 1)
		return 0;
	if (buf_add(&b->waiting, data, len) < 0) {
		bridge_close(b, CLOSE_TOO_BIG, "too much was typed at once", true);
		return bridge_say_why(b);
	}
	bridge_hold(b, true);
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
		bridge_close(b, CLOSE_TOO_BIG, "a message may have 64 KiB", true);
		return bridge_say_why(b);
	}
	if (lws_frame_is_binary(b->wsi))
		return len ? on_typed(b, data, len) : 0;
	buf_add(&b->text, data, len);
	if (!lws_is_final_fragment(b->wsi))
		return 0;
	if (b->text.failed) {
		bridge_close(b, CLOSE_TOO_BIG, "a text message may have 4 KiB", true);
		return bridge_say_why(b);
	}
	return on_text(b, buf_str(&b->text), b->text.len);
}
