/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - rows as bytes, for the scrollback: about one byte for a character and a few for each
 * change of attributes. A packed row needs no table beside it (attributes, clusters and links are
 * written out), so lines can be dropped and copied without looking inside.
 */
#ifndef MD_SCREEN_PACK_H
#define MD_SCREEN_PACK_H

#include <stdbool.h>

#include "screen/state.h"

/* Adds the row to the end of `h`. -1: ENOMEM. */
int pack_row(const struct screen *s, struct history *h, const struct row *row);

/* Writes the cells into `row`, which is blank; what is beyond its length is dropped. */
void unpack_row(struct screen *s, const struct history_line *line, struct row *row);

/* Whether all of the line lies left of column `cols`, without unpacking it; a false "no" is
 * allowed. */
bool packed_fits(const struct history_line *line, unsigned int cols);

#endif
