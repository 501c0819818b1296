/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/rdt_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

/* The value that a line such as "  L3:0=00ff;1=f" has for the domain `id`, cut out in place; NULL: none. */
static char *find_value(char *line, const char *id)
{
	char *rest = strchr(line, ':');

	if (!rest)
		return NULL;
	rest++;
	while (rest) {
		char *pair = strsep(&rest, ";"), *equals = strchr(pair, '=');

		if (!equals)
			continue;
		*equals = '\0';
		if (str_eq(pair + strspn(pair, " "), id))
			return equals + 1;
		*equals = '=';
	}
	return NULL;
}

static bool same_number(const char *a, const char *b)
{
	a += strspn(a, " 0");
	b += strspn(b, " 0");
	return strcasecmp(a, b) == 0;
}

char *rdt_text_line(const char *text, const char *resource, size_t len)
{
	while (text && *text) {
		const char *at = text + strspn(text, " ");
		size_t line = strcspn(at, "\n");

		if (strncmp(at, resource, len) == 0 && at[len] == ':')
			return strndup(at, line);
		text = at[line] ? at + line + 1 : NULL;
	}
	return NULL;
}

/* True if a domain has that value in the line: "0=ffff", which is cut up. */
static bool has_pair(const char *line, char *pair)
{
	_auto_free_ char *copy = strdup(line);
	char *equals = strchr(pair, '=');
	const char *value;

	if (!copy || !equals)
		return false;
	*equals = '\0';
	value = find_value(copy, pair);
	return value && same_number(value, equals + 1);
}

bool rdt_text_has(const char *text, const char *wanted)
{
	size_t resource = strcspn(wanted, ":");
	_auto_free_ char *copy = strdup(wanted);
	_auto_free_ char *line = rdt_text_line(text, wanted, resource);
	char *rest;

	if (!copy || !copy[resource] || !line)
		return false;
	rest = copy + resource + 1;
	while (rest) {
		char *pair = strsep(&rest, ";");

		if (*pair && !has_pair(line, pair))
			return false;
	}
	return true;
}
