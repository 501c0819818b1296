/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/recordings.h"

#include <errno.h>

#include "base/mem.h"
#include "base/poison.h"

enum { SIZE_LEAST = 64 << 10, DAYS_MOST = 36500 };

static const char *const mode_names[] = {
	[RECORD_ASK] = "ask",
	[RECORD_ALWAYS] = "always",
	[RECORD_NEVER] = "never",
};

const char *record_mode_name(enum record_mode mode)
{
	return mode_names[mode];
}

static int parse_mode(const char *text, enum record_mode *ret, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
		if (str_eq(text, mode_names[i])) {
			*ret = (enum record_mode)i;
			return 0;
		}
	}
	return md_fail(err, EINVAL, "record: '%.40s' is neither ask nor always nor never", text);
}

int recording_policy_set(
	struct recording_policy *p, const char *name, const char *value, struct md_error *err)
{
	if (str_eq(name, "record"))
		return parse_mode(value, &p->mode, err);
	if (str_eq(name, "record-days")) {
		if (str_to_u64(value, DAYS_MOST, &p->days) < 0)
			return md_fail(err, EINVAL,
				"--record-days: '%.40s' is not between 0 and %d", value, DAYS_MOST);
		return 0;
	}
	if (!str_eq(name, "record-size") && !str_eq(name, "record-total"))
		return md_fail(err, ENOENT, "'%.40s' is none of recordings", name);
	if (str_to_size(value, str_eq(name, "record-size") ? &p->size : &p->total) < 0)
		return md_fail(err, EINVAL, "option --%s: '%.40s' is not a size such as 100m", name,
			value);
	return 0;
}

int recording_policy_check(const struct recording_policy *p, struct md_error *err)
{
	if (p->size < SIZE_LEAST)
		return md_fail(err, EINVAL, "a recording may have at least 64k");
	if (p->total && p->total < p->size)
		return md_fail(err, EINVAL, "all recordings together may not be less than one");
	if (p->days > DAYS_MOST)
		return md_fail(err, EINVAL, "recordings are kept for at most %d days", DAYS_MOST);
	return 0;
}

void recording_policy_write(const struct recording_policy *p, struct json_writer *w)
{
	json_object_begin(w, "recording");
	json_add_string(w, "mode", mode_names[p->mode]);
	json_add_u64(w, "size", p->size);
	json_add_u64(w, "total", p->total);
	json_add_u64(w, "days", p->days);
	json_object_end(w);
}

int recording_policy_read(
	const struct json_node *object, struct recording_policy *ret, struct md_error *err)
{
	const char *mode = mode_names[RECORD_ASK];

	if (json_get_string(object, "mode", &mode, err) < 0 ||
		parse_mode(mode, &ret->mode, err) < 0 ||
		json_get_u64(object, "size", INT64_MAX, &ret->size, err) < 0 ||
		json_get_u64(object, "total", INT64_MAX, &ret->total, err) < 0 ||
		json_get_u64(object, "days", DAYS_MOST, &ret->days, err) < 0)
		return -1;
	return recording_policy_check(ret, err);
}

char *recordings_folder(const struct engine *e, const struct workspace *w)
{
	return engine_path(e, w->id, "recordings");
}

int recordings_shim_options(const struct engine *e, const struct workspace *w, struct strv *argv)
{
	const struct recording_policy *p = &w->recording;
	_auto_free_ char *folder = recordings_folder(e, w);

	if (p->mode == RECORD_NEVER)
		return 0;
	if (!folder || (p->mode == RECORD_ALWAYS && strv_add(argv, "--record") < 0) ||
		strv_addf(argv, "--record-dir=%s", folder) < 0 ||
		strv_addf(argv, "--record-size=%llu", (unsigned long long)p->size) < 0 ||
		strv_addf(argv, "--record-total=%llu", (unsigned long long)p->total) < 0)
		return -1;
	return strv_addf(argv, "--record-days=%llu", (unsigned long long)p->days);
}

int recordings_prune_workspace(
	const struct engine *e, const struct workspace *w, struct md_error *err)
{
	const struct recording_limits limits = { w->recording.total, w->recording.days };
	_auto_free_ char *folder = recordings_folder(e, w);

	if (!folder)
		return md_fail_errno(err, "recordings");
	return recordings_prune(folder, &limits, 0, err);
}

int recordings_remove_one(const struct engine *e, const struct workspace *w, const char *name,
	bool force, struct md_error *err)
{
	_auto_free_ char *folder = recordings_folder(e, w);

	if (!folder)
		return md_fail_errno(err, "recordings");
	if (w->recording.mode == RECORD_ALWAYS && !force)
		return md_fail(err, EPERM,
			"terminals of this workspace are always recorded: only an admin removes a "
			"recording");
	return recording_remove(folder, name, err);
}
