/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.h - packed lines, oldest first: what has scrolled off the screen. Lines are added at the
 * end and dropped at the beginning; their contents are opaque here (pack.h).
 */
#ifndef MD_SCREEN_HISTORY_H
#define MD_SCREEN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_chunk;

struct history {
	struct history_chunk *first, *last;
	struct history_chunk *spare; /* the one emptied last, for the next to be needed */
	unsigned int lines;
	size_t last_at; /* the newest line's place in the last chunk */
	size_t bytes;   /* of the heap */
};

/* One line, borrowed until the history is changed. */
struct history_line {
	const unsigned char *body;
	size_t len;
	bool wrapped;
};

struct history_cursor {
	const struct history_chunk *chunk;
	size_t at;
};

void history_done(struct history *h);

/* Adds a line and returns where its `len` bytes go; NULL: ENOMEM. */
unsigned char *history_add(struct history *h, size_t len, bool wrapped);
/* Adds a copy of a line. -1: ENOMEM. */
int history_append(struct history *h, const struct history_line *line);

/* The line that was added last, if any was. */
bool history_last(const struct history *h, struct history_line *ret_line);
void history_drop_first(struct history *h);

/* Line `n` is no continuation any longer. */
void history_end_wrap(struct history *h, unsigned int n);

struct history_cursor history_start(const struct history *h);
bool history_next(struct history_cursor *c, struct history_line *ret_line);

#endif
