/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - what a printed code point is: its width, and its place in a national or line-drawing
 * set.
 */
#ifndef MD_SCREEN_TEXT_H
#define MD_SCREEN_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "screen/screen.h"

/* 0, 1 or 2 columns. */
unsigned int text_width(enum screen_widths widths, uint32_t code);

/* Whether a character set may be designated with this final byte. */
bool charset_is_known(char final);

/* What `code` (below 0x7f) prints as in the set with this final byte; CHARSET_NONE and 'B': itself.
 */
uint32_t charset_map(uint8_t charset, uint32_t code);

#endif
