/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/draw.h"

#include <string.h>

#include "screen/text.h"
#include "screen/utf8.h"

/* A character of two columns, drawn to be overwritten. */
#define WIDE_FILLER "\xe4\xb8\x80"

static const struct {
	uint16_t flag;
	const char *number;
} flag_numbers[] = {
	{ ATTR_BOLD, ";1" },
	{ ATTR_DIM, ";2" },
	{ ATTR_ITALIC, ";3" },
	{ ATTR_BLINK, ";5" },
	{ ATTR_INVERSE, ";7" },
	{ ATTR_INVISIBLE, ";8" },
	{ ATTR_STRIKE, ";9" },
	{ ATTR_OVERLINE, ";53" },
};

static void put_color(struct buf *b, uint32_t color, unsigned int base)
{
	uint32_t value = color & COLOR_VALUE_MASK;

	switch (color & COLOR_KIND_MASK) {
	case COLOR_16:
		buf_addf(b, ";%u", value < 8 ? base + value : base + 60 + value - 8);
		break;
	case COLOR_256:
		buf_addf(b, ";%u;5;%u", base + 8, value);
		break;
	case COLOR_RGB:
		buf_addf(b, ";%u;2;%u;%u;%u", base + 8, value >> 16, value >> 8 & 0xff,
			value & 0xff);
		break;
	}
}

static void put_underline(struct buf *b, const struct attr *a)
{
	uint32_t value = a->underline_color & COLOR_VALUE_MASK;

	if (a->underline_style > 1)
		buf_addf(b, ";4:%u", a->underline_style);
	else if (a->underline_style || a->flags & ATTR_UNDERLINE)
		buf_add_str(b, ";4");
	if ((a->underline_color & COLOR_KIND_MASK) == COLOR_256)
		buf_addf(b, ";58:5:%u", value);
	else if (a->underline_color)
		buf_addf(b, ";58:2::%u:%u:%u", value >> 16, value >> 8 & 0xff, value & 0xff);
}

static void put_sgr(struct buf *b, const struct attr *a)
{
	buf_add_str(b, "\033[0");
	for (size_t i = 0; i < ARRAY_SIZE(flag_numbers); i++)
		if (a->flags & flag_numbers[i].flag)
			buf_add_str(b, flag_numbers[i].number);
	put_color(b, a->fg, 30);
	put_color(b, a->bg, 40);
	put_underline(b, a);
	buf_add_char(b, 'm');
	if (a->flags & ATTR_PROTECTED)
		buf_add_str(b, "\033[1\"q");
}

void draw_pen_over(struct drawing *d, const struct attr *a)
{
	buf_add_str(d->out, "\033[22;23;25;27;28;29;39;49;55");
	for (size_t i = 0; i < ARRAY_SIZE(flag_numbers); i++)
		if (a->flags & flag_numbers[i].flag)
			buf_add_str(d->out, flag_numbers[i].number);
	put_color(d->out, a->fg, 30);
	put_color(d->out, a->bg, 40);
	buf_addf(d->out, "m\033[%c\"q", a->flags & ATTR_PROTECTED ? '1' : '0');
	d->pen = *a;
	d->joins = false;
}

static void put_link(struct drawing *d, uint32_t number)
{
	const char *id = number ? intern_get(&d->s->links, number, NULL) : "";
	size_t len = 0, id_len = strlen(id);

	if (number)
		intern_get(&d->s->links, number, &len);
	buf_add_str(d->out, id_len ? "\033]8;id=" : "\033]8;");
	buf_add_str(d->out, id);
	buf_add_char(d->out, ';');
	if (number)
		buf_add(d->out, id + id_len + 1, len - id_len - 1);
	buf_add_str(d->out, "\033\\");
}

void draw_pen(struct drawing *d, const struct attr *a)
{
	struct attr old = d->pen;

	if (!memcmp(&old, a, sizeof(old)))
		return;
	d->pen = *a;
	d->joins = false;
	if (old.link != a->link)
		put_link(d, a->link);
	old.link = a->link;
	if (memcmp(&old, a, sizeof(old)) != 0)
		put_sgr(d->out, a);
}

void draw_reset_pen(struct drawing *d)
{
	static const struct attr none;

	draw_pen(d, &none);
}

static struct attr attr_of(const struct drawing *d, uint16_t number)
{
	struct attr a = { 0 };

	if (number)
		memcpy(&a, intern_get(&d->s->attrs, number, NULL), sizeof(a));
	return a;
}

static void draw_attr(struct drawing *d, uint16_t number)
{
	struct attr a = attr_of(d, number);

	draw_pen(d, &a);
}

/* Whether erasing makes a blank cell of this kind. */
static bool is_erasable(const struct drawing *d, uint16_t number)
{
	struct attr a = attr_of(d, number);

	a.bg = 0;
	return !memcmp(&a, &(struct attr){ 0 }, sizeof(a));
}

void draw_move(struct drawing *d, int x, int y)
{
	buf_addf(d->out, "\033[%d;%dH", y + 1, x + 1);
	d->x = x;
	d->joins = false;
}

static void move_in_row(struct drawing *d, int x)
{
	if (d->x == x)
		return;
	if (!x)
		buf_add_char(d->out, '\r');
	else if (d->x < x && x - d->x < 4 && d->x < d->s->cols)
		buf_add(d->out, "\033[C\033[C\033[C", (size_t)(x - d->x) * 3);
	else
		buf_addf(d->out, "\033[%dG", x + 1);
	d->x = x;
	d->joins = false;
}

static void erase(struct drawing *d, int n)
{
	if (n == 1)
		buf_add_str(d->out, "\033[X");
	else
		buf_addf(d->out, "\033[%dX", n);
	d->joins = false;
}

static void put_text(struct drawing *d, const struct row *r, int x)
{
	uint32_t text = r->cells[x], code = text & CELL_CODE_MASK;
	char utf8[UTF8_MAX];
	size_t len;

	if (text & CELL_CLUSTER) {
		const void *bytes = intern_get(&d->s->clusters, code, &len);

		buf_add(d->out, bytes, len);
	} else {
		len = utf8_encode(code, utf8);
		buf_add(d->out, utf8, len);
	}
	d->joins = true;
	d->x += cell_width(text) == 2 ? 2 : 1;
}

/* Whether the cell can be drawn as text; half of a wide character can't. */
static bool is_text(const struct drawing *d, const struct row *r, int x)
{
	if (!row_has_text(r, (unsigned int)x))
		return false;
	return row_width(r, (unsigned int)x) != 2 ||
	       (x + 1 < d->s->cols && r->cells[x + 1] == CELL_ZERO);
}

/*
 * A blank cell with more attributes than erasing gives it: what remains of a wide character of
 * which one half was overwritten with that pen. `written` is the other half, where something is
 * left to be drawn over.
 */
static void draw_odd_blank(struct drawing *d, int x, int written, uint16_t attr)
{
	move_in_row(d, MD_MIN(x, written));
	buf_add_str(d->out, WIDE_FILLER);
	d->x += 2;
	move_in_row(d, written);
	draw_attr(d, attr);
	buf_add_char(d->out, ' ');
	d->x++;
	d->joins = true;
	d->dirty = written + 1;
}

static bool is_odd_blank(const struct drawing *d, const struct row *r, int x)
{
	return x < r->used && !is_text(d, r, x) &&
	       !(r->cells[x] == CELL_ZERO && x > 0 && is_text(d, r, x - 1)) &&
	       !is_erasable(d, r->attrs[x]);
}

/* Such cells at the end of the row have nothing behind them; returns where they begin. */
static int draw_odd_end(struct drawing *d, const struct row *r)
{
	int x = d->s->cols - 1;

	for (; x > 0 && is_odd_blank(d, r, x); x--)
		draw_odd_blank(d, x, x - 1, r->attrs[x]);
	return x + 1;
}

/* Blank cells of one kind; returns how many. */
static int draw_blanks(struct drawing *d, const struct row *r, int x, int end)
{
	uint16_t attr = r->attrs[x];
	int n = 1;

	while (x + n < end && r->attrs[x + n] == attr && !is_text(d, r, x + n))
		n++;
	if (!attr && x >= d->dirty)
		return n;
	if (!is_erasable(d, attr)) {
		draw_odd_blank(d, x, x + 1, attr);
		return 1;
	}
	draw_attr(d, attr);
	move_in_row(d, x);
	erase(d, n);
	return n;
}

static int draw_text(struct drawing *d, const struct row *r, int x)
{
	unsigned int width = row_width(r, (unsigned int)x);

	move_in_row(d, x);
	draw_attr(d, r->attrs[x]);
	/* A combining character that stands alone must not join what is before it. */
	if (!width && d->joins)
		buf_addf(d->out, "\033[%dG", x + 1);
	put_text(d, r, x);
	return width == 2 ? 2 : 1;
}

/* The client's cursor goes to the next row by writing past the end of this one. */
static void draw_wrap(struct drawing *d, const struct row *r, const struct row *next)
{
	int last = d->s->cols - 1;

	if (d->x > last) {
		struct attr a = attr_of(d, next->used ? next->attrs[0] : 0);

		d->x = 0;
		d->dirty = 0;
		d->joins = false;
		if (!d->settle && next->used && is_text(d, next, 0) && row_width(next, 0) &&
			!a.bg && !is_odd_blank(d, next, last))
			return;
		draw_reset_pen(d);
		buf_add_str(d->out, " \r");
		d->dirty = 1;
	} else {
		uint16_t attr = last < r->used ? r->attrs[last] : 0;

		move_in_row(d, last);
		draw_attr(d, attr);
		buf_add_str(d->out, WIDE_FILLER "\r");
		/* The new row has come in with the background of the pen. */
		d->dirty = attr ? d->s->cols : 2;
		d->x = 0;
	}
	d->joins = false;
}

void draw_row(struct drawing *d, const struct row *r, const struct row *next_wrapped)
{
	int end = MD_MIN((int)r->used, d->s->cols), last = d->s->cols - 1;

	if (d->dirty) {
		draw_reset_pen(d);
		erase(d, d->dirty);
		d->dirty = 0;
	}
	if (next_wrapped && last < end && !is_text(d, r, last) && r->cells[last] != CELL_ZERO) {
		/* To wrap makes a blank of every kind here. */
		end = last;
	} else if (is_odd_blank(d, r, last)) {
		end = draw_odd_end(d, r);
	}
	for (int x = 0; x < end;)
		x += is_text(d, r, x) ? draw_text(d, r, x) : draw_blanks(d, r, x, end);
	if (d->dirty > end) {
		draw_reset_pen(d);
		move_in_row(d, end);
		erase(d, d->dirty - end);
	}
	d->dirty = 0;
	if (next_wrapped)
		draw_wrap(d, r, next_wrapped);
}

void draw_with_present_pen(struct drawing *d, const struct row *r, int x)
{
	put_text(d, r, x);
}

bool draw_cell_again(struct drawing *d, const struct row *r, int x)
{
	if (x > 0 && r->cells[x] == CELL_ZERO && is_text(d, r, x - 1))
		x--;
	if (x >= r->used || !is_text(d, r, x))
		return false;
	draw_text(d, r, x);
	return true;
}

void draw_waiting_in_blank(struct drawing *d, const struct row *r)
{
	/* To erase up to the cursor leaves it where it waits. */
	buf_add_char(d->out, ' ');
	draw_attr(d, r->used ? r->attrs[0] : 0);
	buf_add_str(d->out, "\033[1K");
	d->joins = false;
}

void draw_new_line(struct drawing *d)
{
	draw_reset_pen(d);
	buf_add_str(d->out, "\r\n");
	d->x = 0;
	d->joins = false;
}

void draw_wrapped_start(struct drawing *d)
{
	/* Wrap from the first row into the second, then scroll the first one out of sight. */
	buf_addf(d->out, "\033[%dGxx", d->s->cols);
	if (d->s->rows > 1)
		buf_addf(d->out, "\033[%dH\n", d->s->rows);
	buf_add_str(d->out, "\033[3J\033[H");
	d->x = 0;
	d->dirty = 1;
	d->joins = false;
}
