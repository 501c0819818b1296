/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/control.h"

/* So many parameters behind 38, 48 or 58 are passed over where they make no sense. */
#define COLOR_PARAMS 6

/* "The text's own colour", which xterm.js understands as white. */
#define NO_UNDERLINE_COLOR (COLOR_RGB | COLOR_VALUE_MASK)

static void set_flags(struct screen *s, uint16_t flags)
{
	s->pen.flags |= flags;
}

static void clear_flags(struct screen *s, uint16_t flags)
{
	s->pen.flags &= (uint16_t)~flags;
}

static void set_underline(struct screen *s, int style)
{
	if (style < 0 || style > 5)
		style = 1;
	s->pen.underline_style = (uint16_t)style;
	if (style)
		set_flags(s, ATTR_UNDERLINE);
	else
		clear_flags(s, ATTR_UNDERLINE);
	pen_update_extended(s);
}

static void reset_underline_color(struct screen *s)
{
	s->pen.underline_color = NO_UNDERLINE_COLOR;
	pen_update_extended(s);
}

/* As ESC[0m, which leaves an open hyperlink as it is. */
static void reset(struct screen *s)
{
	s->pen.fg = s->pen.bg = COLOR_DEFAULT;
	s->pen.flags = 0;
	s->pen.underline_style = 0;
	s->pen.underline_color = COLOR_DEFAULT;
	pen_update_extended(s);
}

/* The colour of 38, 48, 58: kind 5 and a number, or kind 2 and three of them. */
static uint32_t color_of(uint32_t old, const int32_t v[COLOR_PARAMS])
{
	if (v[0] == 5)
		return COLOR_256 | (v[1] & 0xff);
	if (v[0] != 2)
		return old;
	return COLOR_RGB | (uint32_t)(v[1] & 0xff) << 16 | (uint32_t)(v[2] & 0xff) << 8 |
	       (uint32_t)(v[3] & 0xff);
}

/* 38:5:n and 38:2:space:r:g:b */
static void color_from_subs(const int32_t *subs, unsigned int count, int32_t ret_v[COLOR_PARAMS])
{
	unsigned int skip = subs[0] == 2 ? 1 : 0;

	ret_v[0] = subs[0];
	for (unsigned int i = 1; i < 4; i++)
		ret_v[i] = i + skip < count && subs[i + skip] > 0 ? subs[i + skip] : 0;
}

/* How many parameters behind 38, its kind included, belong to a colour of that kind. */
static unsigned int params_of_kind(int32_t kind)
{
	if (kind == 5)
		return 2;
	if (kind == 2)
		return 4;
	return kind ? COLOR_PARAMS - 1 : COLOR_PARAMS;
}

/* 38;5;n and 38;2;r;g;b; returns how many parameters belong to it besides the first. */
static unsigned int color_from_params(
	const struct params *p, unsigned int at, int32_t ret_v[COLOR_PARAMS])
{
	unsigned int want = 1, i;

	for (i = 1; i <= want && at + i < p->count; i++) {
		const int32_t *subs;

		ret_v[i - 1] = p->values[at + i];
		if (i == 1)
			want = params_of_kind(ret_v[0]);
		if (param_subs(p, at + i, &subs))
			return i;
	}
	return MD_MIN(i - 1, p->count - at - 1);
}

static unsigned int set_extended_color(struct screen *s, const struct params *p, unsigned int at)
{
	int32_t v[COLOR_PARAMS] = { 0 };
	const int32_t *subs;
	unsigned int count = param_subs(p, at, &subs), taken = 0;

	if (count)
		color_from_subs(subs, count, v);
	else
		taken = color_from_params(p, at, v);
	if (p->values[at] == 38)
		s->pen.fg = color_of(s->pen.fg, v);
	else if (p->values[at] == 48)
		s->pen.bg = color_of(s->pen.bg, v);
	else
		s->pen.underline_color = color_of(s->pen.underline_color, v);
	return taken;
}

static const struct {
	uint8_t number;
	uint16_t set, clear;
} flag_numbers[] = {
	{ 1, ATTR_BOLD, 0 },
	{ 2, ATTR_DIM, 0 },
	{ 3, ATTR_ITALIC, 0 },
	{ 5, ATTR_BLINK, 0 },
	{ 7, ATTR_INVERSE, 0 },
	{ 8, ATTR_INVISIBLE, 0 },
	{ 9, ATTR_STRIKE, 0 },
	{ 22, 0, ATTR_BOLD | ATTR_DIM },
	{ 23, 0, ATTR_ITALIC },
	{ 25, 0, ATTR_BLINK },
	{ 27, 0, ATTR_INVERSE },
	{ 28, 0, ATTR_INVISIBLE },
	{ 29, 0, ATTR_STRIKE },
	{ 53, ATTR_OVERLINE, 0 },
	{ 55, 0, ATTR_OVERLINE },
};

static void set_flag_number(struct screen *s, int32_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_numbers); i++) {
		if (flag_numbers[i].number != n)
			continue;
		set_flags(s, flag_numbers[i].set);
		clear_flags(s, flag_numbers[i].clear);
		return;
	}
}

/* One parameter; returns how many of those behind it were taken too. */
static unsigned int apply(struct screen *s, const struct params *p, unsigned int i)
{
	int32_t n = p->values[i];
	const int32_t *subs;

	if (n >= 30 && n <= 37)
		s->pen.fg = COLOR_16 | (uint32_t)(n - 30);
	else if (n >= 40 && n <= 47)
		s->pen.bg = COLOR_16 | (uint32_t)(n - 40);
	else if (n >= 90 && n <= 97)
		s->pen.fg = COLOR_16 | (uint32_t)(n - 90 + 8);
	else if (n >= 100 && n <= 107)
		s->pen.bg = COLOR_16 | (uint32_t)(n - 100 + 8);
	else if (n == 38 || n == 48 || n == 58)
		return set_extended_color(s, p, i);
	else if (n == 0)
		reset(s);
	else if (n == 4)
		set_underline(s, param_subs(p, i, &subs) ? subs[0] : 1);
	else if (n == 21)
		set_underline(s, 2);
	else if (n == 24)
		set_underline(s, 0);
	else if (n == 39)
		s->pen.fg = COLOR_DEFAULT;
	else if (n == 49)
		s->pen.bg = COLOR_DEFAULT;
	else if (n == 59)
		reset_underline_color(s);
	else
		set_flag_number(s, n);
	return 0;
}

void control_sgr(struct screen *s, const struct params *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		i += apply(s, p, i);
	s->pen_changed = true;
}
