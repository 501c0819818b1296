/* SPDX-License-Identifier: Apache-2.0 */
/* An admin's wall of terminals: what is listed there, and which of its visits the audit log knows. */
#define _GNU_SOURCE
#include <string.h>

#include "base/str.h"
#include "json/json_write.h"
#include "server/broker.h"
#include "base/poison.h"

enum { VISIT_MS = 3600 * 1000 };

/* Web numbers the visits, so no number may keep somebody out of the log for good. */
bool broker_visit_begins(struct broker *b, uint64_t session, uint64_t number, const char *owner)
{
	int64_t now = broker_clock_ms();
	struct broker_visit *v;

	for (size_t i = 0; i < BROKER_VISITS; i++) {
		v = &b->visits[i];
		if (v->session == session && v->number == number && str_eq(v->owner, owner) &&
			now - v->since < VISIT_MS)
			return false;
	}
	v = &b->visits[b->visit_at++ % BROKER_VISITS];
	*v = (struct broker_visit){ .session = session, .number = number, .since = now };
	BW_PUT(v->owner, owner);
	return true;
}

/* "GROUP=USER,USER" as {"name","users"}. */
static void add_group(struct json_writer *w, const char *line)
{
	_auto_free_ char *copy = strdup(line);
	char *rest = copy, *name = strsep(&rest, "="), *user;

	if (!rest)
		return;
	json_object_begin(w, NULL);
	json_add_string(w, "name", name);
	json_array_begin(w, "users");
	while ((user = strsep(&rest, ", "))) {
		if (*user)
			json_add_string(w, NULL, user);
	}
	json_array_end(w);
	json_object_end(w);
}

void broker_wall_list(const struct broker *b, const char *lines, struct buf *out)
{
	_auto_free_ char *copy = strdup(lines);
	struct json_writer w = { .out = out };
	char *rest = copy, *line;

	json_object_begin(&w, NULL);
	json_array_begin(&w, "groups");
	for (size_t i = 0; i < b->config.groups.count; i++)
		add_group(&w, b->config.groups.items[i]);
	json_array_end(&w);
	json_array_begin(&w, "workspaces");
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			json_add_raw(&w, NULL, line);
	}
	json_array_end(&w);
	json_object_end(&w);
}
