/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h - the rows of one line of text, unpacked, while reflow.h breaks the line anew.
 */
#ifndef MD_SCREEN_GROUP_H
#define MD_SCREEN_GROUP_H

#include "screen/reflow.h"

struct group {
	struct row **rows; /* owned, as what is in it */
	size_t count;      /* rows in use */
	size_t old;        /* how many of them there were at first */
};

void group_done(struct group *g);

/*
 * Unpacks the lines from `start` up to `end`, as rows with room for the old width, and for the new one as far as the text
 * may go in it. -1: ENOMEM.
 */
int group_load(struct reflow *f, struct group *g, size_t start, size_t end);

/* Adds a row, which it takes over; NULL is ENOMEM of who made it. */
int group_add(struct group *g, struct row *r);

/*
 * Columns of row `i` of `count` that hold the line's text: in the last row up to its last
 * character, otherwise all, but for the blank column at the end when a wide character did not fit
 * in there.
 */
unsigned int group_text_length(const struct group *g, size_t i, size_t count, unsigned int cols);

/* As row_copy(); what is beyond the old row comes without a column, as in xterm.js. */
void group_copy_cells(struct row *to, unsigned int to_x, const struct row *from,
	unsigned int from_x, unsigned int n);

/*
 * Packs a row into the list's own store; the second one cuts it to the new width before. -1:
 * ENOMEM.
 */
int reflow_store(struct reflow *f, const struct row *r, struct history_line *ret_line);
int reflow_store_cut(struct reflow *f, const struct row *r, struct history_line *ret_line);

#endif
