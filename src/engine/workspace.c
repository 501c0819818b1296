/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/workspace.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/idblock.h"
#include "engine/profile_kind.h"
#include "engine/recordings.h"
#include "engine/terminals.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { DOCUMENT_VERSION = 1 };

static const char *const kind_names[] = {
	[WORKSPACE_RUN] = "run",
	[WORKSPACE_USER] = "user",
};

static const struct string_field {
	const char *key;
	size_t offset;
} string_fields[] = {
	{ "name", offsetof(struct workspace, name) },
	{ "owner", offsetof(struct workspace, owner) },
	{ "image", offsetof(struct workspace, image) },
	{ "rootfs", offsetof(struct workspace, rootfs) },
	{ "hostname", offsetof(struct workspace, hostname) },
	{ "network", offsetof(struct workspace, network) },
	{ "egress", offsetof(struct workspace, egress) },
	{ "profile", offsetof(struct workspace, profile) },
	{ "cwd", offsetof(struct workspace, cwd) },
	{ "user", offsetof(struct workspace, user) },
	{ "bootId", offsetof(struct workspace, boot_id) },
};

static const struct bool_field {
	const char *key;
	size_t offset;
} bool_fields[] = {
	{ "terminal", offsetof(struct workspace, terminal) },
	{ "removeOnExit", offsetof(struct workspace, remove_on_exit) },
	{ "removing", offsetof(struct workspace, removing) },
};

static const struct list_field {
	const char *key;
	size_t offset;
} list_fields[] = {
	{ "layers", offsetof(struct workspace, layers) },
	{ "publish", offsetof(struct workspace, publish) },
	{ "args", offsetof(struct workspace, args) },
	{ "env", offsetof(struct workspace, env) },
};

static char **string_at(struct workspace *w, size_t i)
{
	return (char **)((char *)w + string_fields[i].offset);
}

static bool *bool_at(struct workspace *w, size_t i)
{
	return (bool *)((char *)w + bool_fields[i].offset);
}

static struct strv *list_at(struct workspace *w, size_t i)
{
	return (struct strv *)((char *)w + list_fields[i].offset);
}

void workspace_done(struct workspace *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(string_fields); i++) {
		free(*string_at(w, i));
		*string_at(w, i) = NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(list_fields); i++)
		strv_done(list_at(w, i));
	volumes_done(&w->volumes);
}

int workspace_set(char **field, const char *value)
{
	char *copy = strdup(value ? value : "");

	if (!copy)
		return -1;
	free(*field);
	*field = copy;
	return 0;
}

static void write_volumes(const struct volumes *v, struct json_writer *w)
{
	json_array_begin(w, "volumes");
	for (size_t i = 0; i < v->count; i++) {
		json_object_begin(w, NULL);
		json_add_string(w, "source", v->items[i].source);
		json_add_string(w, "target", v->items[i].target);
		json_add_bool(w, "readOnly", v->items[i].read_only);
		json_object_end(w);
	}
	json_array_end(w);
}

void workspace_write(const struct workspace *ws, struct buf *out)
{
	struct json_writer w = { .out = out };
	struct workspace *fields = (struct workspace *)ws; /* read only; the tables have no const */

	json_object_begin(&w, NULL);
	json_add_i64(&w, "version", DOCUMENT_VERSION);
	json_add_string(&w, "id", ws->id);
	json_add_string(&w, "kind", kind_names[ws->kind]);
	for (size_t i = 0; i < ARRAY_SIZE(string_fields); i++) {
		const char *s = *string_at(fields, i);

		json_add_string(&w, string_fields[i].key, s ? s : "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bool_fields); i++)
		json_add_bool(&w, bool_fields[i].key, *bool_at(fields, i));
	for (size_t i = 0; i < ARRAY_SIZE(list_fields); i++)
		json_add_strv(&w, list_fields[i].key, list_at(fields, i)->items);
	json_add_i64(&w, "created", ws->created);
	json_add_u64(&w, "idBase", ws->id_base);
	json_add_i64(&w, "started", ws->started);
	limits_write(&ws->limits, &w);
	recording_policy_write(&ws->recording, &w);
	terminal_policy_write(&ws->terminals, &w);
	write_volumes(&ws->volumes, &w);
	json_object_end(&w);
	buf_add_char(out, '\n');
}

static int read_volumes(const struct json_node *root, struct volumes *ret, struct md_error *err)
{
	struct json_node array, item;
	size_t count = 0;

	if (json_get_array(root, "volumes", &array, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *source = "", *target = "";
		bool read_only = false;

		json_item(&array, i, &item);
		if (json_as_object(&item, err) < 0 ||
			json_get_string(&item, "source", &source, err) < 0 ||
			json_get_string(&item, "target", &target, err) < 0 ||
			json_get_bool(&item, "readOnly", &read_only, err) < 0 ||
			volumes_add(ret, source, target, read_only, err) < 0)
			return -1;
	}
	return 0;
}

static int read_tables(const struct json_node *root, struct workspace *w, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(string_fields); i++) {
		const char *s = "";

		if (json_get_string(root, string_fields[i].key, &s, err) < 0)
			return -1;
		if (workspace_set(string_at(w, i), s) < 0)
			return md_fail_errno(err, "reading a workspace");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bool_fields); i++) {
		if (json_get_bool(root, bool_fields[i].key, bool_at(w, i), err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(list_fields); i++) {
		if (json_get_strv(root, list_fields[i].key, list_at(w, i), err) < 0)
			return -1;
	}
	return 0;
}

static int read_identity(const struct json_node *root, struct workspace *w, struct md_error *err)
{
	const char *id = "", *kind = "";
	int64_t version = 0;

	if (json_get_i64(root, "version", 0, INT64_MAX, &version, err) < 0 ||
		json_get_string(root, "id", &id, err) < 0 ||
		json_get_string(root, "kind", &kind, err) < 0)
		return -1;
	if (version != DOCUMENT_VERSION)
		return md_fail(err, EINVAL, "version %lld of the document: this mdocker knows %d",
			(long long)version, DOCUMENT_VERSION);
	if (!workspace_id_valid(id))
		return md_fail(err, EINVAL, "id: '%.40s' is no workspace's ID", id);
	memcpy(w->id, id, sizeof(w->id));
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++) {
		if (str_eq(kind, kind_names[i])) {
			w->kind = (enum workspace_kind)i;
			return 0;
		}
	}
	return md_fail(err, EINVAL, "kind: '%.40s' is neither run nor user", kind);
}

static int read_numbers(const struct json_node *root, struct workspace *w, struct md_error *err)
{
	uint64_t base = 0;
	struct json_node limits, recording, terminals;
	int r;

	if (json_get_i64(root, "created", 0, INT64_MAX, &w->created, err) < 0 ||
		json_get_u64(root, "idBase", ID_BLOCK_END - ID_BLOCK_SIZE, &base, err) < 0 ||
		json_get_i64(root, "started", 0, INT64_MAX, &w->started, err) < 0)
		return -1;
	if (base < ID_BLOCK_FIRST || base % ID_BLOCK_SIZE)
		return md_fail(err, EINVAL, "idBase: %llu is no base of a block",
			(unsigned long long)base);
	w->id_base = (uint32_t)base;
	r = json_get_object(root, "limits", &limits, err);
	if (r < 0 || (r == 1 && limits_read(&limits, &w->limits, err) < 0))
		return -1;
	r = json_get_object(root, "recording", &recording, err);
	if (r < 0 || (r == 1 && recording_policy_read(&recording, &w->recording, err) < 0))
		return -1;
	r = json_get_object(root, "terminals", &terminals, err);
	return r <= 0 ? r : terminal_policy_read(&terminals, &w->terminals, err);
}

int workspace_read(const char *text, size_t len, struct workspace *ret, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct json_node root;

	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		read_identity(&root, &w, err) < 0 || read_tables(&root, &w, err) < 0 ||
		read_numbers(&root, &w, err) < 0 || read_volumes(&root, &w.volumes, err) < 0)
		return -1;
	if (workspace_name_check(w.name, err) < 0 || hostname_check(w.hostname, err) < 0 ||
		limits_check(&w.limits, err) < 0 || !profile_kind_find(w.profile, err))
		return -1;
	*ret = w;
	w = (struct workspace)WORKSPACE_INIT;
	return 0;
}
