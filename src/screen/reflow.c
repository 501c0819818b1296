/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/reflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "screen/control.h"
#include "screen/group.h"

static int reserve_lines(struct reflow *f, size_t more)
{
	size_t room = MD_MAX(f->room * 2, f->count + more);
	struct history_line *lines;

	if (f->count + more <= f->room)
		return 0;
	lines = mem_resize(f->lines, room);
	if (!lines)
		return -1;
	f->lines = lines;
	f->room = room;
	return 0;
}

int reflow_init(struct reflow *f, struct screen *s, unsigned int rows, unsigned int cols)
{
	struct history_cursor c = history_start(&s->history);
	struct page *p = &s->primary;

	*f = (struct reflow){
		.s = s, .old_cols = (unsigned int)s->cols, .cols = cols, .rows = rows
	};
	f->most = (size_t)s->options.scrollback + MD_MAX(rows, (unsigned int)s->rows);
	f->base = s->history.lines;
	f->y = p->y;
	f->saved_y = p->saved.y;
	if (reserve_lines(f, s->history.lines + (size_t)s->rows + rows) == -1)
		return -1;
	while (history_next(&c, &f->lines[f->count]))
		f->count++;
	for (unsigned int y = 0; y < p->count; y++)
		if (reflow_store(f, page_row(p, y), &f->lines[f->count++]) == -1)
			return -1;
	return 0;
}

void reflow_done(struct reflow *f)
{
	free(f->lines);
	history_done(&f->packed);
}

int reflow_push_blank(struct reflow *f)
{
	if (reserve_lines(f, 1) == -1)
		return -1;
	f->lines[f->count++] = (struct history_line){ .body = (const unsigned char *)"" };
	return 0;
}

void reflow_drop_first(struct reflow *f, size_t n)
{
	f->count -= n;
	memmove(f->lines, f->lines + n, f->count * sizeof(*f->lines));
}

/* Moves the text of all rows as far up as it goes. Returns how many rows hold it then. */
static size_t join_rows(struct group *g, unsigned int old_cols, unsigned int cols)
{
	unsigned int to_x = group_text_length(g, 0, g->count, old_cols), from_x = 0, keep;
	size_t to = 0, from = 1;

	while (from < g->count) {
		unsigned int length = group_text_length(g, from, g->count, old_cols);
		unsigned int n = MD_MIN(length - from_x, cols - to_x);

		group_copy_cells(g->rows[to], to_x, g->rows[from], from_x, n);
		to_x += n;
		from_x += n;
		if (to_x == cols) {
			to++;
			to_x = 0;
		}
		if (from_x == length) {
			from++;
			from_x = 0;
		}
		/* A wide character does not go over the edge: it moves to the next row whole. */
		if (!to_x && to && row_width(g->rows[to - 1], cols - 1) == 2) {
			row_copy(g->rows[to], to_x++, g->rows[to - 1], cols - 1, 1);
			row_set(g->rows[to - 1], cols - 1, 0, 0);
		}
	}
	row_erase(g->rows[to], to_x, cols, 0);
	for (keep = (unsigned int)g->count; keep > 1; keep--)
		if (keep - 1 <= to && row_trimmed(g->rows[keep - 1]))
			break;
	return keep;
}

/* The line that starts at `start` ends before this one. */
static size_t group_end(const struct reflow *f, size_t start)
{
	size_t end = start + 1;

	while (end < f->count && f->lines[end].wrapped)
		end++;
	return end;
}

/* The view moves with the text above it that takes fewer rows now. */
static int follow_removed(struct reflow *f, size_t removed)
{
	for (size_t i = 0; i < removed; i++) {
		if (f->base) {
			f->base--;
			continue;
		}
		if (f->y > 0)
			f->y--;
		if (f->count < f->rows && reflow_push_blank(f) == -1)
			return -1;
	}
	f->saved_y = MD_MAX(f->saved_y - (long)removed, 0L);
	return 0;
}

int reflow_to_wider(struct reflow *f)
{
	size_t cursor = (size_t)(f->base + f->y), kept = 0, end, count = f->count;

	for (size_t start = 0; start < count; start = end) {
		size_t keep = 0;
		struct group g;
		int result;

		end = group_end(f, start);
		if (end == start + 1 || (cursor >= start && cursor < end)) {
			while (start < end)
				f->lines[kept++] = f->lines[start++];
			continue;
		}
		result = group_load(f, &g, start, end);
		if (result == 0)
			keep = join_rows(&g, f->old_cols, f->cols);
		for (size_t i = 0; i < keep && result == 0; i++)
			result = reflow_store_cut(f, g.rows[i], &f->lines[kept++]);
		group_done(&g);
		if (result == -1)
			return -1;
	}
	f->count = kept;
	return follow_removed(f, count - kept);
}
