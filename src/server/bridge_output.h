/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_output.h - what waits to be written to a browser: WebSocket frames in order, bytes gathered into large ones. Above
 * the high mark its feeder stops reading from the shim, below the low mark it goes on.
 */
#ifndef MD_SERVER_BRIDGE_OUTPUT_H
#define MD_SERVER_BRIDGE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	OUTPUT_FRAME = 64 << 10,
	OUTPUT_HIGH = 256 << 10,
	OUTPUT_LOW = 64 << 10,
};

struct lws;
struct output_frame;

struct bridge_output {
	struct output_frame *first, *last;
	size_t bytes;
};

void bridge_output_done(struct bridge_output *o);

/* Adds; 0, or -1 and ENOMEM. */
int bridge_output_bytes(struct bridge_output *o, const char *data, size_t len);
int bridge_output_text(struct bridge_output *o, const char *data, size_t len);

/* A place to come back to: what was added behind it is taken out again, if nothing was written in between. */
struct output_mark {
	struct output_frame *last;
	size_t last_len, bytes;
};
struct output_mark bridge_output_mark(const struct bridge_output *o);
void bridge_output_rewind(struct bridge_output *o, const struct output_mark *mark);

static inline bool bridge_output_is_high(const struct bridge_output *o)
{
	return o->bytes >= OUTPUT_HIGH;
}

static inline bool bridge_output_is_above_low(const struct bridge_output *o)
{
	return o->bytes > OUTPUT_LOW;
}

/* Writes frames until the socket takes no more. -1: the connection is gone. */
int bridge_output_write(struct bridge_output *o, struct lws *wsi);

#endif
