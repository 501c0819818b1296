/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflow.h - the lines of the primary screen and its scrollback as one packed list, and what
 * becomes of it when the width changes: wrapped rows are joined and broken anew, exactly as
 * xterm.js does it, which leaves the rows of the line alone that holds the cursor.
 */
#ifndef MD_SCREEN_REFLOW_H
#define MD_SCREEN_REFLOW_H

#include "screen/state.h"

struct reflow {
	struct screen *s;
	unsigned int old_cols, cols, rows;
	struct history_line
		*lines; /* owned; their bodies are in the screen's history and in `packed` */
	size_t count, room;
	size_t most;           /* lines that are kept, rows and scrollback */
	struct history packed; /* bodies made here */
	long base, y,
		saved_y; /* the first line of the screen, the cursor's row, the saved one's line */
};

/* The lines as they are. -1: ENOMEM. */
int reflow_init(struct reflow *f, struct screen *s, unsigned int rows, unsigned int cols);
void reflow_done(struct reflow *f);

/* Adds an empty line at the end; drops lines at the beginning. */
int reflow_push_blank(struct reflow *f);
void reflow_drop_first(struct reflow *f, size_t n);

int reflow_to_wider(struct reflow *f);
int reflow_to_narrower(struct reflow *f);

#endif
