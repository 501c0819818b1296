/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/screen.h"

#include <stdlib.h>

#include "base/mem.h"
#include "screen/control.h"

#define ATTRS_MAX    UINT16_MAX
#define CLUSTERS_MAX (CELL_CODE_MASK - 1)
/* Of all memory, for what cells of the screen itself point to: no more lines of the scrollback can make room for that. */
#define INTERN_SHARE 4

static unsigned int within(unsigned int n, unsigned int low, unsigned int high)
{
	return MD_MIN(MD_MAX(n, low), high);
}

struct screen *screen_new(const struct screen_options *options)
{
	_auto_screen_ struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	s->rows = (int)within(options->rows, SCREEN_MIN_ROWS, SCREEN_MAX_ROWS);
	s->cols = (int)within(options->cols, SCREEN_MIN_COLS, SCREEN_MAX_COLS);
	s->page = &s->primary;
	s->primary.bottom = s->alternate.bottom = s->rows - 1;
	intern_init(&s->attrs, ATTRS_MAX, SIZE_MAX);
	intern_init(&s->clusters, CLUSTERS_MAX, options->memory_ceiling / INTERN_SHARE);
	intern_init(&s->links, UINT32_MAX, options->memory_ceiling / INTERN_SHARE);
	parser_init(&s->parser);
	if (page_init(&s->primary) == -1 || page_init(&s->alternate) == -1)
		return NULL;
	page_reset_tabs(&s->primary, 0, (unsigned int)s->cols);
	page_reset_tabs(&s->alternate, 0, (unsigned int)s->cols);
	if (page_make_rows(&s->primary, (unsigned int)s->rows, (unsigned int)s->cols, 0) == -1)
		return NULL;
	return take_ptr(s);
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	page_done(&s->primary);
	page_done(&s->alternate);
	history_done(&s->history);
	intern_done(&s->attrs);
	intern_done(&s->clusters);
	intern_done(&s->links);
	parser_done(&s->parser);
	free(s->palette);
	free(s->title);
	free(s);
}

void screen_free_ptr(struct screen **s)
{
	screen_free(*s);
}

void screen_feed(struct screen *s, const void *data, size_t len)
{
	parser_feed(s, data, len);
	if (screen_memory(s) > s->options.memory_ceiling)
		screen_trim(s);
}

void screen_trim(struct screen *s)
{
	while (s->history.lines && screen_memory(s) > s->options.memory_ceiling) {
		history_drop_first(&s->history);
		s->primary.saved.y--;
	}
}

unsigned int screen_rows(const struct screen *s)
{
	return (unsigned int)s->rows;
}

unsigned int screen_cols(const struct screen *s)
{
	return (unsigned int)s->cols;
}

unsigned int screen_scrollback_lines(const struct screen *s)
{
	return s->history.lines;
}

const char *screen_title(const struct screen *s)
{
	return s->title ? s->title : "";
}

unsigned long screen_bells(const struct screen *s)
{
	return s->bells;
}

unsigned long screen_title_changes(const struct screen *s)
{
	return s->title_changes;
}

bool screen_is_alternate(const struct screen *s)
{
	return s->page == &s->alternate;
}

bool screen_is_mid_sequence(const struct screen *s)
{
	return parser_is_mid_sequence(&s->parser);
}

static size_t page_memory(const struct page *p)
{
	size_t bytes = SCREEN_MAX_COLS / 8;

	for (unsigned int y = 0; p->rows && y < p->count; y++)
		bytes += sizeof(struct row *) + sizeof(struct row) +
			 p->rows[y]->length * (sizeof(uint32_t) + sizeof(uint16_t));
	return bytes;
}

static size_t intern_memory(const struct intern *t)
{
	return t->bytes + t->slot_count * sizeof(*t->slots) + t->room * sizeof(*t->entries);
}

size_t screen_memory(const struct screen *s)
{
	return sizeof(*s) + page_memory(&s->primary) + page_memory(&s->alternate) +
	       s->history.bytes + intern_memory(&s->attrs) + intern_memory(&s->clusters) +
	       intern_memory(&s->links) + s->parser.pending.capacity +
	       (s->palette ? sizeof(*s->palette) : 0);
}
