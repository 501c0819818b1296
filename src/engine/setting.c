/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/setting.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/connect.h"
#include "engine/profile_kind.h"
#include "engine/recordings.h"
#include "engine/template.h"
#include "engine/terminals.h"
#include "base/poison.h"

enum { NAME_BYTES = 32 };

/* Those that are no limit. */
static const struct word_setting {
	const char *name;
	size_t offset;
} words[] = {
	{ "image", offsetof(struct workspace_request, image) },
	{ "hostname", offsetof(struct workspace_request, hostname) },
	{ "network", offsetof(struct workspace_request, network) },
	{ "egress", offsetof(struct workspace_request, egress) },
	{ "profile", offsetof(struct workspace_request, profile) },
};

/* Returns the value, and the name in `name`; NULL if that is no NAME=VALUE. */
static const char *split(const char *text, char name[NAME_BYTES])
{
	size_t len = strcspn(text, "=");

	if (!text[len] || !len || len >= NAME_BYTES)
		return NULL;
	snprintf(name, NAME_BYTES, "%.*s", (int)len, text);
	return text + len + 1;
}

static int not_a_setting(const char *text, struct md_error *err)
{
	return md_fail(err, EINVAL, "'%.80s': expected NAME=VALUE, such as memory=512m", text);
}

static int apply_one(struct workspace_request *r, const char *text, struct md_error *err)
{
	char name[NAME_BYTES];
	const char *value = split(text, name);
	struct md_error missing = MD_ERROR_INIT;

	if (!value)
		return not_a_setting(text, err);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_eq(words[i].name, name)) {
			*(const char **)((char *)r + words[i].offset) = value;
			return 0;
		}
	}
	if (limits_set(&r->limits, name, value, &missing) == 0)
		return 0;
	if (missing.code == ENOENT) {
		missing = (struct md_error)MD_ERROR_INIT;
		if (recording_policy_set(&r->recording, name, value, &missing) == 0)
			return 0;
	}
	if (missing.code == ENOENT) {
		missing = (struct md_error)MD_ERROR_INIT;
		if (terminal_policy_set(&r->terminals, name, value, &missing) == 0)
			return 0;
	}
	if (missing.code == ENOENT)
		return md_fail(err, EINVAL, "a workspace has no setting '%s'", name);
	*err = missing;
	return -1;
}

static int apply_template(struct engine *e, struct workspace_request *r, const char *name,
	struct strv *kept, struct md_error *err)
{
	_auto_template_ struct template t = TEMPLATE_INIT;
	size_t first = kept->count;

	if (template_load(e, name, &t, err) < 0)
		return -1;
	if (strv_add_all(kept, t.settings.items) < 0)
		return md_fail(err, ENOMEM, "template '%s'", name);
	for (size_t i = first; i < kept->count; i++) {
		if (apply_one(r, kept->items[i], err) < 0)
			return md_wrap(err, "template '%s'", name);
	}
	return 0;
}

int settings_apply(struct engine *e, struct workspace_request *r, const struct strv *list,
	struct strv *kept, struct md_error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->items[i];
		bool template = str_starts(text, "template=");

		if (template ? apply_template(e, r, text + strlen("template="), kept, err) < 0
			     : apply_one(r, text, err) < 0)
			return -1;
	}
	return 0;
}

int settings_check(const struct workspace_request *r, struct md_error *err)
{
	const struct profile_kind *profile = profile_kind_find(r->profile, err);
	const char *network = r->network ? r->network : NULL;

	if (!profile || limits_check(&r->limits, err) < 0 ||
		recording_policy_check(&r->recording, err) < 0)
		return -1;
	if ((profile->traits & PROFILE_NO_NETWORK) && network && !str_eq(network, "none") &&
		!str_eq(network, "auto"))
		return md_fail(err, EINVAL, "profile '%s' has no network: --network %.40s can't be",
			profile->name, network);
	return connect_check_words(network, r->egress, err);
}

int settings_apply_limits(struct limits *l, const struct strv *list, struct md_error *err)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < list->count; i++) {
		const char *value = split(list->items[i], name);

		if (!value)
			return not_a_setting(list->items[i], err);
		if (limits_set(l, name, value, err) < 0)
			return -1;
	}
	return 0;
}
