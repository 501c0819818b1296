/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/control.h"

static void set_bit(struct screen *s, enum mode m, bool on)
{
	if (on)
		s->modes |= 1u << m;
	else
		s->modes &= ~(1u << m);
}

/* Modes that are a bit and nothing more. */
static const struct {
	bool private;
	uint16_t number;
	enum mode mode;
	bool inverted; /* the bit says that the mode is off */
} simple[] = {
	{ false, 4, MODE_INSERT, false },
	{ false, 20, MODE_NEWLINE, false },
	{ true, 1, MODE_APP_CURSOR, false },
	{ true, 6, MODE_ORIGIN, false },
	{ true, 7, MODE_NO_WRAP, true },
	{ true, 25, MODE_CURSOR_HIDDEN, true },
	{ true, 45, MODE_REVERSE_WRAP, false },
	{ true, 66, MODE_APP_KEYPAD, false },
	{ true, 1004, MODE_FOCUS, false },
	{ true, 2004, MODE_BRACKETED_PASTE, false },
	{ true, 2026, MODE_SYNC, false },
};

static void set_origin(struct screen *s, int number _unused_, bool on _unused_)
{
	cursor_set(s, 0, 0);
}

static void set_ascii(struct screen *s, int number _unused_, bool on)
{
	if (!on)
		return;
	for (unsigned int i = 0; i < CHARSETS; i++)
		s->charsets[i] = CHARSET_NONE;
	s->charset = CHARSET_NONE;
}

static void set_mouse(struct screen *s, int number, bool on)
{
	s->mouse.protocol = on ? (uint16_t)number : 0;
}

static void set_mouse_encoding(struct screen *s, int number, bool on)
{
	s->mouse.encoding = on ? (uint16_t)number : 0;
}

static void set_blink(struct screen *s, int number _unused_, bool on)
{
	s->cursor_blink = on ? 2 : 1;
}

static void save_or_restore(struct screen *s, int number _unused_, bool on)
{
	if (on)
		control_save_cursor(s);
	else
		control_restore_cursor(s);
}

static void switch_page(struct screen *s, int number, bool on)
{
	if (number == 1049 && on)
		control_save_cursor(s);
	page_switch(s, on);
	if (number == 1049 && !on)
		control_restore_cursor(s);
}

/* Private modes that do more, or something else, than to set a bit. */
static const struct {
	uint16_t number;
	void (*run)(struct screen *s, int number, bool on);
} special[] = {
	{ 2, set_ascii },
	{ 6, set_origin },
	{ 9, set_mouse },
	{ 12, set_blink },
	{ 47, switch_page },
	{ 1000, set_mouse },
	{ 1002, set_mouse },
	{ 1003, set_mouse },
	{ 1006, set_mouse_encoding },
	{ 1016, set_mouse_encoding },
	{ 1047, switch_page },
	{ 1048, save_or_restore },
	{ 1049, switch_page },
};

static void set_modes(struct screen *s, const struct params *p, bool on)
{
	bool private = s->parser.prefix == '?';

	for (unsigned int i = 0; i < p->count; i++) {
		int32_t n = p->values[i];

		for (size_t k = 0; k < ARRAY_SIZE(simple); k++)
			if (simple[k].private == private && simple[k].number == n)
				set_bit(s, simple[k].mode, on != simple[k].inverted);
		for (size_t k = 0; private && k < ARRAY_SIZE(special); k++)
			if (special[k].number == n)
				special[k].run(s, n, on);
	}
}

void control_set_modes(struct screen *s, const struct params *p)
{
	set_modes(s, p, true);
}

void control_reset_modes(struct screen *s, const struct params *p)
{
	set_modes(s, p, false);
}

void control_soft_reset(struct screen *s)
{
	struct page *p = s->page;

	s->modes &= ~(1u << MODE_CURSOR_HIDDEN | 1u << MODE_ORIGIN | 1u << MODE_APP_CURSOR |
		      1u << MODE_APP_KEYPAD | 1u << MODE_NO_WRAP | 1u << MODE_REVERSE_WRAP |
		      1u << MODE_FOCUS | 1u << MODE_BRACKETED_PASTE | 1u << MODE_SYNC |
		      1u << MODE_INSERT);
	s->cursor_style = 0;
	p->top = 0;
	p->bottom = s->rows - 1;
	pen_reset(s);
	for (unsigned int i = 0; i < CHARSETS; i++)
		s->charsets[i] = CHARSET_NONE;
	s->charset = s->charset_level = 0;
	p->saved = (struct saved_cursor){ .y = p == &s->primary ? s->history.lines : 0 };
}
