/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_big.h - integers from 2^63 to 2^64-1, which the JSON library has no type for and documents
 * do hold (18446744073709551615 is how engines write "no limit"). Internal to json_read.c.
 *
 * A document that the library refuses for such a number is parsed again with each integer of 19 and
 * more digits turned into a string of JSON_BIG_MARK and the digits.
 */
#ifndef MD_JSON_BIG_H
#define MD_JSON_BIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_BIG_MARK '\x1f'

/* The text with long integers marked; heap, NULL: no memory. */
char *json_big_mark(const char *text, size_t len, size_t *ret_len);

/* In place: the marked integers of a text that the library has written become numbers again. */
void json_big_unmark(char *text);

/* True if the string is a marked integer; its digits then follow the mark (maybe with a '-'). */
bool json_big_is(const char *s);

/* The value of a marked integer; false if it is none or does not fit. */
bool json_big_value(const char *s, uint64_t *ret);

#endif
