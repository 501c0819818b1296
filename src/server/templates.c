/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/templates.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* The part behind '=' if the part before is `key` of `len` letters. */
static const char *value_of(const char *line, const char *key, size_t len)
{
	return strncmp(line, key, len) == 0 && line[len] == '=' ? line + len + 1 : NULL;
}

static bool lists(const char *members, const char *user)
{
	size_t len = strlen(user);

	while (*members) {
		size_t word = strcspn(members, ", ");

		if (word == len && strncmp(members, user, len) == 0)
			return true;
		members += word + (members[word] != '\0');
	}
	return false;
}

static bool group_exists(const struct strv *groups, const char *name, size_t len)
{
	for (size_t i = 0; i < groups->count; i++) {
		if (value_of(groups->items[i], name, len))
			return true;
	}
	return false;
}

static bool group_has(const struct strv *groups, const char *name, size_t len, const char *user)
{
	for (size_t i = 0; i < groups->count; i++) {
		const char *members = value_of(groups->items[i], name, len);

		if (members && lists(members, user))
			return true;
	}
	return false;
}

int templates_check(const struct strv *templates, const struct strv *groups, struct md_error *err)
{
	for (size_t i = 0; i < groups->count; i++) {
		size_t len = strcspn(groups->items[i], "=");

		if (!len || !groups->items[i][len])
			return md_fail(err, EINVAL, "group '%.80s': expected GROUP=USER,USER...",
				groups->items[i]);
	}
	for (size_t i = 0; i < templates->count; i++) {
		const char *line = templates->items[i];
		size_t len = strcspn(line, "=");

		if (!len || (line[len] && !line[len + 1]))
			return md_fail(err, EINVAL,
				"template '%.80s': expected NAME, USER=NAME or @GROUP=NAME", line);
		if (line[0] == '@' && (!line[len] || !group_exists(groups, line + 1, len - 1)))
			return md_fail(
				err, EINVAL, "template '%.80s': there is no such group", line);
	}
	return 0;
}

const char *templates_find(
	const struct strv *templates, const struct strv *groups, const char *user)
{
	const char *everybody = NULL, *of_group = NULL;

	for (size_t i = 0; i < templates->count; i++) {
		const char *line = templates->items[i];
		size_t len = strcspn(line, "=");
		const char *own = value_of(line, user, strlen(user));

		if (own)
			return own;
		if (!line[len] && !everybody)
			everybody = line;
		if (line[0] == '@' && line[len] && !of_group &&
			group_has(groups, line + 1, len - 1, user))
			of_group = line + len + 1;
	}
	return of_group ? of_group : everybody;
}
