/* SPDX-License-Identifier: Apache-2.0 */
/* Lines broken into shorter rows. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "screen/control.h"
#include "screen/group.h"
#include "screen/pack.h"

/* Fewer new rows than this cost little, and are broken to the last one as xterm.js does it. */
#define ROWS_LEAST 65536

/* How the group's text is broken into rows of the new width: their lengths. NULL: ENOMEM. */
static unsigned int *break_rows(const struct group *g, const struct reflow *f, size_t *ret_count)
{
	size_t cells = 0, placed = 0, n = 0, line = 0;
	unsigned int *lengths, x = 0;

	for (size_t i = 0; i < g->count; i++)
		cells += group_text_length(g, i, g->count, f->old_cols);
	lengths = calloc(cells / (f->cols - 1) + 2, sizeof(*lengths));
	if (!lengths)
		return NULL;
	while (placed < cells) {
		unsigned int length;

		if (cells - placed < f->cols) {
			lengths[n++] = (unsigned int)(cells - placed);
			break;
		}
		x += f->cols;
		length = group_text_length(g, line, g->count, f->old_cols);
		if (x > length && line + 1 < g->count) {
			x -= length;
			line++;
		}
		length = f->cols;
		if (x && row_width(g->rows[line], x - 1) == 2) {
			x--;
			length--;
		}
		lengths[n++] = length;
		placed += length;
	}
	*ret_count = n;
	return lengths;
}

/* Moves the text from the old rows into the new ones, from its end on, so that none is overwritten.
 */
static void spread(
	struct group *g, const unsigned int *lengths, size_t count, unsigned int old_cols)
{
	size_t to = count, from = g->old;
	unsigned int to_x = 0, from_x = row_trimmed(g->rows[g->old - 1]);

	if (to)
		to_x = lengths[--to];
	from--;
	for (;;) {
		unsigned int n = MD_MIN(from_x, to_x);

		group_copy_cells(g->rows[to], to_x - n, g->rows[from], from_x - n, n);
		to_x -= n;
		from_x -= n;
		if (!to_x) {
			if (!to)
				break;
			to_x = lengths[--to];
		}
		if (!from_x) {
			if (!from)
				break;
			from--;
			from_x = group_text_length(g, from, g->count, old_cols);
		}
	}
}

/* The view moves with the text above it that takes more rows now. */
static void follow_added(struct reflow *f, long added, size_t inserted)
{
	long dropped;

	if (f->base == 0 && f->y != (long)f->count - 1)
		dropped = MD_MAX(0L, f->y - (long)f->most + added);
	else
		dropped = MD_MAX(0L, (long)f->count - (long)f->most + added);
	for (long n = added - dropped; n > 0; n--) {
		long full = (long)MD_MIN(f->most, f->count + inserted) - (long)f->rows;

		if (f->base == 0 && f->y < (long)f->rows - 1) {
			f->y++;
			f->count--;
		} else if (f->base == 0 || f->base < full) {
			f->base++;
		}
	}
	f->saved_y = MD_MIN(f->saved_y + added, f->base + (long)f->rows - 1);
}

/* What has become of one line of text; `lines` are its rows. */
struct broken {
	size_t start, old, count;
	struct history_line *lines; /* owned */
};

struct broken_list {
	struct broken *items; /* the last line of the list first */
	size_t count, room;
};

static void broken_done(struct broken_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].lines);
	free(list->items);
}

static struct broken *broken_add(struct broken_list *list)
{
	struct broken *items;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;

		items = mem_resize(list->items, room);
		if (!items)
			return NULL;
		list->items = items;
		list->room = room;
	}
	list->items[list->count] = (struct broken){ 0 };
	return &list->items[list->count++];
}

static int break_group(struct reflow *f, struct group *g, struct broken *b)
{
	_auto_free_ unsigned int *lengths = NULL;
	size_t count = 0;

	lengths = break_rows(g, f, &count);
	if (!lengths)
		return -1;
	while (g->count < count) {
		struct row *r = row_new(f->cols);

		if (group_add(g, r) == -1)
			return -1;
		r->wrapped = true;
	}
	if (count)
		spread(g, lengths, count, f->old_cols);
	for (size_t i = 0; i < count; i++)
		if (lengths[i] < f->cols)
			row_set(g->rows[i], lengths[i], 0, 0);
	b->old = g->old;
	b->count = g->count;
	b->lines = calloc(g->count, sizeof(*b->lines));
	if (!b->lines)
		return -1;
	for (size_t i = 0; i < g->count; i++)
		if (reflow_store_cut(f, g->rows[i], &b->lines[i]) == -1)
			return -1;
	return (int)count;
}

/* Whether the row needs nothing: it is a line of its own and short enough. */
static int is_short(struct reflow *f, size_t i)
{
	struct row *r;
	int result;

	if (f->lines[i].wrapped)
		return 0;
	if (packed_fits(&f->lines[i], f->cols))
		return 1;
	r = row_new(MD_MAX(f->cols, f->old_cols));
	if (!r)
		return -1;
	screen_collect(f->s);
	unpack_row(f->s, &f->lines[i], r);
	result = row_trimmed(r) <= f->cols;
	/* What is cut off is blank. */
	if (result && r->used > f->cols && reflow_store_cut(f, r, &f->lines[i]) == -1)
		result = -1;
	free(r);
	return result;
}

/* The rows of the cursor's line are only cut. */
static int cut_group(struct reflow *f, size_t start, size_t end)
{
	struct group g;
	int result = group_load(f, &g, start, end);

	for (size_t i = start; i < end && result == 0; i++)
		result = reflow_store_cut(f, g.rows[i - start], &f->lines[i]);
	group_done(&g);
	return result;
}

/*
 * So many new rows push all that is above them out of the list, and the view is as far down as it goes.
 * A program may fill the scrollback with wide rows; all of them broken into the narrowest ones would be
 * gigabytes.
 */
static size_t rows_enough(const struct reflow *f)
{
	return MD_MAX(4 * f->most, (size_t)ROWS_LEAST);
}

/* Where to begin with the line of `start` to `end`: what is above that will be pushed out. */
static size_t first_worth_breaking(const struct reflow *f, size_t start, size_t end)
{
	size_t keep = rows_enough(f) * f->cols / f->old_cols + 2, skip;

	if (end - start <= keep)
		return start;
	skip = end - start - keep;
	/* The rows are broken at the same places then. */
	return start + skip - skip % f->cols;
}

static int break_lines(struct reflow *f, struct broken_list *list, size_t *ret_inserted)
{
	size_t inserted = 0;

	for (size_t end = f->count, start, from; end > 0 && inserted <= rows_enough(f);
		end = start) {
		struct group g = { 0 };
		struct broken *b;
		long cursor = f->base + f->y;
		int rows;

		start = end - 1;
		/*
		 * Also when the line itself had to make room for what was broken off below it:
		 * xterm.js keeps the rows it breaks off, and only them.
		 */
		rows = is_short(f, start);
		if (rows == -1)
			return -1;
		if (rows)
			continue;
		while (start && f->lines[start].wrapped)
			start--;
		if (cursor >= (long)start && cursor < (long)end) {
			if (cut_group(f, start, end) == -1)
				return -1;
			continue;
		}
		b = broken_add(list);
		from = first_worth_breaking(f, start, end);
		rows = b && group_load(f, &g, from, end) == 0 ? break_group(f, &g, b) : -1;
		group_done(&g);
		if (rows == -1)
			return -1;
		b->start = from;
		if (b->count > b->old)
			inserted += b->count - b->old;
		follow_added(f, rows - (long)b->old, inserted);
	}
	*ret_inserted = inserted;
	return 0;
}

/* Puts the broken lines into their places. The list ends with `f->count`; what was broken off
 * stays. */
static int merge(struct reflow *f, const struct broken_list *list, size_t inserted)
{
	struct history_line *lines = calloc(f->count + inserted + 1, sizeof(*lines));
	size_t from = 0, n = 0;

	if (!lines)
		return -1;
	for (size_t k = list->count; k-- > 0;) {
		const struct broken *b = &list->items[k];
		size_t rest;

		for (; from < b->start && from < f->count; from++)
			lines[n++] = f->lines[from];
		rest = from < f->count ? MD_MIN(b->old, f->count - from) : 0;
		memcpy(lines + n, b->lines, rest * sizeof(*lines));
		n += rest;
		from += rest;
		memcpy(lines + n, b->lines + b->old, (b->count - b->old) * sizeof(*lines));
		n += b->count - b->old;
	}
	for (; from < f->count; from++)
		lines[n++] = f->lines[from];
	free(f->lines);
	f->lines = lines;
	f->room = f->count + inserted + 1;
	f->count = n;
	return 0;
}

int reflow_to_narrower(struct reflow *f)
{
	struct broken_list list = { 0 };
	size_t inserted = 0;
	int result = break_lines(f, &list, &inserted);

	if (result == 0)
		result = merge(f, &list, inserted);
	broken_done(&list);
	if (result == 0 && f->count > f->most)
		reflow_drop_first(f, f->count - f->most);
	return result;
}
