/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row.h - one row of cells and the edits that keep characters of two columns whole.
 *
 * A cell is a content word and the number of an attribute. Content 0 is a blank cell (one column,
 * nothing printed), so that a row without anything is all zero.
 */
#ifndef MD_SCREEN_ROW_H
#define MD_SCREEN_ROW_H

#include <stdbool.h>
#include <stdint.h>

#define CELL_CODE_MASK 0x1fffffu /* a code point, or with CELL_CLUSTER the number of a cluster */
#define CELL_CLUSTER   0x200000u /* several code points */
#define CELL_ZERO      0x400000u /* no column of its own: the second half of a wide character */
#define CELL_WIDE      0x800000u /* two columns */
#define CELL_HAS_TEXT  (CELL_CODE_MASK | CELL_CLUSTER)

struct row {
	uint16_t length; /* cells; on the alternate screen it may be more than the screen shows */
	uint16_t used; /* from here on all cells are blank with attribute 0, and the memory zero */
	bool wrapped;  /* the continuation of the row above */
	uint16_t *attrs; /* [length], in the same block */
	uint32_t cells[];
};

struct row *row_new(unsigned int length);

static inline unsigned int cell_width(uint32_t text)
{
	return text & CELL_WIDE ? 2 : text & CELL_ZERO ? 0 : 1;
}

static inline uint32_t cell_width_bits(unsigned int width)
{
	return width == 1 ? 0 : width ? CELL_WIDE : CELL_ZERO;
}

/* Columns of the cell at `x`; 0 outside of the row. */
static inline unsigned int row_width(const struct row *r, unsigned int x)
{
	return x < r->length ? cell_width(r->cells[x]) : 0;
}

static inline bool row_has_text(const struct row *r, unsigned int x)
{
	return x < r->length && (r->cells[x] & CELL_HAS_TEXT);
}

/* Outside of the row nothing happens. */
static inline void row_set(struct row *r, unsigned int x, uint32_t text, uint16_t attr)
{
	if (x >= r->length)
		return;
	r->cells[x] = text;
	r->attrs[x] = attr;
	if (x >= r->used)
		r->used = (uint16_t)(x + 1);
}

/* All cells become blank ones with this attribute; `wrapped` is left. */
void row_fill(struct row *r, uint16_t attr);

/* Columns up to the last cell with text. */
unsigned int row_trimmed(const struct row *r);

/* Blank cells with `attr` from `start` up to `end`; a wide character cut in half loses both halves.
 */
void row_erase(struct row *r, unsigned int start, unsigned int end, uint16_t attr);

/* Moves cells right or left from `x` on; the gap is blank with `attr`. Past the end `x` counts
 * anew. */
void row_insert(struct row *r, unsigned int x, unsigned int n, uint16_t attr);
void row_delete(struct row *r, unsigned int x, unsigned int n, uint16_t attr);

/* Copies `n` cells, also within a row. */
void row_copy(struct row *to, unsigned int to_x, const struct row *from, unsigned int from_x,
	unsigned int n);

/* The same row with another length: cut, or with blank cells added. NULL: ENOMEM, `r` is as before.
 */
struct row *row_with_length(struct row *r, unsigned int length);

#endif
