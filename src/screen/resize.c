/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "screen/control.h"
#include "screen/pack.h"
#include "screen/reflow.h"

#define TAB_WIDTH 8

/* More rows take lines back from the scrollback if there is nothing below the cursor. */
static int add_rows(struct reflow *f, unsigned int old_rows)
{
	long back = 0;

	for (unsigned int y = old_rows; y < f->rows; y++) {
		if ((long)f->count >= (long)f->rows + f->base)
			continue;
		if (f->base > 0 && (long)f->count <= f->base + f->y + back + 1) {
			f->base--;
			back++;
		} else if (reflow_push_blank(f) == -1) {
			return -1;
		}
	}
	f->y += back;
	return 0;
}

/* Fewer rows: what is below the cursor goes, then the top goes to the scrollback. */
static void remove_rows(struct reflow *f, unsigned int old_rows)
{
	for (unsigned int y = old_rows; y > f->rows; y--) {
		if ((long)f->count <= (long)f->rows + f->base)
			continue;
		if ((long)f->count > f->base + f->y + 1)
			f->count--;
		else
			f->base++;
	}
	f->y = MD_MIN(f->y, (long)f->rows - 1);
	f->most = (size_t)f->s->options.scrollback + f->rows;
	if (f->count > f->most) {
		long dropped = (long)(f->count - f->most);

		reflow_drop_first(f, (size_t)dropped);
		f->base = MD_MAX(f->base - dropped, 0L);
		f->saved_y = MD_MAX(f->saved_y - dropped, 0L);
	}
}

/* The rows of the new screen. */
static int unpack_rows(struct reflow *f, struct page *fresh)
{
	if (page_make_rows(fresh, f->rows, f->cols, 0) == -1)
		return -1;
	for (unsigned int y = 0; y < f->rows && (size_t)f->base + y < f->count; y++)
		unpack_row(f->s, &f->lines[(size_t)f->base + y], page_row(fresh, y));
	return 0;
}

static int copy_history(const struct reflow *f, struct history *h)
{
	for (size_t i = 0; i < (size_t)f->base && i < f->count; i++)
		if (history_append(h, &f->lines[i]) == -1)
			return -1;
	return 0;
}

/* The primary screen at the new size, in `fresh` and `history`; the old one is still whole. */
static int lay_out(struct reflow *f, struct page *fresh, struct history *history)
{
	unsigned int old_rows = (unsigned int)f->s->rows;
	int result = 0;

	if (f->rows > old_rows)
		result = add_rows(f, old_rows);
	else
		remove_rows(f, old_rows);
	if (result == 0 && f->cols > f->old_cols)
		result = reflow_to_wider(f);
	else if (result == 0 && f->cols < f->old_cols)
		result = reflow_to_narrower(f);
	if (result == 0)
		result = unpack_rows(f, fresh);
	if (result == 0)
		result = copy_history(f, history);
	return result;
}

static int resize_primary(struct screen *s, unsigned int rows, unsigned int cols)
{
	struct page *p = &s->primary, fresh = { 0 };
	struct history history = { 0 };
	struct reflow f;
	int result = reflow_init(&f, s, rows, cols);

	if (result == 0)
		result = lay_out(&f, &fresh, &history);
	if (result == 0) {
		page_drop_rows(p);
		history_done(&s->history);
		s->history = history;
		p->rows = fresh.rows;
		p->count = fresh.count;
		p->head = 0;
		p->x = MD_MIN(p->x, (int)cols - 1);
		p->y = (int)MD_MAX(0L, MD_MIN(f.y, (long)rows - 1));
		p->saved.x = MD_MIN(p->saved.x, (int)cols - 1);
		p->saved.y = f.saved_y;
	} else {
		page_drop_rows(&fresh);
		history_done(&history);
	}
	reflow_done(&f);
	return result;
}

/* Rows that go when the alternate screen gets lower: first from below the cursor, then from the
 * top. */
static unsigned int rows_from_top(const struct page *p, unsigned int rows)
{
	unsigned int below = p->count - 1 - (unsigned int)p->y, gone = p->count - rows;

	return gone > below ? gone - below : 0;
}

/* There is no reflow here. What is right of a narrower edge stays, and may come back. */
static int resize_alternate(struct screen *s, unsigned int rows, unsigned int cols)
{
	struct page *p = &s->alternate, fresh = { 0 };
	unsigned int top = rows < p->count ? rows_from_top(p, rows) : 0;

	if (page_make_rows(&fresh, rows, cols, 0) == -1)
		return -1;
	for (unsigned int y = 0; y < rows && top + y < p->count; y++) {
		struct row *r = page_row(p, top + y), *other = NULL;

		if (cols > (unsigned int)s->cols)
			other = row_with_length(r, cols);
		else
			other = r;
		if (!other)
			continue;
		*page_slot(p, top + y) = fresh.rows[y];
		fresh.rows[y] = other;
	}
	page_drop_rows(p);
	p->rows = fresh.rows;
	p->count = fresh.count;
	p->x = MD_MIN(p->x, (int)cols - 1);
	p->y = MD_MIN(p->y, (int)rows - 1);
	p->saved.x = MD_MIN(p->saved.x, (int)cols - 1);
	p->saved.y = MD_MAX(p->saved.y - (long)top, 0L);
	return 0;
}

/* Tab stops go on at the usual distance from the last one there is. */
static void extend_tabs(struct page *p, unsigned int cols)
{
	unsigned int x = cols;

	if (x >= SCREEN_MAX_COLS || !tab_is_set(p, x))
		while (x && !tab_is_set(p, --x))
			;
	for (; x < cols; x += TAB_WIDTH)
		p->tabs[x / 8] |= (uint8_t)(1u << x % 8);
}

static void fit_page(struct page *p, unsigned int rows, unsigned int cols)
{
	if (p->rows)
		p->top = 0;
	p->bottom = (int)rows - 1;
	extend_tabs(p, cols);
}

int screen_resize(struct screen *s, unsigned int rows, unsigned int cols)
{
	rows = MD_MIN(MD_MAX(rows, (unsigned int)SCREEN_MIN_ROWS), (unsigned int)SCREEN_MAX_ROWS);
	cols = MD_MIN(MD_MAX(cols, (unsigned int)SCREEN_MIN_COLS), (unsigned int)SCREEN_MAX_COLS);
	if ((int)rows == s->rows && (int)cols == s->cols)
		return 0;
	if (resize_primary(s, rows, cols) == -1) {
		errno = ENOMEM;
		return -1;
	}
	/* Without memory for it the program loses its screen, but the sizes agree. */
	if (s->alternate.rows && resize_alternate(s, rows, cols) == -1) {
		page_drop_rows(&s->alternate);
		s->page = &s->primary;
	}
	s->printing = false;
	s->rows = (int)rows;
	s->cols = (int)cols;
	fit_page(&s->primary, rows, cols);
	fit_page(&s->alternate, rows, cols);
	screen_collect(s);
	return 0;
}
