/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

struct row *row_new(unsigned int length)
{
	struct row *r = calloc(1, sizeof(*r) + length * (sizeof(*r->cells) + sizeof(*r->attrs)));

	if (!r)
		return NULL;
	r->length = (uint16_t)length;
	r->attrs = (uint16_t *)(r->cells + length);
	return r;
}

/* Cells from `start` up to `end` blank, with no regard for wide characters. */
static void blank(struct row *r, unsigned int start, unsigned int end, uint16_t attr)
{
	end = MD_MIN(end, (unsigned int)r->length);
	if (!attr)
		end = MD_MIN(end, (unsigned int)r->used);
	if (start >= end)
		return;
	memset(r->cells + start, 0, (end - start) * sizeof(*r->cells));
	for (unsigned int x = start; x < end; x++)
		r->attrs[x] = attr;
	if (!attr && end == r->used)
		r->used = (uint16_t)start;
	else if (attr && end > r->used)
		r->used = (uint16_t)end;
}

void row_fill(struct row *r, uint16_t attr)
{
	blank(r, 0, r->length, attr);
}

unsigned int row_trimmed(const struct row *r)
{
	for (unsigned int x = r->used; x-- > 0;)
		if (r->cells[x] & CELL_HAS_TEXT)
			return x + cell_width(r->cells[x]);
	return 0;
}

/* What is left of the wide character whose second half is at `x` becomes blank. */
static void blank_first_half(struct row *r, unsigned int x, uint16_t attr)
{
	if (x && row_width(r, x - 1) == 2)
		row_set(r, x - 1, 0, attr);
}

void row_erase(struct row *r, unsigned int start, unsigned int end, uint16_t attr)
{
	blank_first_half(r, start, attr);
	if (end && end < r->length && row_width(r, end - 1) == 2)
		row_set(r, end, 0, attr);
	blank(r, start, end, attr);
}

void row_insert(struct row *r, unsigned int x, unsigned int n, uint16_t attr)
{
	unsigned int length = r->length;

	x %= length;
	blank_first_half(r, x, attr);
	if (n < length - x) {
		unsigned int keep = MD_MIN((unsigned int)r->used, length - n);

		if (keep > x)
			row_copy(r, x + n, r, x, keep - x);
		blank(r, x, x + n, attr);
	} else {
		blank(r, x, length, attr);
	}
	if (row_width(r, length - 1) == 2)
		row_set(r, length - 1, 0, attr);
}

void row_delete(struct row *r, unsigned int x, unsigned int n, uint16_t attr)
{
	unsigned int length = r->length;

	x %= length;
	if (n < length - x) {
		unsigned int used = r->used;

		if (used > x + n)
			row_copy(r, x, r, x + n, used - x - n);
		blank(r, MD_MAX(x, used > n ? used - n : 0), length, 0);
		blank(r, length - n, length, attr);
	} else {
		blank(r, x, length, attr);
	}
	blank_first_half(r, x, attr);
	if (row_width(r, x) == 0 && !row_has_text(r, x))
		row_set(r, x, 0, attr);
}

void row_copy(struct row *to, unsigned int to_x, const struct row *from, unsigned int from_x,
	unsigned int n)
{
	if (to_x >= to->length || from_x >= from->length)
		return;
	n = MD_MIN(n, (unsigned int)to->length - to_x);
	n = MD_MIN(n, (unsigned int)from->length - from_x);
	memmove(to->cells + to_x, from->cells + from_x, n * sizeof(*to->cells));
	memmove(to->attrs + to_x, from->attrs + from_x, n * sizeof(*to->attrs));
	if (to_x + n > to->used)
		to->used = (uint16_t)(to_x + n);
}

struct row *row_with_length(struct row *r, unsigned int length)
{
	struct row *other;

	if (r->length == length)
		return r;
	other = row_new(length);
	if (!other)
		return NULL;
	row_copy(other, 0, r, 0, MD_MIN((unsigned int)r->used, length));
	other->wrapped = r->wrapped;
	free(r);
	return other;
}
