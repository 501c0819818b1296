/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/poison.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void str_unescape_octal(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && is_octal(s[2]) &&
			is_octal(s[3])) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(s + len - suffix_len, suffix) == 0;
}

size_t str_utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned int low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return len;
}

char *str_format(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (len < 0) {
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Parses the digits at *s and moves *s behind them. */
static int parse_digits(const char **s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!is_digit(**s)) {
		errno = EINVAL;
		return -1;
	}
	for (; is_digit(**s); (*s)++) {
		uint64_t digit = (uint64_t)(**s - '0');

		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, digit, &value) || value > max) {
			errno = ERANGE;
			return -1;
		}
	}
	*ret = value;
	return 0;
}

int str_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t value;

	if (parse_digits(&s, max, &value) < 0)
		return -1;
	if (*s) {
		errno = EINVAL;
		return -1;
	}
	*ret = value;
	return 0;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t magnitude;
	int64_t value;

	if (str_to_u64(s + negative, (uint64_t)INT64_MAX + negative, &magnitude) < 0)
		return -1;
	value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (value < min || value > max) {
		errno = ERANGE;
		return -1;
	}
	*ret = value;
	return 0;
}

int str_to_size(const char *s, uint64_t *ret)
{
	static const char units[] = "bkmgt";
	unsigned int shift = 0;
	uint64_t value;

	if (parse_digits(&s, UINT64_MAX, &value) < 0)
		return -1;
	if (*s) {
		const char *unit = strchr(units, *s | 0x20);

		if (!unit || s[1]) {
			errno = EINVAL;
			return -1;
		}
		shift = 10U * (unsigned int)(unit - units);
	}
	if (value > (uint64_t)INT64_MAX >> shift) {
		errno = ERANGE;
		return -1;
	}
	*ret = value << shift;
	return 0;
}

void strv_done(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv)STRV_INIT;
}

/* Takes `s` over, also on failure. */
static int strv_push(struct strv *v, char *s)
{
	char **items;

	if (!s)
		return -1;
	items = mem_resize(v->items, v->count + 2);
	if (!items) {
		free(s);
		return -1;
	}
	v->items = items;
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
	return 0;
}

int strv_add(struct strv *v, const char *s)
{
	return strv_push(v, strdup(s));
}

int strv_addf(struct strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	return strv_push(v, len < 0 ? NULL : s);
}

int strv_add_all(struct strv *v, char *const *items)
{
	for (; items && *items; items++) {
		if (strv_add(v, *items) < 0)
			return -1;
	}
	return 0;
}

static char **env_find(const struct strv *v, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < v->count; i++) {
		if (strncmp(v->items[i], name, len) == 0 && v->items[i][len] == '=')
			return &v->items[i];
	}
	return NULL;
}

const char *strv_env_get(const struct strv *v, const char *name)
{
	char **item = env_find(v, name);

	return item ? *item + strlen(name) + 1 : NULL;
}

int strv_env_set(struct strv *v, const char *name, const char *value)
{
	char **item = env_find(v, name);
	char *s = str_format("%s=%s", name, value);

	if (!item)
		return strv_push(v, s);
	if (!s)
		return -1;
	free(*item);
	*item = s;
	return 0;
}

int random_hex(char *to, size_t count)
{
	unsigned char bytes[64];

	if (count > sizeof(bytes)) {
		errno = EINVAL;
		return -1;
	}
	if (getrandom(bytes, count, 0) != (ssize_t)count)
		return -1;
	for (size_t i = 0; i < count; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}
