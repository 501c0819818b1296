/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - small string helpers, string vectors (argv, environment) and strict number parsing.
 */
#ifndef MD_BASE_STR_H
#define MD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/mem.h"

static inline bool str_eq(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Length of the valid UTF-8 sequence at the beginning of `text`, or 0. Source: RFC 3629 section 4. */
size_t str_utf8_length(const char *text);

/* In place: \\040 and the like, as the kernel writes paths in lists of mounts, become what they stand for. */
void str_unescape_octal(char *s);

/* printf into fresh heap memory; NULL and ENOMEM on failure. */
char *str_format(const char *fmt, ...) _printf_(1, 2);

/* A whole string as a decimal number in [min, max]: no sign for the unsigned one, no spaces,
 * nothing behind. 0, or -1 with EINVAL (no number) or ERANGE. */
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);
int str_to_u64(const char *s, uint64_t max, uint64_t *ret);

/* A size in bytes with an optional unit b k m g t (powers of 1024, either case): "100m". */
int str_to_size(const char *s, uint64_t *ret);

/* A NULL-terminated vector of owned strings. `items` is NULL while empty. */
struct strv {
	char **items;
	size_t count;
};

#define STRV_INIT                                                                                  \
	{                                                                                          \
		NULL, 0                                                                            \
	}

void strv_done(struct strv *v);
#define _auto_strv_ _auto_(strv_done)

/* Adds a copy. 0, or -1 and ENOMEM with the vector unchanged. */
int strv_add(struct strv *v, const char *s);
int strv_addf(struct strv *v, const char *fmt, ...) _printf_(2, 3);
int strv_add_all(struct strv *v, char *const *items);

/* Environment: the value of NAME in "NAME=value" items, or NULL. Borrowed. */
const char *strv_env_get(const struct strv *v, const char *name);
/* Replaces or adds NAME=value. */
int strv_env_set(struct strv *v, const char *name, const char *value);

/* `count` random bytes as 2*count lower-case hex digits and a NUL, by getrandom(2). */
int random_hex(char *to, size_t count);

#endif
