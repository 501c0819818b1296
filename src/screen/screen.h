/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen.h - the state of one terminal: bytes in, a snapshot out. Pure: no descriptor, no clock, no
 * global.
 *
 * The judge of what a byte means is xterm.js 6, the terminal of the page: whatever was fed, a
 * snapshot brings a fresh xterm.js of the same size to the state it would have if it had been fed
 * all the bytes itself (tests/screen holds the proof). Questions of a program (DA, DSR, OSC 10;?)
 * are answered by the client's terminal, never here, and a snapshot contains none.
 */
#ifndef MD_SCREEN_SCREEN_H
#define MD_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct screen;

/* Which table of character widths the client uses: xterm.js alone, or with its unicode11 addon. */
enum screen_widths {
	SCREEN_WIDTHS_UNICODE11,
	SCREEN_WIDTHS_UNICODE6,
};

/* Sizes outside of these are brought inside. */
#define SCREEN_MIN_ROWS 1
#define SCREEN_MIN_COLS 2
#define SCREEN_MAX_ROWS 1000
#define SCREEN_MAX_COLS 2000

struct screen_options {
	unsigned int rows, cols;
	unsigned int scrollback; /* lines kept above the screen; the client's terminal must keep as
				    many */
	/* Bytes, the scrollback included; past it the oldest lines go first. A quarter of it is for hyperlinks, as much for
	 * characters with combining ones: past that further ones come without. */
	size_t memory_ceiling;
	enum screen_widths widths;
};

#define SCREEN_OPTIONS_DEFAULT                                                                     \
	{                                                                                          \
		.rows = 24, .cols = 80, .scrollback = 10000, .memory_ceiling = 16 << 20,           \
		.widths = SCREEN_WIDTHS_UNICODE11                                                  \
	}

/* NULL: ENOMEM. */
struct screen *screen_new(const struct screen_options *options);
void screen_free(struct screen *s);
#define _auto_screen_ _auto_(screen_free_ptr)
void screen_free_ptr(struct screen **s);

/*
 * Takes output of the terminal's programs, cut anywhere. Never fails: what no terminal understands
 * is ignored, and when memory runs out the scrollback is dropped first, then what can't be stored
 * is not drawn.
 */
void screen_feed(struct screen *s, const void *data, size_t len);

/*
 * Another size, with the reflow of the client's terminal. -1 (ENOMEM): the old size stays.
 */
int screen_resize(struct screen *s, unsigned int rows, unsigned int cols);

#define SCREEN_ALL_LINES UINT32_MAX

struct screen_snapshot_options {
	uint32_t scrollback; /* at most so many of the newest lines; 0: none; SCREEN_ALL_LINES */
};

/*
 * Adds the bytes that make a terminal of the same size equal to this one. They begin with a full
 * reset (RIS), so the terminal need not be fresh, and they end with the bytes of a sequence or
 * UTF-8 character of which only the beginning was fed, so that the stream can go on right behind
 * them. What can't be said in bytes: cells right of the alternate screen's edge after it became
 * narrower (they would come back when it is widened before the program has drawn anew). -1 (errno
 * of buf.h): `out` is as before.
 */
int screen_snapshot(
	struct screen *s, struct buf *out, const struct screen_snapshot_options *options);

unsigned int screen_rows(const struct screen *s);
unsigned int screen_cols(const struct screen *s);
unsigned int screen_scrollback_lines(const struct screen *s);

/* The title as the program set it, valid UTF-8, cut to SCREEN_TITLE_MAX bytes; "" before. Borrowed.
 */
#define SCREEN_TITLE_MAX 1024
const char *screen_title(const struct screen *s);

/* Counters that only grow: a change since the last look means that it happened. */
unsigned long screen_bells(const struct screen *s);
unsigned long screen_title_changes(const struct screen *s);

/* Whether a full-screen program has switched to the alternate screen. */
bool screen_is_alternate(const struct screen *s);

/* Whether the stream stands inside of a sequence or a character: a good place to cut is where not.
 */
bool screen_is_mid_sequence(const struct screen *s);

/* Bytes of the heap held at present. */
size_t screen_memory(const struct screen *s);

#endif
