/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"

static bool is_protected(const struct screen *s, const struct row *r, unsigned int x)
{
	struct attr a;

	if (x >= r->length || !r->attrs[x])
		return false;
	memcpy(&a, intern_get(&s->attrs, r->attrs[x], NULL), sizeof(a));
	return a.flags & ATTR_PROTECTED;
}

/* row_erase() that leaves what DECSCA has protected. */
static void erase_unprotected(
	struct screen *s, struct row *r, unsigned int start, unsigned int end, uint16_t attr)
{
	end = MD_MIN(end, (unsigned int)r->length);
	if (start && row_width(r, start - 1) == 2 && !is_protected(s, r, start - 1))
		row_set(r, start - 1, 0, attr);
	if (end && end < r->length && row_width(r, end - 1) == 2 && !is_protected(s, r, end))
		row_set(r, end, 0, attr);
	for (unsigned int x = start; x < end; x++)
		if (!is_protected(s, r, x))
			row_set(r, x, 0, attr);
}

static void erase_cells(struct screen *s, int y, int start, int end, bool keep_protected)
{
	struct row *r = page_row(s->page, (unsigned int)y);

	if (keep_protected)
		erase_unprotected(s, r, (unsigned int)start, (unsigned int)end, pen_erase_attr(s));
	else
		row_erase(r, (unsigned int)start, (unsigned int)end, pen_erase_attr(s));
}

static void erase_row(struct screen *s, int y, bool keep_protected)
{
	struct row *r = page_row(s->page, (unsigned int)y);

	if (keep_protected)
		erase_unprotected(s, r, 0, r->length, pen_erase_attr(s));
	else
		row_fill(r, pen_erase_attr(s));
	r->wrapped = false;
}

static void erase_below(struct screen *s, bool keep_protected)
{
	struct page *p = s->page;

	erase_cells(s, p->y, p->x, s->cols, keep_protected);
	if (!p->x)
		cursor_row(s)->wrapped = false;
	for (int y = p->y + 1; y < s->rows; y++)
		erase_row(s, y, keep_protected);
}

/*
 * All of the row above is gone, so row `y` continues nothing. xterm.js counts it from the first
 * line of the scrollback here.
 */
static void end_line_above(struct screen *s, int y)
{
	unsigned int above = s->page == &s->primary ? s->history.lines : 0;

	if ((unsigned int)y < above)
		history_end_wrap(&s->history, (unsigned int)y);
	else if ((unsigned int)y - above < (unsigned int)s->rows)
		page_row(s->page, (unsigned int)y - above)->wrapped = false;
}

static void erase_above(struct screen *s, bool keep_protected)
{
	struct page *p = s->page;

	erase_cells(s, p->y, 0, p->x + 1, keep_protected);
	cursor_row(s)->wrapped = false;
	if (p->x + 1 >= s->cols)
		end_line_above(s, p->y + 1);
	for (int y = 0; y < p->y; y++)
		erase_row(s, y, keep_protected);
}

void control_erase_display(struct screen *s, const struct params *p)
{
	bool keep_protected = s->parser.prefix == '?';

	cursor_restrict_to(s, s->cols);
	switch (p->values[0]) {
	case 0:
		erase_below(s, keep_protected);
		break;
	case 1:
		erase_above(s, keep_protected);
		break;
	case 2:
		for (int y = 0; y < s->rows; y++)
			erase_row(s, y, keep_protected);
		break;
	case 3:
		if (s->page == &s->primary)
			history_done(&s->history);
		break;
	}
}

void control_erase_line(struct screen *s, const struct params *p)
{
	bool keep_protected = s->parser.prefix == '?';
	int x, y;

	cursor_restrict_to(s, s->cols);
	x = s->page->x;
	y = s->page->y;
	switch (p->values[0]) {
	case 0:
		erase_cells(s, y, x, s->cols, keep_protected);
		if (!x)
			cursor_row(s)->wrapped = false;
		break;
	case 1:
		erase_cells(s, y, 0, x + 1, keep_protected);
		break;
	case 2:
		erase_cells(s, y, 0, s->cols, keep_protected);
		cursor_row(s)->wrapped = false;
		break;
	}
}
