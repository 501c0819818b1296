/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - one code point at a time, for text that is known to be valid (the parser has seen to
 * it).
 */
#ifndef MD_SCREEN_UTF8_H
#define MD_SCREEN_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4

static inline size_t utf8_encode(uint32_t code, char out[UTF8_MAX])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The code point at `p` and how many bytes it takes, never more than `len`. */
static inline uint32_t utf8_decode(const unsigned char *p, size_t len, size_t *ret_used)
{
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t code = need == 1 ? p[0] : p[0] & (0x7fu >> need);
	size_t i;

	for (i = 1; i < need && i < len; i++)
		code = code << 6 | (p[i] & 0x3f);
	*ret_used = i;
	return code;
}

#endif
