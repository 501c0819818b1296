/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"

/* The first parameter as a count: 1 where it is missing. */
static int count_of(const struct params *p)
{
	return param_or(p, 0, 1);
}

/* Far enough for every count there is, and no overflow when it is added. */
static int limited(const struct screen *s, int n)
{
	return MD_MIN(n, SCREEN_MAX_ROWS + SCREEN_MAX_COLS);
}

static void move(struct screen *s, int dx, int dy)
{
	cursor_restrict(s);
	cursor_set(s, s->page->x + dx, s->page->y + dy);
}

static void insert_chars(struct screen *s, const struct params *p)
{
	cursor_restrict(s);
	row_insert(cursor_row(s), (unsigned int)s->page->x, (unsigned int)count_of(p),
		pen_erase_attr(s));
}

static void delete_chars(struct screen *s, const struct params *p)
{
	cursor_restrict(s);
	row_delete(cursor_row(s), (unsigned int)s->page->x, (unsigned int)count_of(p),
		pen_erase_attr(s));
}

static void erase_chars(struct screen *s, const struct params *p)
{
	unsigned int x;

	cursor_restrict(s);
	x = (unsigned int)s->page->x;
	row_erase(cursor_row(s), x, x + (unsigned int)limited(s, count_of(p)), pen_erase_attr(s));
}

static void cursor_up(struct screen *s, const struct params *p)
{
	int n = limited(s, count_of(p)), room = s->page->y - s->page->top;

	move(s, 0, -(room >= 0 ? MD_MIN(room, n) : n));
}

static void cursor_down(struct screen *s, const struct params *p)
{
	int n = limited(s, count_of(p)), room = s->page->bottom - s->page->y;

	move(s, 0, room >= 0 ? MD_MIN(room, n) : n);
}

static void cursor_right(struct screen *s, const struct params *p)
{
	move(s, limited(s, count_of(p)), 0);
}

static void cursor_left(struct screen *s, const struct params *p)
{
	move(s, -limited(s, count_of(p)), 0);
}

static void cursor_next_line(struct screen *s, const struct params *p)
{
	cursor_down(s, p);
	s->page->x = 0;
}

static void cursor_previous_line(struct screen *s, const struct params *p)
{
	cursor_up(s, p);
	s->page->x = 0;
}

static void cursor_column(struct screen *s, const struct params *p)
{
	cursor_set(s, count_of(p) - 1, s->page->y);
}

static void cursor_line(struct screen *s, const struct params *p)
{
	cursor_set(s, s->page->x, limited(s, count_of(p)) - 1);
}

static void cursor_lines_down(struct screen *s, const struct params *p)
{
	move(s, 0, limited(s, count_of(p)));
}

static void cursor_position(struct screen *s, const struct params *p)
{
	cursor_set(s, param_or(p, 1, 1) - 1, limited(s, count_of(p)) - 1);
}

static void tab_forward(struct screen *s, const struct params *p)
{
	for (int n = count_of(p); n > 0 && s->page->x < s->cols - 1; n--)
		control_execute(s, '\t');
}

static void tab_backward(struct screen *s, const struct params *p)
{
	struct page *page = s->page;

	if (page->x >= s->cols)
		return;
	for (int n = count_of(p); n > 0 && page->x > 0; n--) {
		do
			page->x--;
		while (page->x > 0 && !tab_is_set(page, (unsigned int)page->x));
		page->x = MD_MAX(page->x, 0);
	}
}

static void clear_tabs(struct screen *s, const struct params *p)
{
	unsigned int x = (unsigned int)s->page->x;

	if (p->values[0] == 3)
		memset(s->page->tabs, 0, SCREEN_MAX_COLS / 8);
	else if (!p->values[0] && x < SCREEN_MAX_COLS)
		s->page->tabs[x / 8] &= (uint8_t) ~(1u << x % 8);
}

static bool in_region(const struct screen *s)
{
	return s->page->y >= s->page->top && s->page->y <= s->page->bottom;
}

static void insert_lines(struct screen *s, const struct params *p)
{
	cursor_restrict(s);
	if (!in_region(s))
		return;
	page_scroll_down(s, s->page->y, s->page->bottom, count_of(p), pen_erase_attr(s));
	s->page->x = 0;
}

static void delete_lines(struct screen *s, const struct params *p)
{
	cursor_restrict(s);
	if (!in_region(s))
		return;
	page_scroll_up(s, s->page->y, s->page->bottom, count_of(p), pen_erase_attr(s));
	s->page->x = 0;
}

static void scroll_up(struct screen *s, const struct params *p)
{
	page_scroll_up(s, s->page->top, s->page->bottom, count_of(p), pen_erase_attr(s));
}

static void scroll_down(struct screen *s, const struct params *p)
{
	page_scroll_down(s, s->page->top, s->page->bottom, count_of(p), 0);
}

/* Columns of the whole region move; what was one long line is several afterwards. */
static void shift_columns(struct screen *s, int x, int n,
	void (*shift)(struct row *r, unsigned int x, unsigned int n, uint16_t attr))
{
	if (!in_region(s))
		return;
	for (int y = s->page->top; y <= s->page->bottom; y++) {
		struct row *r = page_row(s->page, (unsigned int)y);

		shift(r, (unsigned int)x, (unsigned int)n, pen_erase_attr(s));
		r->wrapped = false;
	}
}

static void scroll_left(struct screen *s, const struct params *p)
{
	shift_columns(s, 0, count_of(p), row_delete);
}

static void scroll_right(struct screen *s, const struct params *p)
{
	shift_columns(s, 0, count_of(p), row_insert);
}

static void insert_columns(struct screen *s, const struct params *p)
{
	shift_columns(s, s->page->x, count_of(p), row_insert);
}

static void delete_columns(struct screen *s, const struct params *p)
{
	shift_columns(s, s->page->x, count_of(p), row_delete);
}

static void repeat(struct screen *s, const struct params *p)
{
	control_repeat(s, count_of(p));
}

static void set_region(struct screen *s, const struct params *p)
{
	int top = count_of(p), bottom = param_or(p, 1, s->rows);

	bottom = MD_MIN(bottom, s->rows);
	if (bottom <= top)
		return;
	s->page->top = top - 1;
	s->page->bottom = bottom - 1;
	cursor_set(s, 0, 0);
}

static void set_cursor_style(struct screen *s, const struct params *p)
{
	int style = p->values[0];

	if (style <= 6)
		s->cursor_style = (uint8_t)style;
}

static void set_protected(struct screen *s, const struct params *p)
{
	if (p->values[0] == 1)
		s->pen.flags |= ATTR_PROTECTED;
	else if (p->values[0] == 2 || p->values[0] == 0)
		s->pen.flags &= (uint16_t)~ATTR_PROTECTED;
	s->pen_changed = true;
}

static void save_cursor(struct screen *s, const struct params *p _unused_)
{
	control_save_cursor(s);
}

static void restore_cursor(struct screen *s, const struct params *p _unused_)
{
	control_restore_cursor(s);
}

static void soft_reset(struct screen *s, const struct params *p _unused_)
{
	control_soft_reset(s);
}

static const struct {
	char prefix, collected, final;
	void (*run)(struct screen *s, const struct params *p);
} sequences[] = {
	{ 0, 0, 'm', control_sgr },
	{ 0, 0, 'H', cursor_position },
	{ 0, 0, 'K', control_erase_line },
	{ '?', 0, 'K', control_erase_line },
	{ 0, 0, 'J', control_erase_display },
	{ '?', 0, 'J', control_erase_display },
	{ 0, 0, 'A', cursor_up },
	{ 0, 0, 'B', cursor_down },
	{ 0, 0, 'C', cursor_right },
	{ 0, 0, 'D', cursor_left },
	{ 0, 0, 'E', cursor_next_line },
	{ 0, 0, 'F', cursor_previous_line },
	{ 0, 0, 'G', cursor_column },
	{ 0, 0, '`', cursor_column },
	{ 0, 0, 'a', cursor_right },
	{ 0, 0, 'd', cursor_line },
	{ 0, 0, 'e', cursor_lines_down },
	{ 0, 0, 'f', cursor_position },
	{ 0, 0, 'I', tab_forward },
	{ 0, 0, 'Z', tab_backward },
	{ 0, 0, 'g', clear_tabs },
	{ 0, 0, '@', insert_chars },
	{ 0, 0, 'P', delete_chars },
	{ 0, 0, 'X', erase_chars },
	{ 0, 0, 'b', repeat },
	{ 0, 0, 'L', insert_lines },
	{ 0, 0, 'M', delete_lines },
	{ 0, 0, 'S', scroll_up },
	{ 0, 0, 'T', scroll_down },
	{ 0, ' ', '@', scroll_left },
	{ 0, ' ', 'A', scroll_right },
	{ 0, '\'', '}', insert_columns },
	{ 0, '\'', '~', delete_columns },
	{ 0, 0, 'r', set_region },
	{ 0, 0, 's', save_cursor },
	{ 0, 0, 'u', restore_cursor },
	{ 0, 0, 'h', control_set_modes },
	{ '?', 0, 'h', control_set_modes },
	{ 0, 0, 'l', control_reset_modes },
	{ '?', 0, 'l', control_reset_modes },
	{ 0, '!', 'p', soft_reset },
	{ 0, ' ', 'q', set_cursor_style },
	{ 0, '"', 'q', set_protected },
};

void control_csi(struct screen *s, char final)
{
	const struct parser *p = &s->parser;
	char collected = p->collected_count ? (char)p->collected[0] : 0;

	if (p->collected_count > 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		if (sequences[i].final == final && sequences[i].collected == collected &&
			sequences[i].prefix == (char)p->prefix) {
			sequences[i].run(s, &p->params);
			return;
		}
	}
}
