/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole state as bytes. The order matters: what moves the cursor or depends on a mode comes
 * first, and what a combining character of the rest of the stream would join must be written last
 * of all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screen/control.h"
#include "screen/draw.h"
#include "screen/pack.h"
#include "screen/text.h"

static bool saved_is_default(const struct saved_cursor *c)
{
	return !c->x && !c->y && !c->fg && !c->bg && !c->flags && !c->charset;
}

static void put_charset(struct drawing *d, unsigned int level, uint8_t charset)
{
	buf_addf(d->out, "\033%c%c", "()*+"[level], charset ? charset : 'B');
	d->joins = false;
}

/*
 * Leaves the cursor behind the last column of row `y` of the primary screen, whatever is there: it
 * is taken along from the other screen.
 */
static void put_cursor_behind(struct drawing *d, int y)
{
	buf_add_str(d->out, "\033[?47h");
	draw_move(d, d->s->cols - 1, y);
	buf_add_str(d->out, " \033[?47l");
	d->joins = false;
}

/*
 * ESC 7 with the cursor at `y`; the character sets are as after a reset, before and afterwards. The
 * alternate screen is still empty.
 */
static void put_saved_cursor(struct drawing *d, const struct page *p, int y)
{
	const struct saved_cursor *c = &p->saved;
	struct attr a = { .fg = c->fg, .bg = c->bg, .flags = c->flags };

	a.flags &= (uint16_t)~ATTR_EXTENDED;
	y = MD_MAX(0, MD_MIN(y, d->s->rows - 1));
	draw_pen(d, &a);
	if (c->x >= d->s->cols && p == &d->s->primary)
		put_cursor_behind(d, y);
	else
		draw_move(d, MD_MIN(c->x, d->s->cols - 1), y);
	if (c->x >= d->s->cols && p == &d->s->alternate)
		buf_add_char(d->out, ' ');
	if (c->charset)
		put_charset(d, 0, c->charset);
	buf_add_str(d->out, "\0337");
	if (c->charset)
		put_charset(d, 0, CHARSET_NONE);
	if (c->x >= d->s->cols && p == &d->s->alternate) {
		draw_reset_pen(d);
		buf_add_str(d->out, "\033[2K");
	}
}

static void put_tabs(struct drawing *d, const struct page *p)
{
	bool usual = true;

	for (int x = 0; x < d->s->cols; x++)
		usual = usual && tab_is_set(p, (unsigned int)x) == (x % 8 == 0);
	if (usual)
		return;
	buf_add_str(d->out, "\033[3g");
	for (int x = 0; x < d->s->cols; x++)
		if (tab_is_set(p, (unsigned int)x))
			buf_addf(d->out, "\033[%dG\033H", x + 1);
	d->joins = false;
}

static void put_region(struct drawing *d, const struct page *p)
{
	if (p->top || p->bottom != d->s->rows - 1)
		buf_addf(d->out, "\033[%d;%dr", p->top + 1, p->bottom + 1);
}

/* The lines of the primary screen in turn: the scrollback's, unpacked, then the rows. */
struct lines {
	struct screen *s;
	struct history_cursor at;
	struct row *unpacked[2]; /* the present one and the one behind it */
	unsigned int count, next, scrollback;
	unsigned int turn;
};

static int lines_init(struct lines *l, struct screen *s, unsigned int most)
{
	struct history_line skipped;
	unsigned int skip = s->history.lines > most ? s->history.lines - most : 0;

	*l = (struct lines){ .s = s, .at = history_start(&s->history) };
	l->scrollback = s->history.lines - skip;
	l->count = l->scrollback + (unsigned int)s->rows;
	while (skip--)
		history_next(&l->at, &skipped);
	l->unpacked[0] = row_new((unsigned int)s->cols);
	l->unpacked[1] = row_new((unsigned int)s->cols);
	return l->unpacked[0] && l->unpacked[1] ? 0 : -1;
}

static void lines_done(struct lines *l)
{
	free(l->unpacked[0]);
	free(l->unpacked[1]);
}

/* The next line, NULL at the end. It is good until the call after the next. */
static const struct row *lines_next(struct lines *l)
{
	struct history_line line;
	struct row *r;

	if (l->next == l->count)
		return NULL;
	if (l->next++ >= l->scrollback)
		return page_row(&l->s->primary, l->next - 1 - l->scrollback);
	r = l->unpacked[l->turn++ % 2];
	row_fill(r, 0);
	screen_collect(l->s);
	if (history_next(&l->at, &line))
		unpack_row(l->s, &line, r);
	return r;
}

static void draw_lines(struct drawing *d, struct lines *l)
{
	const struct saved_cursor *saved = &d->s->primary.saved;
	long hidden = (long)d->s->history.lines - l->scrollback;
	unsigned int save_at = (unsigned int)MD_MAX(0L, saved->y - hidden), i;
	const struct row *row, *next = lines_next(l);

	if (next->wrapped)
		draw_wrapped_start(d);
	for (i = 0; next; i++) {
		int y = (int)MD_MIN(i, (unsigned int)d->s->rows - 1);

		row = next;
		next = lines_next(l);
		if (i == save_at && i < l->scrollback && !saved_is_default(saved)) {
			put_saved_cursor(d, &d->s->primary, y);
			draw_move(d, 0, y);
		}
		d->settle = i + 1 == save_at;
		draw_row(d, row, next && next->wrapped ? next : NULL);
		if (next && !next->wrapped)
			draw_new_line(d);
	}
	if (save_at >= l->scrollback && !saved_is_default(saved))
		put_saved_cursor(d, &d->s->primary,
			(int)MD_MIN(save_at - l->scrollback, (unsigned int)d->s->rows - 1));
}

static void draw_alternate(struct drawing *d)
{
	const struct page *p = &d->s->alternate;

	draw_reset_pen(d);
	buf_add_str(d->out, "\033[?47h");
	if (!saved_is_default(&p->saved))
		put_saved_cursor(d, p, (int)p->saved.y);
	draw_reset_pen(d);
	draw_move(d, 0, 0);
	if (page_row(p, 0)->wrapped)
		draw_wrapped_start(d);
	for (unsigned int y = 0; y < p->count; y++) {
		const struct row *next = y + 1 < p->count ? page_row(p, y + 1) : NULL;
		bool wraps = next && next->wrapped;

		draw_row(d, page_row(p, y), wraps ? next : NULL);
		if (next && !wraps)
			draw_new_line(d);
	}
}

static void put_alternate_saved_cursor(struct drawing *d)
{
	const struct saved_cursor *c = &d->s->alternate.saved;

	if (saved_is_default(c))
		return;
	buf_add_str(d->out, "\033[?47h");
	put_saved_cursor(d, &d->s->alternate, (int)c->y);
	buf_add_str(d->out, "\033[?47l");
	draw_reset_pen(d);
	draw_move(d, 0, 0);
}

/*
 * Whether what was printed at `x` can be printed there once more: the character set in use must
 * leave it alone, and it must not destroy the half of a wide character before it.
 */
static bool is_repeatable(const struct screen *s, const struct row *r, int x)
{
	uint32_t code = x < r->used ? r->cells[x] & CELL_CODE_MASK : 0;

	if (!code || (x > 0 && row_width(r, (unsigned int)x - 1) == 2))
		return false;
	if (r->cells[x] & CELL_CLUSTER)
		code = *(const unsigned char *)intern_get(&s->clusters, code, NULL);
	return charset_map(s->charset, code) == code;
}

/*
 * Puts the cursor behind the last column, where it waits to wrap: by drawing the last cell again,
 * or, when there is nothing in it, on the other screen, from which the cursor is taken along.
 */
static void put_waiting_cursor(struct drawing *d, int y)
{
	const struct page *p = d->s->page;
	const struct row *r = cursor_row(d->s);
	int last = d->s->cols - 1, x = last;

	if (last < r->used && r->cells[last] == CELL_ZERO)
		x--;
	draw_move(d, x, y);
	if (is_repeatable(d->s, r, x) && draw_cell_again(d, r, x))
		return;
	if (p == &d->s->primary)
		put_cursor_behind(d, p->y);
	else if (!row_trimmed(r))
		draw_waiting_in_blank(d, r);
}

static void put_charset_level(struct drawing *d)
{
	static const char *const shifts[CHARSETS] = { "\017", "\016", "\033n", "\033o" };

	buf_add_str(d->out, shifts[d->s->charset_level]);
	d->joins = false;
}

static void put_charsets(struct drawing *d)
{
	const struct screen *s = d->s;

	for (unsigned int i = 0; i < CHARSETS; i++)
		if (s->charsets[i])
			put_charset(d, i, s->charsets[i]);
	if (s->charset_level)
		put_charset_level(d);
}

static void put_palette(struct drawing *d)
{
	const struct palette *p = d->s->palette;

	buf_add_str(d->out, "\033]104\033\\\033]110\033\\\033]111\033\\\033]112\033\\");
	for (unsigned int i = 0; p && i < PALETTE_SIZE; i++) {
		uint32_t rgb = p->rgb[i];

		if (!palette_is_set(p, i))
			continue;
		if (i < PALETTE_FG)
			buf_addf(d->out, "\033]4;%u;", i);
		else
			buf_addf(d->out, "\033]%u;", 10 + i - PALETTE_FG);
		buf_addf(
			d->out, "rgb:%02x/%02x/%02x\033\\", rgb >> 16, rgb >> 8 & 0xff, rgb & 0xff);
	}
}

static const struct {
	enum mode mode;
	const char *on;
} mode_sequences[] = {
	{ MODE_NEWLINE, "\033[20h" },
	{ MODE_APP_CURSOR, "\033[?1h" },
	{ MODE_APP_KEYPAD, "\033=" },
	{ MODE_NO_WRAP, "\033[?7l" },
	{ MODE_REVERSE_WRAP, "\033[?45h" },
	{ MODE_CURSOR_HIDDEN, "\033[?25l" },
	{ MODE_FOCUS, "\033[?1004h" },
	{ MODE_BRACKETED_PASTE, "\033[?2004h" },
	{ MODE_SYNC, "\033[?2026h" },
};

static void put_modes(struct drawing *d)
{
	const struct screen *s = d->s;

	for (size_t i = 0; i < ARRAY_SIZE(mode_sequences); i++)
		if (mode_is_set(s, mode_sequences[i].mode))
			buf_add_str(d->out, mode_sequences[i].on);
	if (s->mouse.protocol)
		buf_addf(d->out, "\033[?%uh", s->mouse.protocol);
	if (s->mouse.encoding)
		buf_addf(d->out, "\033[?%uh", s->mouse.encoding);
	if (s->cursor_style)
		buf_addf(d->out, "\033[%u q", s->cursor_style);
	if (s->cursor_blink)
		buf_addf(d->out, "\033[?12%c", s->cursor_blink == 2 ? 'h' : 'l');
}

/* The column of the cell that was printed last and that a combining character may still join, or
 * -1. */
static int joinable(struct screen *s)
{
	const struct row *r = cursor_row(s);
	int x = s->page->x - s->join_width;

	if (!s->join_width || x < 0 || x >= s->cols || !is_repeatable(s, r, x))
		return -1;
	if (r->attrs[x] != pen_attr(s) || cell_width(r->cells[x]) != s->join_width)
		return -1;
	return x;
}

/*
 * After a restored cursor the pen may have an underline style and a link that it doesn't draw with.
 */
static bool has_hidden_extended(const struct screen *s)
{
	const struct attr *pen = &s->pen;
	uint16_t saved = s->page->saved.flags;

	if (pen->flags & ATTR_EXTENDED || (!pen->underline_style && !pen->link))
		return false;
	return !(saved & ATTR_EXTENDED) && !((saved ^ pen->flags) & ATTR_UNDERLINE);
}

/*
 * What only a restored cursor makes is made by one: the saved cursor is the one that did it, if any
 * is.
 */
static void put_restored(struct drawing *d)
{
	const struct screen *s = d->s;
	bool hidden = has_hidden_extended(s), other = s->charset != s->charsets[s->charset_level];
	struct attr pen = s->pen;

	if (hidden) {
		pen.fg = pen.bg = pen.flags = 0;
		draw_pen(d, &pen);
	}
	put_charsets(d);
	if (!hidden && !(other && s->page->saved.charset == s->charset))
		return;
	buf_add_str(d->out, "\0338");
	if (!other)
		put_charset_level(d);
	if (hidden) {
		pen = (struct attr){ .fg = s->pen.fg, .bg = s->pen.bg, .flags = s->pen.flags };
		draw_pen_over(d, &pen);
	} else {
		/* The client's pen is the saved one now; whatever is wanted is not that. */
		d->pen.flags = ~0;
	}
}

static struct attr final_pen(const struct screen *s)
{
	struct attr a = s->pen;

	if (!(a.flags & ATTR_EXTENDED) &&
		(a.underline_style || a.link || a.flags & ATTR_UNDERLINE)) {
		a.underline_style = 0;
		a.underline_color = a.link = 0;
	}
	a.flags &= (uint16_t)~ATTR_EXTENDED;
	return a;
}

/* Cursor, pen and modes of the screen that is shown. */
static void put_present(struct drawing *d)
{
	struct screen *s = d->s;
	const struct page *p = s->page;
	struct attr pen = final_pen(s);
	int join_x = joinable(s), x = join_x >= 0 ? join_x : p->x;
	int y = mode_is_set(s, MODE_ORIGIN) ? p->y - p->top : p->y;

	put_tabs(d, p);
	put_region(d, p);
	if (mode_is_set(s, MODE_ORIGIN))
		buf_add_str(d->out, "\033[?6h");
	put_restored(d);
	draw_move(d, MD_MIN(x, s->cols - 1), y);
	if (x >= s->cols)
		put_waiting_cursor(d, y);
	draw_pen(d, &pen);
	put_modes(d);
	if (join_x >= 0 && mode_is_set(s, MODE_INSERT))
		buf_addf(d->out, "\033[%uP", s->join_width);
	buf_add_str(d->out, mode_is_set(s, MODE_INSERT) ? "\033[4h" : "\033[4l");
	d->joins = false;
	if (join_x >= 0)
		draw_with_present_pen(d, cursor_row(s), join_x);
}

static int write_all(struct drawing *d, struct lines *l)
{
	struct screen *s = d->s;

	/*
	 * A full reset doesn't show a hidden cursor again, nor does it end "a line feed is a new
	 * line".
	 */
	buf_add_str(d->out, "\033c\033[?25h\033[20l");
	put_palette(d);
	buf_addf(d->out, "\033]2;%s\033\\", screen_title(s));
	if (s->page == &s->primary)
		put_alternate_saved_cursor(d);
	draw_lines(d, l);
	if (s->page == &s->alternate) {
		put_tabs(d, &s->primary);
		put_region(d, &s->primary);
		draw_move(d, MD_MIN(s->primary.x, s->cols - 1), s->primary.y);
		draw_alternate(d);
	}
	put_present(d);
	return parser_write_pending(&s->parser, d->out);
}

int screen_snapshot(
	struct screen *s, struct buf *out, const struct screen_snapshot_options *options)
{
	struct drawing d = { .s = s, .out = out };
	size_t before = out->len;
	struct lines l;
	int result = -1, error = ENOMEM;

	if (lines_init(&l, s, options->scrollback) == 0 && !out->failed) {
		s->snapshot_rows = l.unpacked;
		s->snapshot_pen = &d.pen;
		result = write_all(&d, &l);
		error = errno;
		s->snapshot_rows = NULL;
		s->snapshot_pen = NULL;
	}
	lines_done(&l);
	screen_collect(s);
	if (result == -1)
		out->len = before;
	errno = error;
	return result;
}
