/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input_streams.h - how many bytes of each client's stream of input a terminal has taken, beyond the client's connection
 * (shim_wire.h): so that after a break only what never arrived is sent again.
 */
#ifndef MD_SHIM_INPUT_STREAMS_H
#define MD_SHIM_INPUT_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INPUT_STREAMS = 16
}; /* remembered of a terminal; of those without a connection the one used longest ago goes */

struct input_stream {
	uint64_t id; /* 0: none */
	uint64_t taken;
	uint64_t owner; /* the connection, by its id; 0: none at present */
	uint64_t used;
};

struct input_streams {
	struct input_stream rows[INPUT_STREAMS];
	uint64_t clock;
};

/* Gives stream `id` to the connection `owner`. A stream that isn't known begins at `taken`, and *ret_new is true. *ret_before
 * is the connection that had it, or 0. NULL: `id` is 0, or all rows belong to connections. */
struct input_stream *input_streams_adopt(struct input_streams *s, uint64_t id, uint64_t taken,
	uint64_t owner, uint64_t *ret_before, bool *ret_new);

/* The stream of a connection, or NULL. */
struct input_stream *input_streams_of(struct input_streams *s, uint64_t owner);

/* The connection is over; its count stays. */
void input_streams_leave(struct input_streams *s, uint64_t owner);

#endif
