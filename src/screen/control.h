/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what the parser has understood, done: one function for each kind of it, and the
 * helpers that their files share.
 */
#ifndef MD_SCREEN_CONTROL_H
#define MD_SCREEN_CONTROL_H

#include "screen/state.h"

/* print.c: characters of the stream in ground state; ASCII ones from 0x20 to 0x7e. */
void control_print(struct screen *s, uint32_t code);
void control_print_ascii(struct screen *s, const unsigned char *text, size_t len);
void control_repeat(struct screen *s, int n);
/* Something else was done: the next character joins nothing that was printed before. */
static inline void control_end_run(struct screen *s)
{
	s->join_width = 0;
	s->printing = false;
}

/* execute.c: C0 and C1 controls; ESC, what the parser has collected, `final`. */
void control_execute(struct screen *s, uint32_t code);
void control_escape(struct screen *s, char final);
void control_save_cursor(struct screen *s);
void control_restore_cursor(struct screen *s);
void control_soft_reset(struct screen *s);

/* csi.c, erase.c, sgr.c, mode.c: CSI, the parser's parameters, `final`. */
void control_csi(struct screen *s, char final);
void control_erase_display(struct screen *s, const struct params *p);
void control_erase_line(struct screen *s, const struct params *p);
void control_sgr(struct screen *s, const struct params *p);
void control_set_modes(struct screen *s, const struct params *p);
void control_reset_modes(struct screen *s, const struct params *p);

/* osc.c */
void control_osc(struct screen *s, const char *text, size_t len);
bool palette_is_set(const struct palette *p, unsigned int i);

/* pen.c: the numbers of what the pen draws with, and of what it erases with. */
uint16_t pen_attr(struct screen *s);
uint16_t pen_erase_attr(struct screen *s);
/* The same without what is extended; good until the next call of these. */
uint16_t pen_plain_attr(struct screen *s);
void pen_reset(struct screen *s);
/* Marks the extended attributes as part of the pen, or not if there are none. */
void pen_update_extended(struct screen *s);
/* Forgets attributes, clusters and links that nothing uses, when there are many. */
void screen_collect(struct screen *s);

/*
 * lines.c: takes as many plain lines from the beginning of the stream as would scroll all of the
 * screen away, in one go; returns how many bytes those were, 0 if this is no such place.
 */
size_t control_print_lines(struct screen *s, const unsigned char *data, size_t len);

/* page.c */
int page_init(struct page *p);
void page_done(struct page *p);
/* Gives the page rows of `cols` blank cells. -1: ENOMEM, and it has none. */
int page_make_rows(struct page *p, unsigned int rows, unsigned int cols, uint16_t attr);
void page_drop_rows(struct page *p);
void page_reset_tabs(struct page *p, unsigned int from, unsigned int cols);
/* Rows top..bottom move up or down by `n`, all of them if there are fewer, and blank rows come in. Nothing goes to the
 * scrollback. */
void page_scroll_up(struct screen *s, int top, int bottom, int n, uint16_t attr);
void page_scroll_down(struct screen *s, int top, int bottom, int n, uint16_t attr);
/* The scroll region moves up by one row; from the top of the primary screen into the scrollback. */
void page_scroll(struct screen *s, uint16_t attr, bool wrapped);
/* A row goes to the scrollback. */
void page_remember(struct screen *s, const struct row *r);
void page_switch(struct screen *s, bool alternate);
/* Drops old lines until what is held is below the ceiling. */
void screen_trim(struct screen *s);

/* Brings the cursor inside: at most to column `most`. */
void cursor_restrict_to(struct screen *s, int most);
static inline void cursor_restrict(struct screen *s)
{
	cursor_restrict_to(s, s->cols - 1);
}
void cursor_set(struct screen *s, int x, int y);

static inline struct row *cursor_row(struct screen *s)
{
	return page_row(s->page, (unsigned int)s->page->y);
}

static inline bool tab_is_set(const struct page *p, unsigned int x)
{
	return p->tabs[x / 8] & 1u << x % 8;
}

#endif
