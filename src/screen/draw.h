/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draw.h - rows and attributes as the escape sequences that draw them, for a terminal in its reset
 * modes.
 */
#ifndef MD_SCREEN_DRAW_H
#define MD_SCREEN_DRAW_H

#include "screen/state.h"

struct drawing {
	struct screen *s;
	struct buf *out;
	struct attr pen; /* the client's */
	int x;           /* the client's cursor */
	int dirty;   /* cells at the beginning of the client's row that are not blank as they should
		       be */
	bool settle; /* after a wrap the cursor must stand in the new row, not wait before it */
	bool joins;  /* a combining character would join what was written last */
};

/* The client's pen becomes this one; flags without ATTR_EXTENDED. */
void draw_pen(struct drawing *d, const struct attr *a);
/* The same without SGR 0, which would bring the extended attributes back; it can't touch those. */
void draw_pen_over(struct drawing *d, const struct attr *a);
void draw_reset_pen(struct drawing *d);

void draw_move(struct drawing *d, int x, int y);

/*
 * Draws a row from its first cell on, where the cursor is. `next_wraps`: the cursor goes on to the
 * next row in the way that makes that one a continuation; otherwise it stays in the row.
 */
void draw_row(struct drawing *d, const struct row *r, const struct row *next_wrapped);

/* Draws the cell at `x` again, so that the cursor stands behind it. False if that can't be. */
bool draw_cell_again(struct drawing *d, const struct row *r, int x);

/* From the last column: the cursor waits to wrap in a row that is all blank, with one attribute. */
void draw_waiting_in_blank(struct drawing *d, const struct row *r);

/* Writes the cell's text where the cursor is, with whatever the pen is. */
void draw_with_present_pen(struct drawing *d, const struct row *r, int x);

/* Goes to the next row, which is the beginning of a line. */
void draw_new_line(struct drawing *d);

/* Makes the first row of the empty screen a continuation. */
void draw_wrapped_start(struct drawing *d);

#endif
