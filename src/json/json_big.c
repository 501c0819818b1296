/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "json/json_big.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#include "base/poison.h"

enum { LONG_DIGITS = 19 };

/* The length of the string literal at `text`, its quotes included. */
static size_t string_length(const char *text, size_t len)
{
	size_t i = 1;

	while (i < len && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < len ? i + 1 : len;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool is_long_integer(const char *text, size_t len)
{
	size_t sign = text[0] == '-';

	for (size_t i = sign; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len - sign >= LONG_DIGITS && text[sign] != '0';
}

char *json_big_mark(const char *text, size_t len, size_t *ret_len)
{
	_auto_buf_ struct buf out = BUF_INIT(2 * len + 16);

	for (size_t i = 0, n; i < len; i += n) {
		n = 1;
		if (text[i] == '"') {
			n = string_length(text + i, len - i);
		} else if (in_number(text[i])) {
			while (i + n < len && in_number(text[i + n]))
				n++;
			if (is_long_integer(text + i, n)) {
				buf_addf(&out, "\"\\u%04x%.*s\"", JSON_BIG_MARK, (int)n, text + i);
				continue;
			}
		}
		buf_add(&out, text + i, n);
	}
	*ret_len = out.len;
	return buf_take(&out);
}

/* As the library writes the mark. */
static const char mark_written[] = "\"\\u001F";

void json_big_unmark(char *text)
{
	size_t len = strlen(text), n, to = 0;

	for (size_t from = 0; from < len; from += n) {
		n = text[from] == '"' ? string_length(text + from, len - from) : 1;
		if (str_starts(text + from, mark_written) && n > sizeof(mark_written)) {
			size_t digits = n - sizeof(mark_written);

			memmove(text + to, text + from + sizeof(mark_written) - 1, digits);
			to += digits;
		} else {
			memmove(text + to, text + from, n);
			to += n;
		}
	}
	text[to] = '\0';
}

bool json_big_is(const char *s)
{
	return s && s[0] == JSON_BIG_MARK && s[1];
}

bool json_big_value(const char *s, uint64_t *ret)
{
	return json_big_is(s) && str_to_u64(s + 1, UINT64_MAX, ret) == 0;
}
