/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "screen/control.h"
#include "screen/utf8.h"

/* A hyperlink longer than this is none. */
#define LINK_MAX 8192

struct text {
	const char *at;
	size_t len;
};

/* Takes what is before the next `sep`, and the separator. False when nothing is left. */
static bool next_part(struct text *rest, char sep, struct text *ret_part)
{
	const char *end;

	if (!rest->at)
		return false;
	end = memchr(rest->at, sep, rest->len);
	*ret_part = (struct text){ rest->at, end ? (size_t)(end - rest->at) : rest->len };
	if (end)
		*rest = (struct text){ end + 1, rest->len - ret_part->len - 1 };
	else
		*rest = (struct text){ NULL, 0 };
	return true;
}

/* A decimal number, -1 if it is none. */
static int number_in(struct text t)
{
	int n = 0;

	if (!t.len || t.len > 6)
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return -1;
		n = n * 10 + t.at[i] - '0';
	}
	return n;
}

static void set_title(struct screen *s, struct text t)
{
	char *title;

	if (t.len > SCREEN_TITLE_MAX) {
		t.len = SCREEN_TITLE_MAX;
		while (t.len && ((unsigned char)t.at[t.len] & 0xc0) == 0x80)
			t.len--;
	}
	title = strndup(t.at ? t.at : "", t.len);
	if (!title)
		return;
	free(s->title);
	s->title = title;
	s->title_changes++;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hexadecimal digits as a share of 255, rounded; -1 if they are none. */
static int share_of_255(struct text t)
{
	static const int full[] = { 0, 0xf, 0xff, 0xfff, 0xffff };
	int value = 0;

	if (!t.len || t.len > 4)
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		int digit = hex_digit(t.at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return (value * 255 * 2 + full[t.len]) / (full[t.len] * 2);
}

/* #rgb to #rrrrggggbbbb: the first two digits of each. */
static int64_t color_from_hash(struct text t)
{
	size_t each = (t.len - 1) / 3;
	int64_t rgb = 0;

	if (each < 1 || each > 4 || each * 3 != t.len - 1)
		return -1;
	for (size_t i = 1; i < t.len; i++)
		if (hex_digit(t.at[i]) < 0)
			return -1;
	for (unsigned int i = 0; i < 3; i++) {
		const char *digits = t.at + 1 + i * each;
		int value = hex_digit(digits[0]) * 16;

		if (each > 1)
			value += hex_digit(digits[1]);
		rgb = rgb << 8 | value;
	}
	return rgb;
}

static int64_t color_in(struct text t)
{
	struct text part;
	int64_t rgb = 0;
	int count = 0;

	if (t.len && t.at[0] == '#')
		return color_from_hash(t);
	if (t.len < 4 || strncasecmp(t.at, "rgb:", 4) != 0)
		return -1;
	for (t.at += 4, t.len -= 4; next_part(&t, '/', &part); count++) {
		int value = share_of_255(part);

		if (value < 0 || count == 3)
			return -1;
		rgb = rgb << 8 | value;
	}
	return count == 3 ? rgb : -1;
}

bool palette_is_set(const struct palette *p, unsigned int i)
{
	return p && p->set[i / 8] & 1u << i % 8;
}

static void set_color(struct screen *s, unsigned int i, struct text t)
{
	int64_t rgb = color_in(t);

	if (rgb < 0)
		return;
	if (!s->palette)
		s->palette = calloc(1, sizeof(*s->palette));
	if (!s->palette)
		return;
	s->palette->rgb[i] = (uint32_t)rgb;
	s->palette->set[i / 8] |= (uint8_t)(1u << i % 8);
}

static void reset_color(struct screen *s, unsigned int i)
{
	if (s->palette)
		s->palette->set[i / 8] &= (uint8_t) ~(1u << i % 8);
}

/* 4 ; number ; colour ; number ; colour ... */
static void set_indexed_colors(struct screen *s, struct text rest)
{
	struct text number, color;

	while (next_part(&rest, ';', &number) && next_part(&rest, ';', &color)) {
		int n = number_in(number);

		if (n >= 0 && n < 256)
			set_color(s, (unsigned int)n, color);
	}
}

static void reset_indexed_colors(struct screen *s, struct text rest)
{
	struct text number;

	if (!rest.len) {
		for (unsigned int i = 0; i < 256; i++)
			reset_color(s, i);
		return;
	}
	while (next_part(&rest, ';', &number)) {
		int n = number_in(number);

		if (n >= 0 && n < 256)
			reset_color(s, (unsigned int)n);
	}
}

/* 10, 11, 12: each further colour is for the next of them. */
static void set_special_colors(struct screen *s, unsigned int first, struct text rest)
{
	struct text color;

	for (; first < PALETTE_SIZE && next_part(&rest, ';', &color); first++)
		set_color(s, first, color);
}

static bool is_space(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] != ' ')
			return false;
	return true;
}

/* The value of id= among the parameters a=b:c=d; nothing if there is none. */
static struct text link_id(struct text params)
{
	struct text part;

	while (next_part(&params, ':', &part))
		if (part.len > 3 && !strncmp(part.at, "id=", 3))
			return (struct text){ part.at + 3, part.len - 3 };
	return (struct text){ "", 0 };
}

/* A link is kept as its id, NUL, its address. */
static void open_link(struct screen *s, struct text id, struct text uri)
{
	_auto_buf_ struct buf b = BUF_INIT(LINK_MAX);

	buf_add(&b, id.at, id.len);
	buf_add_char(&b, '\0');
	if (buf_add(&b, uri.at, uri.len) == -1)
		return;
	screen_collect(s);
	s->pen.link = intern_add(&s->links, b.data, b.len);
}

static void set_link(struct screen *s, struct text rest)
{
	struct text params;

	if (!memchr(rest.at, ';', rest.len) || !next_part(&rest, ';', &params))
		return;
	if (!rest.len && !is_space(params))
		return;
	s->pen.link = 0;
	if (rest.len)
		open_link(s, link_id(params), rest);
	pen_update_extended(s);
}

void control_osc(struct screen *s, const char *text, size_t len)
{
	struct text rest = { text, len }, number;
	int n;

	if (!next_part(&rest, ';', &number))
		return;
	n = number_in(number);
	if (!rest.at)
		rest = (struct text){ "", 0 };
	switch (n) {
	case 0:
	case 2:
		set_title(s, rest);
		break;
	case 4:
		set_indexed_colors(s, rest);
		break;
	case 8:
		set_link(s, rest);
		break;
	case 10:
	case 11:
	case 12:
		set_special_colors(s, PALETTE_FG + (unsigned int)n - 10, rest);
		break;
	case 104:
		reset_indexed_colors(s, rest);
		break;
	case 110:
	case 111:
	case 112:
		reset_color(s, PALETTE_FG + (unsigned int)n - 110);
		break;
	}
}
