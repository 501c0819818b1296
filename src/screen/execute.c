/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"
#include "screen/text.h"

static void bell(struct screen *s)
{
	s->bells++;
}

/* Back over the beginning of a wrapped row, to the end of the row before. */
static void backspace_over_wrap(struct screen *s)
{
	struct page *p = s->page;
	struct row *r = cursor_row(s);

	if (p->y <= p->top || p->y > p->bottom || !r->wrapped)
		return;
	r->wrapped = false;
	p->y--;
	p->x = s->cols - 1;
	r = cursor_row(s);
	if (row_width(r, (unsigned int)p->x) && !row_has_text(r, (unsigned int)p->x))
		p->x--;
}

static void backspace(struct screen *s)
{
	bool reverse = mode_is_set(s, MODE_REVERSE_WRAP);

	cursor_restrict_to(s, reverse ? s->cols : s->cols - 1);
	if (s->page->x > 0)
		s->page->x--;
	else if (reverse)
		backspace_over_wrap(s);
	cursor_restrict(s);
}

static void tab(struct screen *s)
{
	struct page *p = s->page;

	if (p->x >= s->cols)
		return;
	do
		p->x++;
	while (p->x < s->cols - 1 && !tab_is_set(p, (unsigned int)p->x));
	p->x = MD_MIN(p->x, s->cols - 1);
}

static void line_feed(struct screen *s)
{
	struct page *p = s->page;

	if (mode_is_set(s, MODE_NEWLINE))
		p->x = 0;
	p->y++;
	if (p->y == p->bottom + 1) {
		p->y--;
		page_scroll(s, pen_erase_attr(s), false);
	} else if (p->y >= s->rows) {
		p->y = s->rows - 1;
	} else {
		cursor_row(s)->wrapped = false;
	}
	/* A character that waits to wrap has got its new line by this. */
	if (p->x >= s->cols)
		p->x--;
}

static void carriage_return(struct screen *s)
{
	s->page->x = 0;
}

static void set_charset_level(struct screen *s, uint8_t level)
{
	s->charset_level = level;
	s->charset = s->charsets[level];
}

static void shift_out(struct screen *s)
{
	set_charset_level(s, 1);
}

static void shift_in(struct screen *s)
{
	set_charset_level(s, 0);
}

static void index_down(struct screen *s)
{
	struct page *p = s->page;

	cursor_restrict(s);
	p->y++;
	if (p->y == p->bottom + 1) {
		p->y--;
		page_scroll(s, pen_erase_attr(s), false);
	} else if (p->y >= s->rows) {
		p->y = s->rows - 1;
	}
	cursor_restrict(s);
}

static void next_line(struct screen *s)
{
	s->page->x = 0;
	index_down(s);
}

static void reverse_index(struct screen *s)
{
	struct page *p = s->page;

	cursor_restrict(s);
	if (p->y == p->top) {
		page_scroll_down(s, p->top, p->bottom, 1, pen_erase_attr(s));
	} else {
		p->y--;
		cursor_restrict(s);
	}
}

static void set_tab(struct screen *s)
{
	unsigned int x = (unsigned int)s->page->x;

	if (x < SCREEN_MAX_COLS)
		s->page->tabs[x / 8] |= (uint8_t)(1u << x % 8);
}

static void keypad_application(struct screen *s)
{
	s->modes |= 1u << MODE_APP_KEYPAD;
}

static void keypad_numeric(struct screen *s)
{
	s->modes &= ~(1u << MODE_APP_KEYPAD);
}

void control_save_cursor(struct screen *s)
{
	struct page *p = s->page;

	p->saved = (struct saved_cursor){ .x = p->x,
		.y = p->y,
		.fg = s->pen.fg,
		.bg = s->pen.bg,
		.flags = s->pen.flags,
		.charset = s->charset };
	if (p == &s->primary)
		p->saved.y += s->history.lines;
}

void control_restore_cursor(struct screen *s)
{
	struct page *p = s->page;
	long y = p->saved.y - (p == &s->primary ? (long)s->history.lines : 0);

	p->x = p->saved.x;
	p->y = (int)MD_MAX(y, 0L);
	s->pen.fg = p->saved.fg;
	s->pen.bg = p->saved.bg;
	s->pen.flags = p->saved.flags;
	s->pen_changed = true;
	s->charset = p->saved.charset;
	cursor_restrict(s);
}

static void full_reset(struct screen *s)
{
	struct page *old_pages[] = { &s->primary, &s->alternate };
	uint32_t modes = s->modes;

	history_done(&s->history);
	for (size_t i = 0; i < ARRAY_SIZE(old_pages); i++) {
		struct page *p = old_pages[i];

		p->x = p->y = p->top = 0;
		p->bottom = s->rows - 1;
		p->saved = (struct saved_cursor){ 0 };
		page_reset_tabs(p, 0, (unsigned int)s->cols);
	}
	page_drop_rows(&s->alternate);
	s->page = &s->primary;
	for (int y = 0; y < s->rows; y++) {
		row_fill(page_row(&s->primary, (unsigned int)y), 0);
		page_row(&s->primary, (unsigned int)y)->wrapped = false;
	}
	/* Two modes, and whether the cursor blinks, stay as they are in xterm.js. */
	modes &= 1u << MODE_NEWLINE | 1u << MODE_CURSOR_HIDDEN;
	control_soft_reset(s);
	s->modes = modes;
	s->mouse = (struct mouse){ 0 };
	s->cursor_style = 0;
}

/* The screen full of E, to adjust the tube. */
static void fill_with_e(struct screen *s)
{
	uint16_t attr = pen_plain_attr(s);

	for (int y = 0; y < s->rows; y++) {
		struct row *r = page_row(s->page, (unsigned int)y);

		for (unsigned int x = 0; x < r->length; x++)
			row_set(r, x, 'E', attr);
		r->wrapped = false;
	}
	cursor_set(s, 0, 0);
}

static void default_charset(struct screen *s)
{
	s->charsets[0] = CHARSET_NONE;
	set_charset_level(s, 0);
}

static void designate(struct screen *s, char into, char final)
{
	static const char levels[] = "()*+";
	const char *at = strchr(levels, into);
	unsigned int level = at ? (unsigned int)(at - levels) : into == '-' ? 1 : 2;

	if (!charset_is_known(final) || into == '/')
		return;
	s->charsets[level] = final == 'B' ? CHARSET_NONE : (uint8_t) final;
	if (s->charset_level == level)
		s->charset = s->charsets[level];
}

static const struct {
	uint8_t code;
	void (*run)(struct screen *s);
} controls[] = {
	{ 0x07, bell },
	{ 0x08, backspace },
	{ 0x09, tab },
	{ 0x0a, line_feed },
	{ 0x0b, line_feed },
	{ 0x0c, line_feed },
	{ 0x0d, carriage_return },
	{ 0x0e, shift_out },
	{ 0x0f, shift_in },
	{ 0x84, index_down },
	{ 0x85, next_line },
	{ 0x88, set_tab },
};

void control_execute(struct screen *s, uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].code == code)
			controls[i].run(s);
	control_end_run(s);
}

static void lock_shift_1(struct screen *s)
{
	set_charset_level(s, 1);
}

static void lock_shift_2(struct screen *s)
{
	set_charset_level(s, 2);
}

static void lock_shift_3(struct screen *s)
{
	set_charset_level(s, 3);
}

static const struct {
	char collected, final;
	void (*run)(struct screen *s);
} escapes[] = {
	{ 0, '7', control_save_cursor },
	{ 0, '8', control_restore_cursor },
	{ 0, 'D', index_down },
	{ 0, 'E', next_line },
	{ 0, 'H', set_tab },
	{ 0, 'M', reverse_index },
	{ 0, '=', keypad_application },
	{ 0, '>', keypad_numeric },
	{ 0, 'c', full_reset },
	{ 0, 'n', lock_shift_2 },
	{ 0, 'o', lock_shift_3 },
	{ 0, '|', lock_shift_3 },
	{ 0, '}', lock_shift_2 },
	{ 0, '~', lock_shift_1 },
	{ '%', '@', default_charset },
	{ '%', 'G', default_charset },
	{ '#', '8', fill_with_e },
};

void control_escape(struct screen *s, char final)
{
	const struct parser *p = &s->parser;
	char collected = p->collected_count ? (char)p->collected[0] : 0;

	if (p->collected_count > 1)
		return;
	if (collected && strchr("()*+-./", collected)) {
		designate(s, collected, final);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		if (escapes[i].collected == collected && escapes[i].final == final)
			escapes[i].run(s);
}
