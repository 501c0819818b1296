/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"

void pen_reset(struct screen *s)
{
	s->pen = (struct attr){ 0 };
	s->pen_changed = true;
}

void pen_update_extended(struct screen *s)
{
	if (s->pen.underline_style || s->pen.link)
		s->pen.flags |= ATTR_EXTENDED;
	else
		s->pen.flags &= (uint16_t)~ATTR_EXTENDED;
	s->pen_changed = true;
}

/* The number of an attribute; the default one when there is no memory. */
static uint16_t number_of(struct screen *s, const struct attr *a)
{
	static const struct attr none;

	if (!memcmp(a, &none, sizeof(none)))
		return 0;
	return (uint16_t)intern_add(&s->attrs, a, sizeof(*a));
}

static void renumber(struct screen *s)
{
	struct attr a = s->pen, erase = { .bg = s->pen.bg };

	if (!(a.flags & ATTR_EXTENDED)) {
		a.underline_style = 0;
		a.underline_color = a.link = 0;
	}
	if (!(a.flags & ATTR_UNDERLINE) && !a.underline_style)
		a.underline_color = 0;
	a.flags &= (uint16_t)~ATTR_EXTENDED;
	screen_collect(s);
	s->pen_attr = number_of(s, &a);
	s->erase_attr = number_of(s, &erase);
	s->pen_changed = false;
}

uint16_t pen_attr(struct screen *s)
{
	if (s->pen_changed)
		renumber(s);
	return s->pen_attr;
}

uint16_t pen_erase_attr(struct screen *s)
{
	if (s->pen_changed)
		renumber(s);
	return s->erase_attr;
}

uint16_t pen_plain_attr(struct screen *s)
{
	struct attr a = { .fg = s->pen.fg, .bg = s->pen.bg, .flags = s->pen.flags };

	a.flags &= (uint16_t)~ATTR_EXTENDED;
	screen_collect(s);
	return number_of(s, &a);
}

static void mark_attr(struct screen *s, uint16_t number)
{
	struct attr a;

	if (!number)
		return;
	intern_mark(&s->attrs, number);
	memcpy(&a, intern_get(&s->attrs, number, NULL), sizeof(a));
	intern_mark(&s->links, a.link);
}

static void mark_row(struct screen *s, const struct row *r)
{
	uint16_t last = 0;

	for (unsigned int x = 0; x < r->used; x++) {
		if (r->attrs[x] != last) {
			last = r->attrs[x];
			mark_attr(s, last);
		}
		if (r->cells[x] & CELL_CLUSTER)
			intern_mark(&s->clusters, r->cells[x] & CELL_CODE_MASK);
	}
}

static void mark_page(struct screen *s, const struct page *p)
{
	for (unsigned int y = 0; p->rows && y < p->count; y++)
		mark_row(s, p->rows[y]);
}

static void mark_snapshot(struct screen *s)
{
	for (int i = 0; s->snapshot_rows && i < 2; i++)
		mark_row(s, s->snapshot_rows[i]);
	if (s->snapshot_pen)
		intern_mark(&s->links, s->snapshot_pen->link);
}

void screen_collect(struct screen *s)
{
	if (!intern_wants_collect(&s->attrs) && !intern_wants_collect(&s->clusters) &&
		!intern_wants_collect(&s->links))
		return;
	intern_unmark(&s->attrs);
	intern_unmark(&s->clusters);
	intern_unmark(&s->links);
	mark_page(s, &s->primary);
	mark_page(s, &s->alternate);
	mark_snapshot(s);
	intern_mark(&s->links, s->pen.link);
	if (!s->pen_changed) {
		mark_attr(s, s->pen_attr);
		mark_attr(s, s->erase_attr);
	}
	intern_sweep(&s->attrs);
	intern_sweep(&s->clusters);
	intern_sweep(&s->links);
}
