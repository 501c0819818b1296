/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the inside of struct screen, shared by the files of this folder only.
 */
#ifndef MD_SCREEN_STATE_H
#define MD_SCREEN_STATE_H

#include "screen/history.h"
#include "screen/intern.h"
#include "screen/parser.h"
#include "screen/row.h"
#include "screen/screen.h"

/* A colour: its kind above 24 bits of value. 0 is the default colour. */
#define COLOR_KIND_MASK  0x3000000u
#define COLOR_DEFAULT    0x0000000u
#define COLOR_16         0x1000000u
#define COLOR_256        0x2000000u
#define COLOR_RGB        0x3000000u
#define COLOR_VALUE_MASK 0x0ffffffu

enum {
	ATTR_BOLD = 1 << 0,
	ATTR_DIM = 1 << 1,
	ATTR_ITALIC = 1 << 2,
	ATTR_UNDERLINE = 1 << 3,
	ATTR_BLINK = 1 << 4,
	ATTR_INVERSE = 1 << 5,
	ATTR_INVISIBLE = 1 << 6,
	ATTR_STRIKE = 1 << 7,
	ATTR_OVERLINE = 1 << 8,
	ATTR_PROTECTED = 1 << 9,
	/* The pen's underline style, underline colour and hyperlink go into the cells it draws. */
	ATTR_EXTENDED = 1 << 10,
};

/* What a cell looks like besides its text; interned as bytes, so there is no padding in it. */
struct attr {
	uint32_t fg, bg;
	uint32_t underline_color;
	uint16_t flags;
	uint16_t underline_style; /* 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed */
	uint32_t link;            /* number in `links`, 0: none */
};

#define CHARSETS     4
#define CHARSET_NONE 0 /* US ASCII; others are the final byte of the designation */

struct saved_cursor {
	int x;
	long y; /* counted from the first line of the scrollback */
	uint32_t fg, bg;
	uint16_t flags;
	uint8_t charset;
};

/* The primary or the alternate screen. */
struct page {
	struct row *
		*rows; /* [rows of the screen], a ring; NULL: the alternate screen is not in use */
	unsigned int head; /* the first row's place in the ring */
	unsigned int count;
	int x, y; /* x == cols: the next character wraps */
	int top, bottom;
	uint8_t *tabs; /* bit map of SCREEN_MAX_COLS bits */
	struct saved_cursor saved;
};

enum mode {
	MODE_INSERT,
	MODE_NEWLINE,
	MODE_APP_CURSOR,
	MODE_APP_KEYPAD,
	MODE_ORIGIN,
	MODE_NO_WRAP,
	MODE_REVERSE_WRAP,
	MODE_CURSOR_HIDDEN,
	MODE_FOCUS,
	MODE_BRACKETED_PASTE,
	MODE_SYNC,
};

/* Numbers of the private modes; 0: none. */
struct mouse {
	uint16_t protocol; /* 9, 1000, 1002, 1003 */
	uint16_t encoding; /* 1006, 1016 */
};

#define PALETTE_FG     256
#define PALETTE_BG     257
#define PALETTE_CURSOR 258
#define PALETTE_SIZE   259

struct palette {
	uint32_t rgb[PALETTE_SIZE];
	uint8_t set[(PALETTE_SIZE + 7) / 8];
};

struct screen {
	struct screen_options options;
	int rows, cols;

	struct page primary, alternate;
	struct page *page; /* the one that is shown */
	struct history history;

	struct attr pen;
	uint16_t pen_attr;   /* number of the pen in `attrs`, valid unless pen_changed */
	uint16_t erase_attr; /* number of "only the pen's background" */
	bool pen_changed;

	struct intern attrs, clusters, links;

	uint32_t modes;
	struct mouse mouse;
	uint8_t cursor_style; /* DECSCUSR, 0: the client's own */
	uint8_t cursor_blink; /* mode 12: 0 not said, 1 off, 2 on */
	uint8_t charsets[CHARSETS];
	uint8_t charset; /* in use; differs from charsets[charset_level] after a restored cursor */
	uint8_t charset_level;
	uint8_t join_width; /* of the character just printed, which a combining one joins; 0 none */
	bool printing;      /* the byte before was printed, too */
	struct palette *palette; /* NULL until a colour is changed */

	const unsigned char
		*no_flood_before; /* in what is being fed: up to here it was looked for */

	/* In use besides the screens while a snapshot is written: not to be collected. */
	struct row *const *snapshot_rows; /* two of them, or NULL */
	const struct attr *snapshot_pen;

	char *title; /* owned; NULL: "" */
	unsigned long title_changes, bells;

	struct parser parser;
};

static inline bool mode_is_set(const struct screen *s, enum mode m)
{
	return s->modes & 1u << m;
}

static inline struct row **page_slot(const struct page *p, unsigned int y)
{
	unsigned int at = p->head + y;

	return &p->rows[at >= p->count ? at - p->count : at];
}

static inline struct row *page_row(const struct page *p, unsigned int y)
{
	return *page_slot(p, y);
}

#endif
