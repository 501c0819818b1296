/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "screen/control.h"
#include "screen/pack.h"

#define TAB_WIDTH 8

int page_init(struct page *p)
{
	p->tabs = calloc(1, SCREEN_MAX_COLS / 8);
	return p->tabs ? 0 : -1;
}

void page_done(struct page *p)
{
	page_drop_rows(p);
	free(p->tabs);
	p->tabs = NULL;
}

void page_drop_rows(struct page *p)
{
	for (unsigned int y = 0; p->rows && y < p->count; y++)
		free(p->rows[y]);
	free(p->rows);
	p->rows = NULL;
	p->count = p->head = 0;
}

int page_make_rows(struct page *p, unsigned int rows, unsigned int cols, uint16_t attr)
{
	p->rows = calloc(rows, sizeof(struct row *));
	if (!p->rows)
		return -1;
	p->head = 0;
	for (p->count = 0; p->count < rows; p->count++) {
		struct row *r = row_new(cols);

		if (!r) {
			page_drop_rows(p);
			return -1;
		}
		row_fill(r, attr);
		p->rows[p->count] = r;
	}
	return 0;
}

void page_reset_tabs(struct page *p, unsigned int from, unsigned int cols)
{
	if (!from)
		memset(p->tabs, 0, SCREEN_MAX_COLS / 8);
	for (unsigned int x = from; x < cols; x += TAB_WIDTH)
		p->tabs[x / 8] |= (uint8_t)(1u << x % 8);
}

/* A row that was in use becomes a new one. */
static void renew(struct screen *s, struct row *r, uint16_t attr, bool wrapped)
{
	row_fill(r, 0);
	if (r->length > s->cols)
		r->length = (uint16_t)s->cols;
	if (attr)
		row_fill(r, attr);
	r->wrapped = wrapped;
}

/* The first `n` of the rows top..bottom become the last. */
static void rotate_up(struct page *p, unsigned int top, unsigned int bottom, unsigned int n)
{
	struct row *first[SCREEN_MAX_ROWS];

	if (n == 1 && !top && bottom == p->count - 1) {
		if (++p->head == p->count)
			p->head = 0;
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		first[i] = page_row(p, top + i);
	for (unsigned int y = top; y + n <= bottom; y++)
		*page_slot(p, y) = page_row(p, y + n);
	for (unsigned int i = 0; i < n; i++)
		*page_slot(p, bottom + 1 - n + i) = first[i];
}

/* The last `n` of the rows top..bottom become the first. */
static void rotate_down(struct page *p, unsigned int top, unsigned int bottom, unsigned int n)
{
	struct row *last[SCREEN_MAX_ROWS];

	for (unsigned int i = 0; i < n; i++)
		last[i] = page_row(p, bottom + 1 - n + i);
	for (unsigned int y = bottom; y >= top + n; y--)
		*page_slot(p, y) = page_row(p, y - n);
	for (unsigned int i = 0; i < n; i++)
		*page_slot(p, top + i) = last[i];
}

void page_scroll_up(struct screen *s, int top, int bottom, int n, uint16_t attr)
{
	n = MD_MIN(n, bottom - top + 1);
	rotate_up(s->page, (unsigned int)top, (unsigned int)bottom, (unsigned int)n);
	for (int y = bottom - n + 1; y <= bottom; y++)
		renew(s, page_row(s->page, (unsigned int)y), attr, false);
}

void page_scroll_down(struct screen *s, int top, int bottom, int n, uint16_t attr)
{
	n = MD_MIN(n, bottom - top + 1);
	rotate_down(s->page, (unsigned int)top, (unsigned int)bottom, (unsigned int)n);
	for (int y = top; y < top + n; y++)
		renew(s, page_row(s->page, (unsigned int)y), attr, false);
}

/* The row goes to the scrollback; without memory it is lost, and with it the oldest lines. */
void page_remember(struct screen *s, const struct row *r)
{
	struct history *h = &s->history;

	if (!s->options.scrollback)
		return;
	if (pack_row(s, h, r) == -1) {
		history_done(h);
		return;
	}
	while (h->lines > s->options.scrollback)
		history_drop_first(h);
	if (h->bytes > s->options.memory_ceiling)
		screen_trim(s);
}

void page_scroll(struct screen *s, uint16_t attr, bool wrapped)
{
	struct page *p = s->page;

	if (p == &s->primary && !p->top)
		page_remember(s, page_row(p, 0));
	rotate_up(p, (unsigned int)p->top, (unsigned int)p->bottom, 1);
	renew(s, page_row(p, (unsigned int)p->bottom), attr, wrapped);
}

void page_switch(struct screen *s, bool alternate)
{
	struct page *from = s->page, *to = alternate ? &s->alternate : &s->primary;

	if (from == to)
		return;
	if (alternate && page_make_rows(to, (unsigned int)s->rows, (unsigned int)s->cols,
				 pen_erase_attr(s)) == -1)
		return;
	to->x = from->x;
	to->y = from->y;
	s->page = to;
	if (alternate)
		return;
	page_drop_rows(from);
	from->x = from->y = 0;
	from->top = 0;
	from->bottom = s->rows - 1;
	page_reset_tabs(from, 0, (unsigned int)s->cols);
}

void cursor_restrict_to(struct screen *s, int most)
{
	struct page *p = s->page;
	int top = 0, bottom = s->rows - 1;

	if (mode_is_set(s, MODE_ORIGIN)) {
		top = p->top;
		bottom = p->bottom;
	}
	p->x = MD_MAX(0, MD_MIN(p->x, most));
	p->y = MD_MAX(top, MD_MIN(p->y, bottom));
}

void cursor_set(struct screen *s, int x, int y)
{
	s->page->x = x;
	s->page->y = mode_is_set(s, MODE_ORIGIN) ? s->page->top + y : y;
	cursor_restrict(s);
}
