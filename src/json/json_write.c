/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "json/json_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "base/poison.h"

/* How many of the next bytes stand for themselves. */
static size_t plain_length(const unsigned char *s)
{
	size_t len = 0;

	while (s[len] >= 0x20 && s[len] < 0x7f && s[len] != '"' && s[len] != '\\')
		len++;
	return len;
}

static void add_escaped(struct buf *out, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	buf_add_char(out, '"');
	for (;;) {
		size_t len = plain_length(s);

		buf_add(out, s, len);
		s += len;
		if (!*s)
			break;
		len = str_utf8_length((const char *)s);
		if (*s == '"' || *s == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)*s);
			len = 1;
		} else if (*s == '\n') {
			buf_add_str(out, "\\n");
		} else if (*s < 0x20 || *s == 0x7f) {
			buf_addf(out, "\\u%04x", *s);
		} else if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0) {
			/* C1: some terminals take them for the beginning of a sequence. */
			buf_addf(out, "\\u%04x", s[1]);
		} else if (len == 0) {
			buf_add_str(out, "\xef\xbf\xbd");
			len = 1;
		} else {
			buf_add(out, s, len);
		}
		s += len;
	}
	buf_add_char(out, '"');
}

/* The comma and the key that stand before a value. */
static void begin_value(struct json_writer *w, const char *key)
{
	if (w->need_comma)
		buf_add_char(w->out, ',');
	w->need_comma = true;
	if (key) {
		add_escaped(w->out, key);
		buf_add_char(w->out, ':');
	}
}

static void open_with(struct json_writer *w, const char *key, char c)
{
	begin_value(w, key);
	buf_add_char(w->out, c);
	w->need_comma = false;
}

static void close_with(struct json_writer *w, char c)
{
	buf_add_char(w->out, c);
	w->need_comma = true;
}

void json_object_begin(struct json_writer *w, const char *key)
{
	open_with(w, key, '{');
}

void json_object_end(struct json_writer *w)
{
	close_with(w, '}');
}

void json_array_begin(struct json_writer *w, const char *key)
{
	open_with(w, key, '[');
}

void json_array_end(struct json_writer *w)
{
	close_with(w, ']');
}

void json_add_string(struct json_writer *w, const char *key, const char *value)
{
	begin_value(w, key);
	if (value)
		add_escaped(w->out, value);
	else
		buf_add_str(w->out, "null");
}

void json_add_i64(struct json_writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	buf_addf(w->out, "%" PRId64, value);
}

void json_add_u64(struct json_writer *w, const char *key, uint64_t value)
{
	begin_value(w, key);
	buf_addf(w->out, "%" PRIu64, value);
}

void json_add_bool(struct json_writer *w, const char *key, bool value)
{
	begin_value(w, key);
	buf_add_str(w->out, value ? "true" : "false");
}

void json_add_strv(struct json_writer *w, const char *key, char *const *items)
{
	json_array_begin(w, key);
	for (; items && *items; items++)
		json_add_string(w, NULL, *items);
	json_array_end(w);
}

void json_add_raw(struct json_writer *w, const char *key, const char *text)
{
	begin_value(w, key);
	buf_add_str(w->out, text);
}
