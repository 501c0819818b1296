/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/passwd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

enum { PASSWD_CEILING = 1 << 20, FIELD_UID = 2, FIELD_HOME = 5 };

/* A whole field as a number; false for anything else ("0x", "-1", "4294967296"). */
static bool field_is(const char *field, size_t len, uid_t uid)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (field[i] < '0' || field[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(field[i] - '0');
	}
	return n == uid;
}

size_t passwd_line_home(const char *line, size_t len, uid_t uid, const char **ret_home)
{
	const char *end = line + len;

	for (int field = 0; line <= end; field++) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		size_t n = (size_t)((colon ? colon : end) - line);

		if (field == FIELD_UID && !field_is(line, n, uid))
			return 0;
		if (field == FIELD_HOME) {
			*ret_home = line;
			return n && line[0] == '/' ? n : 0;
		}
		if (!colon)
			return 0;
		line = colon + 1;
	}
	return 0;
}

/* Takes whole lines from text[0..*len); what is left of the last one moves to the front. True when found. */
static bool scan_lines(char *text, size_t *len, uid_t uid, char *to, size_t size)
{
	char *line = text, *end = text + *len, *newline;
	const char *home;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		size_t n = passwd_line_home(line, (size_t)(newline - line), uid, &home);

		if (n && n < size) {
			memcpy(to, home, n);
			to[n] = '\0';
			return true;
		}
		line = newline + 1;
	}
	*len = (size_t)(end - line);
	memmove(text, line, *len);
	return false;
}

void passwd_home(uid_t uid, char *to, size_t size)
{
	_auto_close_ int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t len = 0, total = 0;
	char text[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	while (total < PASSWD_CEILING) {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n < 0)
			return;
		len += (size_t)n;
		total += (size_t)n;
		if (n == 0) /* a last line without its newline */
			text[len++] = '\n';
		if (scan_lines(text, &len, uid, to, size) || n == 0)
			return;
		if (len == sizeof(text) - 1)
			len = 0; /* no line of a passwd file is this long */
	}
}
