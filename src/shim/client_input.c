/* SPDX-License-Identifier: Apache-2.0 */
/* The count of what a connection typed, kept by the terminal for the connection that comes after it. */
#define _GNU_SOURCE
#include "shim/client.h"

#include <errno.h>

#include "base/poison.h"

void client_adopt_input(struct client *c, struct shim_attached *told)
{
	struct input_stream *stream = NULL;
	struct client *older;
	uint64_t before;
	bool is_new;

	if (!c->read_only)
		stream = input_streams_adopt(&c->terminal->streams, c->attach.input,
			c->attach.input_taken, c->id, &before, &is_new);
	if (!stream)
		return;
	/* What it had sent and we haven't read yet is sent again on the new one, so it must not be read any more. */
	older = before ? client_find(c->shim, before) : NULL;
	if (older && older != c)
		client_fail(older, 0, ESTALE, "it goes on with another connection");
	told->input_taken = c->taken_told = stream->taken;
	told->flags |= SHIM_ATTACHED_COUNTED | (is_new ? SHIM_ATTACHED_NEW_INPUT : 0);
}

static void tell_taken(void *data)
{
	struct client *c = data;
	const struct input_stream *stream =
		c->terminal ? input_streams_of(&c->terminal->streams, c->id) : NULL;

	if (!stream || stream->taken == c->taken_told)
		return;
	deadline_clear(&c->shim->deadlines, &c->taken);
	c->taken_told = stream->taken;
	client_send(c, &(struct shim_msg){ .type = SHIM_TAKEN, .taken = { stream->taken } });
}

void client_count_input(struct client *c, size_t len)
{
	struct input_stream *stream = input_streams_of(&c->terminal->streams, c->id);

	if (!stream)
		return;
	stream->taken += len;
	if (stream->taken - c->taken_told >= CLIENT_TAKEN_BYTES)
		tell_taken(c);
	else if (!c->taken.set)
		deadline_set(&c->shim->deadlines, &c->taken, CLIENT_TAKEN_MS, tell_taken, c);
}
