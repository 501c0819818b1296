/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <string.h>

#include "screen/control.h"
#include "screen/text.h"
#include "screen/utf8.h"

/* A cell keeps at most so many bytes of combining characters; a hostile stream can't pile up more.
 */
#define CLUSTER_MAX 128

/* On great screens. No program wants more of one character. */
#define REPEAT_MOST 4096

/* At the beginning of a run: the cursor is on the second half of a wide character. */
static void split_before(struct screen *s, struct row *r)
{
	int x = s->page->x;

	if (!s->printing && x > 0 && row_width(r, (unsigned int)x - 1) == 2)
		row_set(r, (unsigned int)x - 1, 0, pen_attr(s));
	s->printing = true;
}

static void split_behind(struct screen *s, struct row *r)
{
	int x = s->page->x;

	if (x < s->cols && row_width(r, (unsigned int)x) == 0 && !row_has_text(r, (unsigned int)x))
		row_set(r, (unsigned int)x, 0, pen_attr(s));
}

static void blank_rest(struct screen *s, struct row *r, int x)
{
	for (; x < s->cols; x++)
		row_set(r, (unsigned int)x, 0, pen_attr(s));
}

/* The next character goes to the start of the next row, what is left of this one is blank. */
static struct row *wrap(struct screen *s, struct row *r)
{
	struct page *p = s->page;
	bool keeps = p == &s->primary && s->options.scrollback;
	int left = p->x;

	p->x = 0;
	blank_rest(s, r, left);
	p->y++;
	if (p->y == p->bottom + 1) {
		p->y--;
		page_scroll(s, pen_erase_attr(s), true);
		/* A screen of one row that keeps none has the same row again, and xterm.js blanks it now. */
		if (s->rows == 1 && !keeps)
			blank_rest(s, cursor_row(s), left);
	} else {
		p->y = MD_MIN(p->y, s->rows - 1);
		cursor_row(s)->wrapped = true;
	}
	return cursor_row(s);
}

/* `code` becomes part of the character at `x`. */
static void join(struct screen *s, struct row *r, unsigned int x, uint32_t code)
{
	uint32_t text = x < r->length ? r->cells[x] : 0, number = text & CELL_CODE_MASK;
	char bytes[CLUSTER_MAX + UTF8_MAX * 2];
	size_t len = 0;

	if (x >= r->length)
		return;
	if (text & CELL_CLUSTER) {
		const void *old = intern_get(&s->clusters, number, &len);

		if (len > CLUSTER_MAX)
			return;
		memcpy(bytes, old, len);
	} else if (number) {
		len = utf8_encode(number, bytes);
	}
	if (len) {
		len += utf8_encode(code, bytes + len);
		screen_collect(s);
		number = intern_add(&s->clusters, bytes, len);
		if (!number)
			return;
		number |= CELL_CLUSTER;
	} else {
		number = code;
	}
	row_set(r, x, number | cell_width_bits(s->join_width), r->attrs[x]);
}

/* Puts a character that joins none at the cursor. */
static void put(struct screen *s, struct row *r, uint32_t code, unsigned int width)
{
	struct page *p = s->page;
	uint16_t attr = pen_attr(s);

	if (mode_is_set(s, MODE_INSERT)) {
		row_insert(r, (unsigned int)p->x, width, pen_attr(s));
		if (row_width(r, (unsigned int)s->cols - 1) == 2)
			row_set(r, (unsigned int)s->cols - 1, 0, attr);
	}
	row_set(r, (unsigned int)p->x++, code | cell_width_bits(width), attr);
	if (width == 2)
		row_set(r, (unsigned int)p->x++, CELL_ZERO, attr);
}

void control_print(struct screen *s, uint32_t code)
{
	struct page *p = s->page;
	struct row *r = cursor_row(s);
	unsigned int width;

	if (s->charset && code < 0x7f)
		code = charset_map(s->charset, code);
	split_before(s, r);
	width = text_width(s->options.widths, code);
	if (!width && s->join_width) {
		if (p->x) {
			unsigned int x = (unsigned int)p->x;

			x -= row_width(r, x - 1) ? 1 : 2;
			join(s, r, x, code);
			split_behind(s, r);
			return;
		}
		width = s->join_width;
	} else {
		s->join_width = (uint8_t)width;
	}
	if (p->x + (int)width > s->cols) {
		if (!mode_is_set(s, MODE_NO_WRAP)) {
			r = wrap(s, r);
		} else {
			p->x = s->cols - 1;
			if (width == 2) {
				split_behind(s, r);
				return;
			}
		}
	}
	put(s, r, code, width);
	split_behind(s, r);
}

/* ASCII in the usual modes: whole stretches of a row at once. */
static void print_plain(struct screen *s, const unsigned char *text, size_t len)
{
	struct page *p = s->page;
	struct row *r = cursor_row(s);
	uint16_t attr = pen_attr(s);

	split_before(s, r);
	while (len) {
		unsigned int x, n;

		if (p->x >= s->cols)
			r = wrap(s, r);
		x = (unsigned int)p->x;
		n = (unsigned int)MD_MIN(len, (size_t)(s->cols - p->x));
		for (unsigned int i = 0; i < n; i++)
			r->cells[x + i] = text[i];
		for (unsigned int i = 0; i < n; i++)
			r->attrs[x + i] = attr;
		if (x + n > r->used)
			r->used = (uint16_t)(x + n);
		p->x += (int)n;
		text += n;
		len -= n;
	}
	split_behind(s, r);
	s->join_width = 1;
}

void control_print_ascii(struct screen *s, const unsigned char *text, size_t len)
{
	uint32_t unusual = 1u << MODE_INSERT | 1u << MODE_NO_WRAP;

	if (!s->charset && !(s->modes & unusual)) {
		print_plain(s, text, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		control_print(s, text[i]);
}

/* The code points of the character in the cell at `x`; 0: it has none. */
static unsigned int cell_codes(const struct screen *s, const struct row *r, unsigned int x,
	uint32_t ret_codes[CLUSTER_MAX])
{
	uint32_t code = r->cells[x] & CELL_CODE_MASK;
	const unsigned char *p;
	unsigned int count = 0;
	size_t len, used;

	if (!(r->cells[x] & CELL_CLUSTER)) {
		ret_codes[0] = code;
		return code ? 1 : 0;
	}
	p = intern_get(&s->clusters, code, &len);
	for (size_t i = 0; i < len; i += used)
		ret_codes[count++] = utf8_decode(p + i, len - i, &used);
	return count;
}

/*
 * How often to print for a repeat of `n`. When all of the screen was written over, further whole rows of the same would only
 * pass, so what is left of them decides where the cursor ends. Code points of one cell are searched for each time and count
 * like cells.
 */
static int repeats(const struct screen *s, int n, unsigned int codes)
{
	int in_row = s->cols / s->join_width;
	int most = MD_MIN((s->rows + 1) * in_row, REPEAT_MOST);

	if (codes > 1)
		return MD_MIN(n, MD_MAX(1, most / (int)codes));
	return n <= most ? n : most + (n - most) % in_row;
}

static void repeat_ascii(struct screen *s, uint32_t code, int n)
{
	unsigned char text[SCREEN_MAX_COLS];

	memset(text, (int)code, (size_t)MD_MIN(n, s->cols));
	for (; n > 0; n -= s->cols)
		control_print_ascii(s, text, (size_t)MD_MIN(n, s->cols));
}

/* The cells of the character that was printed last are printed again, as text. */
void control_repeat(struct screen *s, int n)
{
	uint32_t codes[CLUSTER_MAX];
	unsigned int count, x = (unsigned int)MD_MAX(0, s->page->x - s->join_width);
	const struct row *r = cursor_row(s);

	if (!s->join_width || x >= r->length)
		return;
	count = cell_codes(s, r, x, codes);
	n = repeats(s, n, count);
	if (count == 1 && codes[0] >= 0x20 && codes[0] < 0x7f) {
		repeat_ascii(s, codes[0], n);
		return;
	}
	for (; n > 0; n--)
		for (unsigned int i = 0; i < count; i++)
			control_print(s, codes[i]);
}
