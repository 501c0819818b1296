/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/driver_log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "json/json_read.h"
#include "shim/driver.h"
#include "base/poison.h"

/* Docker's rule, read off the wording that runc and crun share. The first that fits counts. */
static const struct {
	const char *words;
	int code;
} meanings[] = {
	{ "executable file not found", 127 },
	{ "no such file or directory", 127 },
	{ "not found in $path", 127 },
	{ "permission denied", 126 },
	{ "is a directory", 126 },
	{ "not a directory", 126 },
	{ "exec format error", 126 },
	{ "operation not permitted", 126 },
};

int driver_exit_code(const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (strcasestr(message, meanings[i].words))
			return meanings[i].code;
	}
	return 125;
}

/* One line of a log. True if it told of an error, which is in `to` then. */
static bool read_line(const char *line, size_t len, char *to, size_t room)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	const char *level = "error", *msg = NULL;
	struct json_node root;

	if (len == 0)
		return false;
	if (line[0] != '{' || json_parse(&doc, line, len, NULL) < 0) {
		snprintf(to, room, "%.*s", (int)MD_MIN(len, room), line);
		return true;
	}
	if (json_root(&doc, &root, NULL) < 0 || json_get_string(&root, "level", &level, NULL) < 0 ||
		json_get_string(&root, "msg", &msg, NULL) < 0)
		return false;
	if (!msg || !(str_eq(level, "error") || str_eq(level, "fatal")))
		return false;
	snprintf(to, room, "%s", msg);
	return true;
}

bool driver_log_error(const char *text, char *to, size_t room)
{
	bool found = false;

	while (*text) {
		size_t len = strcspn(text, "\n");

		found |= read_line(text, len, to, room);
		text += len + (text[len] == '\n');
	}
	for (char *at = to; found && *at; at++) {
		if ((unsigned char)*at < ' ')
			*at = ' ';
	}
	return found;
}
