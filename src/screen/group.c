/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/group.h"

#include <stdlib.h>

#include "base/mem.h"
#include "screen/control.h"
#include "screen/pack.h"

#define ROWS_AS_IN_XTERM 2048

void group_done(struct group *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->rows[i]);
	free(g->rows);
	*g = (struct group){ 0 };
}

int group_add(struct group *g, struct row *r)
{
	struct row **rows;

	if (!r)
		return -1;
	if ((g->count & (g->count - 1)) == 0) {
		rows = mem_resize(g->rows, g->count ? g->count * 2 : 1);
		if (!rows) {
			free(r);
			return -1;
		}
		g->rows = rows;
	}
	g->rows[g->count++] = r;
	return 0;
}

int group_load(struct reflow *f, struct group *g, size_t start, size_t end)
{
	/*
	 * So many rows of the new width hold all of it, each with a blank column at its end. In xterm.js all rows have the
	 * new width, which shows in rare lines with wide characters: the same here but for lines of very many rows.
	 */
	size_t filled = (end - start) * f->old_cols / (f->cols - 1) + ROWS_AS_IN_XTERM;

	*g = (struct group){ 0 };
	screen_collect(f->s);
	for (size_t i = start; i < end; i++) {
		unsigned int cols = i - start < filled ? MD_MAX(f->cols, f->old_cols) : f->old_cols;

		if (group_add(g, row_new(cols)) == -1)
			return -1;
		unpack_row(f->s, &f->lines[i], g->rows[i - start]);
	}
	g->old = g->count;
	return 0;
}

unsigned int group_text_length(const struct group *g, size_t i, size_t count, unsigned int cols)
{
	const struct row *r = g->rows[i];

	if (i == count - 1)
		return row_trimmed(r);
	if (!row_has_text(r, cols - 1) && row_width(r, cols - 1) == 1 &&
		row_width(g->rows[i + 1], 0) == 2)
		return cols - 1;
	return cols;
}

void group_copy_cells(struct row *to, unsigned int to_x, const struct row *from,
	unsigned int from_x, unsigned int n)
{
	row_copy(to, to_x, from, from_x, n);
	for (unsigned int i = MD_MAX(from->length, from_x); i < from_x + n; i++)
		row_set(to, to_x + i - from_x, CELL_ZERO, 0);
}

int reflow_store(struct reflow *f, const struct row *r, struct history_line *ret_line)
{
	if (pack_row(f->s, &f->packed, r) == -1)
		return -1;
	return history_last(&f->packed, ret_line) ? 0 : -1;
}

int reflow_store_cut(struct reflow *f, const struct row *r, struct history_line *ret_line)
{
	struct row *cut;
	int result;

	if (r->used <= f->cols)
		return reflow_store(f, r, ret_line);
	cut = row_new(f->cols);
	if (!cut)
		return -1;
	row_copy(cut, 0, r, 0, f->cols);
	cut->wrapped = r->wrapped;
	result = reflow_store(f, cut, ret_line);
	free(cut);
	return result;
}
