/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the place of src/screen until it is built: terminals without a snapshot. */
#include "screen/screen.h"
#include <stdlib.h>
struct screen {
	unsigned r, c;
};
struct screen *screen_new(const struct screen_options *o)
{
	struct screen *s = calloc(1, sizeof *s);
	s->r = o->rows;
	s->c = o->cols;
	return s;
}
void screen_free(struct screen *s)
{
	free(s);
}
void screen_feed(struct screen *s, const void *d, size_t l)
{
}
int screen_resize(struct screen *s, unsigned int rows, unsigned int cols)
{
	s->r = rows;
	s->c = cols;
	return 0;
}
int screen_snapshot(struct screen *s, struct buf *out, const struct screen_snapshot_options *o)
{
	return buf_add_str(out, "\033c");
}
const char *screen_title(const struct screen *s)
{
	return "";
}
unsigned long screen_title_changes(const struct screen *s)
{
	return 0;
}
