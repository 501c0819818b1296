/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/bridge_output.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/poison.h"

struct output_frame {
	struct output_frame *next;
	bool text;
	size_t len, room;
	unsigned char bytes[]; /* LWS_PRE for the library's header, then the payload */
};

enum { SMALL_FRAME = 2048 }; /* an echo and what comes right behind it */

static struct output_frame *add_frame(struct bridge_output *o, bool text, size_t room)
{
	struct output_frame *f = malloc(sizeof(*f) + LWS_PRE + room);

	if (!f)
		return NULL;
	f->next = NULL;
	f->text = text;
	f->len = 0;
	f->room = room;
	if (o->last)
		o->last->next = f;
	else
		o->first = f;
	o->last = f;
	return f;
}

static void drop_first(struct bridge_output *o)
{
	struct output_frame *f = o->first;

	o->first = f->next;
	if (!o->first)
		o->last = NULL;
	o->bytes -= f->len;
	free(f);
}

void bridge_output_done(struct bridge_output *o)
{
	while (o->first)
		drop_first(o);
}

int bridge_output_bytes(struct bridge_output *o, const char *data, size_t len)
{
	while (len) {
		struct output_frame *f = o->last;
		size_t part;

		if (!f || f->text || f->len == f->room) {
			/* Behind a frame that waits already more will come: large ones then. */
			size_t room = o->first ? OUTPUT_FRAME : MD_MAX(len, (size_t)SMALL_FRAME);

			f = add_frame(o, false, MD_MIN(room, (size_t)OUTPUT_FRAME));
		}
		if (!f)
			return -1;
		part = MD_MIN(len, f->room - f->len);
		memcpy(f->bytes + LWS_PRE + f->len, data, part);
		f->len += part;
		o->bytes += part;
		data += part;
		len -= part;
	}
	return 0;
}

int bridge_output_text(struct bridge_output *o, const char *data, size_t len)
{
	struct output_frame *f = add_frame(o, true, len);

	if (!f)
		return -1;
	memcpy(f->bytes + LWS_PRE, data, len);
	f->len = len;
	o->bytes += len;
	return 0;
}

static size_t length_of(const struct output_frame *f)
{
	return f ? f->len : 0;
}

struct output_mark bridge_output_mark(const struct bridge_output *o)
{
	return (struct output_mark){ o->last, length_of(o->last), o->bytes };
}

void bridge_output_rewind(struct bridge_output *o, const struct output_mark *mark)
{
	struct output_frame **rest = mark->last ? &mark->last->next : &o->first;

	while (*rest) {
		struct output_frame *f = *rest;

		*rest = f->next;
		free(f);
	}
	o->last = mark->last;
	if (o->last)
		o->last->len = mark->last_len;
	o->bytes = mark->bytes;
}

int bridge_output_write(struct bridge_output *o, struct lws *wsi)
{
	while (o->first && !lws_send_pipe_choked(wsi)) {
		struct output_frame *f = o->first;
		int n = lws_write(wsi, f->bytes + LWS_PRE, f->len,
			f->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);

		if (n < 0)
			return -1;
		drop_first(o);
	}
	return 0;
}
