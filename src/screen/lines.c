/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of plain lines: what would only pass over the screen goes to the scrollback as it is,
 * without a row being drawn for it. The outcome is that of printing one line after another.
 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"

/* Whether a line that is printed now and ended scrolls the screen, and nothing else happens. */
static bool is_at_blank_bottom(struct screen *s)
{
	const struct page *p = s->page;
	const struct row *r;
	uint32_t unusual = 1u << MODE_INSERT | 1u << MODE_NO_WRAP;

	if (p != &s->primary || p->x || p->y != s->rows - 1 || p->top || p->bottom != p->y)
		return false;
	if (s->charset || s->modes & unusual || s->parser.utf8_len)
		return false;
	r = page_row(p, (unsigned int)p->y);
	return !r->used && !r->wrapped && !pen_attr(s) && !pen_erase_attr(s);
}

/* The length of the line at `data` without its end; -1 if it is not plain, or longer than a row. */
static int plain_line(const struct screen *s, const unsigned char *data, size_t len)
{
	size_t n = 0, most = MD_MIN(len, (size_t)s->cols);

	/* Short lines are most of those that come in floods. */
	while (n < most && n < 8 && data[n] >= 0x20 && data[n] < 0x7f)
		n++;
	if (n == 8)
		n += parser_printable_run(data + n, most - n);
	return n + 2 <= len && data[n] == '\r' && data[n + 1] == '\n' ? (int)n : -1;
}

static void remember_line(struct screen *s, const unsigned char *text, size_t len)
{
	struct history *h = &s->history;
	unsigned char *body = history_add(h, len, false);

	if (!body) {
		history_done(h);
		return;
	}
	memcpy(body, text, len);
	if (h->lines > s->options.scrollback)
		history_drop_first(h);
}

static void draw_line(struct row *r, const unsigned char *text, size_t len)
{
	row_fill(r, 0);
	r->wrapped = false;
	for (size_t i = 0; i < len; i++)
		r->cells[i] = text[i];
	r->used = (uint16_t)len;
}

/* Of `count` lines the last ones, one fewer than there are rows, stay on the screen. */
static void print_lines(
	struct screen *s, const unsigned char *data, size_t left, unsigned int count)
{
	unsigned int rows = (unsigned int)s->rows - 1;

	for (unsigned int y = 0; y < rows; y++)
		page_remember(s, page_row(s->page, y));
	for (unsigned int i = 0; i < count; i++) {
		size_t len = (size_t)plain_line(s, data, left);

		if (i >= count - rows)
			draw_line(page_row(s->page, i - (count - rows)), data, len);
		else if (s->options.scrollback)
			remember_line(s, data, len);
		data += len + 2;
		left -= len + 2;
	}
	control_end_run(s);
	if (s->history.bytes > s->options.memory_ceiling)
		screen_trim(s);
}

size_t control_print_lines(struct screen *s, const unsigned char *data, size_t len)
{
	size_t taken = 0;
	unsigned int count = 0;
	int line;

	/* Not worth looking at where there can't be enough lines. */
	if (len < 2 * (size_t)s->rows || data < s->no_flood_before || !is_at_blank_bottom(s))
		return 0;
	while ((line = plain_line(s, data + taken, len - taken)) >= 0) {
		taken += (size_t)line + 2;
		count++;
	}
	if (count < (unsigned int)s->rows) {
		s->no_flood_before = data + taken;
		return 0;
	}
	print_lines(s, data, taken, count);
	return taken;
}
