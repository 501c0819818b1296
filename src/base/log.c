/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/utc.h"

enum { LINE_MAX_BYTES = 4096 };

static struct {
	const char *name;
	int fd;
	enum log_level level;
	bool plain; /* before log_open(): no time */
	bool json;
} log_state = { "mdocker", STDERR_FILENO, LOG_WARNING, true, false };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void log_init(const char *name)
{
	log_state.name = name;
}

void log_open(int fd, enum log_level level, bool json)
{
	log_state.fd = fd;
	log_state.level = level;
	log_state.json = json;
	log_state.plain = false;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

/* Copies `from` with control characters, bytes that are no UTF-8 and, for JSON, quotes escaped. */
static void escape(char *to, size_t size, const char *from, bool json)
{
	size_t len = 0, n;

	for (; *from && len + 7 < size; from += MD_MAX(n, (size_t)1)) {
		unsigned int c = (unsigned char)*from;

		n = str_utf8_length(from);
		if (n == 2 && c == 0xc2)
			c = (unsigned char)from[1];
		if (json && n == 0) {
			len += (size_t)snprintf(to + len, size - len, "\\ufffd");
		} else if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			len += (size_t)snprintf(
				to + len, size - len, json ? "\\u%04x" : "\\x%02x", c);
		} else {
			if (json && (c == '"' || c == '\\'))
				to[len++] = '\\';
			memcpy(to + len, from, n);
			len += n;
		}
	}
	to[len] = '\0';
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char message[LINE_MAX_BYTES / 2], escaped[LINE_MAX_BYTES - 256], line[LINE_MAX_BYTES];
	char when[UTC_TEXT] = "";
	int saved = errno;
	va_list ap;
	int len;

	if (level < log_state.level)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	escape(escaped, sizeof(escaped), message, log_state.json);
	if (!log_state.plain)
		utc_now(when, 3);
	if (log_state.json)
		len = snprintf(line, sizeof(line),
			"{\"level\":\"%s\",\"msg\":\"%s\",\"time\":\"%s\"}\n", level_names[level],
			escaped, when);
	else if (log_state.plain)
		len = snprintf(line, sizeof(line), "%s: %s%s\n", log_state.name,
			level == LOG_WARNING ? "warning: " : "", escaped);
	else
		len = snprintf(line, sizeof(line), "%s %s: %s: %s\n", when, log_state.name,
			level_names[level], escaped);
	if (len > 0)
		fd_write_all(log_state.fd, line, MD_MIN((size_t)len, sizeof(line) - 1));
	errno = saved;
}
