/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/pack.h"

#include <string.h>

#include "base/compiler.h"
#include "screen/text.h"
#include "screen/utf8.h"

/*
 * Bytes from 0x20 on are UTF-8, a cell a code point (a wide one takes the cell behind it too).
 * Below are these marks.
 */
enum {
	MARK_BLANK = 0x00,
	MARK_BLANKS = 0x01, /* count */
	MARK_ATTR_DEFAULT = 0x02,
	MARK_ATTR = 0x03, /* what, see put_attr() */
	MARK_ODD = 0x04,  /* width bits, length, UTF-8: one cell and nothing behind it */
	MARK_CLUSTER =
		0x05, /* width, length, UTF-8: one cell, and the one behind it if it is wide */
};

#define PUT_FG_SHIFT  0 /* two bits of colour kind */
#define PUT_BG_SHIFT  2
#define PUT_FLAGS     0x10
#define PUT_UNDERLINE 0x20
#define PUT_LINK      0x40

#define ROW_CEILING (16u << 20)

static void put_number(struct buf *b, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_add_char(b, (char)(n | 0x80));
	buf_add_char(b, (char)n);
}

static void put_color(struct buf *b, uint32_t color)
{
	unsigned char bytes[3] = { color & 0xff, color >> 8 & 0xff, color >> 16 & 0xff };

	if (color & COLOR_KIND_MASK)
		buf_add(b, bytes, (color & COLOR_KIND_MASK) == COLOR_RGB ? 3 : 1);
}

static void put_attr(const struct screen *s, struct buf *b, uint16_t number)
{
	struct attr a;
	unsigned char what;

	if (!number) {
		buf_add_char(b, MARK_ATTR_DEFAULT);
		return;
	}
	memcpy(&a, intern_get(&s->attrs, number, NULL), sizeof(a));
	what = (unsigned char)(a.fg >> 24 << PUT_FG_SHIFT | a.bg >> 24 << PUT_BG_SHIFT);
	what |= a.flags ? PUT_FLAGS : 0;
	what |= a.underline_style || a.underline_color ? PUT_UNDERLINE : 0;
	what |= a.link ? PUT_LINK : 0;
	buf_add_char(b, MARK_ATTR);
	buf_add_char(b, (char)what);
	put_color(b, a.fg);
	put_color(b, a.bg);
	if (what & PUT_FLAGS)
		buf_add(b, &a.flags, sizeof(a.flags));
	if (what & PUT_UNDERLINE) {
		buf_add_char(b, (char)a.underline_style);
		buf_add(b, &a.underline_color, sizeof(a.underline_color));
	}
	if (what & PUT_LINK) {
		size_t len;
		const void *link = intern_get(&s->links, a.link, &len);

		put_number(b, len);
		buf_add(b, link, len);
	}
}

static void put_string(
	struct buf *b, unsigned char mark, unsigned char how, const void *text, size_t len)
{
	buf_add_char(b, (char)mark);
	buf_add_char(b, (char)how);
	put_number(b, len);
	buf_add(b, text, len);
}

/* Whether the cell behind a wide one is the usual second half. */
static bool has_second_half(const struct row *r, unsigned int x)
{
	return x + 1 < r->length && r->cells[x + 1] == CELL_ZERO && r->attrs[x + 1] == r->attrs[x];
}

/* Writes the text cell at `x` and returns how many cells that were. */
static unsigned int put_cell(
	const struct screen *s, struct buf *b, const struct row *r, unsigned int x)
{
	uint32_t text = r->cells[x], code = text & CELL_CODE_MASK;
	unsigned int width = cell_width(text);
	bool whole = width == 1 || (width == 2 && has_second_half(r, x));
	char utf8[UTF8_MAX];
	const char *bytes = utf8;
	size_t len;

	if (text & CELL_CLUSTER)
		bytes = intern_get(&s->clusters, code, &len);
	else
		len = code ? utf8_encode(code, utf8) : 0;
	if (!whole)
		put_string(b, MARK_ODD, (unsigned char)width, bytes, len);
	else if (text & CELL_CLUSTER)
		put_string(b, MARK_CLUSTER, (unsigned char)width, bytes, len);
	else if (width != text_width(s->options.widths, code))
		put_string(b, MARK_CLUSTER, (unsigned char)width, bytes, len);
	else
		buf_add(b, bytes, len);
	return whole ? width : 1;
}

static unsigned int put_blanks(struct buf *b, const struct row *r, unsigned int x)
{
	unsigned int n = 1;

	while (x + n < r->used && !r->cells[x + n] && r->attrs[x + n] == r->attrs[x])
		n++;
	if (n < 3) {
		buf_add(b, "\0\0", n);
	} else {
		buf_add_char(b, MARK_BLANKS);
		put_number(b, n);
	}
	return n;
}

/* Cells of 7-bit text (or blank) without attributes, as most of all are: a byte for each. */
static bool is_plain(const struct row *r)
{
	uint32_t text = 0, attr = 0;

	for (unsigned int x = 0; x < r->used; x++)
		text |= r->cells[x];
	for (unsigned int x = 0; x < r->used; x++)
		attr |= r->attrs[x];
	return text < 0x80 && !attr;
}

static int pack_plain(struct history *h, const struct row *row)
{
	unsigned char *p = history_add(h, row->used, row->wrapped);

	if (!p)
		return -1;
	for (unsigned int x = 0; x < row->used; x++)
		p[x] = (unsigned char)row->cells[x];
	return 0;
}

int pack_row(const struct screen *s, struct history *h, const struct row *row)
{
	_auto_buf_ struct buf b = BUF_INIT(ROW_CEILING);
	uint16_t attr = 0;
	unsigned char *p;

	if (is_plain(row))
		return pack_plain(h, row);
	for (unsigned int x = 0; x < row->used;) {
		if (row->attrs[x] != attr) {
			attr = row->attrs[x];
			put_attr(s, &b, attr);
		}
		x += row->cells[x] ? put_cell(s, &b, row, x) : put_blanks(&b, row, x);
	}
	if (b.failed)
		return -1;
	p = history_add(h, b.len, row->wrapped);
	if (!p)
		return -1;
	memcpy(p, b.data, b.len);
	return 0;
}

struct reader {
	const unsigned char *at, *end;
};

static unsigned int get_byte(struct reader *r)
{
	return r->at < r->end ? *r->at++ : 0;
}

static size_t get_number(struct reader *r)
{
	size_t n = 0;
	unsigned int byte, shift = 0;

	do {
		byte = get_byte(r);
		n |= (size_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return n;
}

static uint32_t get_color(struct reader *r, unsigned int kind)
{
	uint32_t color = (uint32_t)kind << 24;

	if (kind)
		color |= get_byte(r);
	if (color >= COLOR_RGB) {
		color |= get_byte(r) << 8;
		color |= get_byte(r) << 16;
	}
	return color;
}

static const unsigned char *get_bytes(struct reader *r, size_t len)
{
	const unsigned char *p = r->at;

	r->at += len;
	return p;
}

static uint16_t get_attr(struct screen *s, struct reader *r)
{
	unsigned int what = get_byte(r);
	struct attr a = { 0 };

	a.fg = get_color(r, what >> PUT_FG_SHIFT & 3);
	a.bg = get_color(r, what >> PUT_BG_SHIFT & 3);
	if (what & PUT_FLAGS)
		memcpy(&a.flags, get_bytes(r, sizeof(a.flags)), sizeof(a.flags));
	if (what & PUT_UNDERLINE) {
		a.underline_style = (uint16_t)get_byte(r);
		memcpy(&a.underline_color, get_bytes(r, sizeof(a.underline_color)),
			sizeof(a.underline_color));
	}
	if (what & PUT_LINK) {
		size_t len = get_number(r);

		a.link = intern_add(&s->links, get_bytes(r, len), len);
	}
	return (uint16_t)intern_add(&s->attrs, &a, sizeof(a));
}

/* The content word of a string of code points. */
static uint32_t get_text(struct screen *s, struct reader *r)
{
	size_t len = get_number(r), used = 0;
	const unsigned char *p = get_bytes(r, len);
	uint32_t code = len ? utf8_decode(p, len, &used) : 0;

	if (used == len)
		return code;
	code = intern_add(&s->clusters, p, len);
	return code ? code | CELL_CLUSTER : ' ';
}

/* One text cell, or two; returns how many. */
static unsigned int get_cell(
	struct screen *s, struct reader *r, struct row *row, unsigned int x, uint16_t attr)
{
	unsigned int mark = *r->at, width;
	uint32_t text;
	size_t used;

	if (mark >= 0x20) {
		text = utf8_decode(r->at, (size_t)(r->end - r->at), &used);
		r->at += used;
		width = text_width(s->options.widths, text);
	} else {
		get_byte(r);
		width = get_byte(r);
		text = get_text(s, r);
	}
	row_set(row, x, text | cell_width_bits(width), attr);
	if (width != 2 || mark == MARK_ODD)
		return 1;
	row_set(row, x + 1, CELL_ZERO, attr);
	return 2;
}

void unpack_row(struct screen *s, const struct history_line *line, struct row *row)
{
	struct reader r = { line->body, line->body + line->len };
	unsigned int x = 0;
	uint16_t attr = 0;

	row->wrapped = line->wrapped;
	while (r.at < r.end && x < row->length) {
		size_t blanks = 0;

		switch (*r.at) {
		case MARK_BLANK:
			get_byte(&r);
			blanks = 1;
			break;
		case MARK_BLANKS:
			get_byte(&r);
			blanks = get_number(&r);
			break;
		case MARK_ATTR_DEFAULT:
			get_byte(&r);
			attr = 0;
			break;
		case MARK_ATTR:
			get_byte(&r);
			attr = get_attr(s, &r);
			break;
		default:
			x += get_cell(s, &r, row, x, attr);
		}
		for (; blanks && x < row->length; blanks--)
			row_set(row, x++, 0, attr);
	}
}

bool packed_fits(const struct history_line *line, unsigned int cols)
{
	if (line->len > cols)
		return false;
	return !memchr(line->body, MARK_BLANKS, line->len);
}
