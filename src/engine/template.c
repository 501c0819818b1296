/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/setting.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { TEMPLATE_VERSION = 1, TEMPLATE_MAX = 64 << 10, SETTINGS_MAX = 64, NAME_MAX_BYTES = 63 };

static const char suffix[] = ".json";

void template_done(struct template *t)
{
	free(t->description);
	strv_done(&t->settings);
	*t = (struct template)TEMPLATE_INIT;
}

/* Letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 63. */
static int check_name(const char *name, struct md_error *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_BYTES || strspn(name, letters) != len ||
		strchr("._-", name[0]))
		return md_fail(err, EINVAL,
			"template '%.64s': letters, digits, '.', '_' and '-', at most %d, "
			"beginning with a letter or digit",
			name, NAME_MAX_BYTES);
	return 0;
}

static int no_template(const char *name, struct md_error *err)
{
	return md_fail(err, ENOENT, "no template '%s': `mdocker template ls` lists them", name);
}

static char *path_of(const struct engine *e, const char *name)
{
	return str_format("%s/templates/%s%s", e->root, name, suffix);
}

/* The words mean something, and go together, as far as that shows without an image. */
static int try_settings(struct engine *e, const struct strv *settings, struct md_error *err)
{
	_auto_strv_ struct strv kept = STRV_INIT;
	struct workspace_request r = WORKSPACE_REQUEST_INIT;

	if (settings->count > SETTINGS_MAX)
		return md_fail(err, E2BIG, "more than %d settings", SETTINGS_MAX);
	for (size_t i = 0; i < settings->count; i++) {
		if (str_starts(settings->items[i], "template="))
			return md_fail(err, EINVAL, "a template names no other");
	}
	if (settings_apply(e, &r, settings, &kept, err) < 0)
		return -1;
	return settings_check(&r, err);
}

int template_save(
	struct engine *e, const char *name, const struct template *t, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(TEMPLATE_MAX);
	struct json_writer w = { .out = &text };
	_auto_free_ char *folder = str_format("%s/templates", e->root);
	_auto_free_ char *path = path_of(e, name);

	if (check_name(name, err) < 0 || try_settings(e, &t->settings, err) < 0)
		return -1;
	json_object_begin(&w, NULL);
	json_add_i64(&w, "version", TEMPLATE_VERSION);
	json_add_string(&w, "description", t->description ? t->description : "");
	json_add_strv(&w, "settings", t->settings.items);
	json_object_end(&w);
	buf_add_char(&text, '\n');
	if (text.failed)
		return md_fail(err, E2BIG,
			"template '%s': its document would have more than %d KiB", name,
			TEMPLATE_MAX >> 10);
	if (!folder || !path)
		return md_fail_errno(err, "template '%s'", name);
	if (file_mkdirs(folder, 0700) < 0 ||
		file_write_atomic(AT_FDCWD, path, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "template '%s'", path);
	return 0;
}

static int parse(const char *text, size_t len, struct template *ret, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_template_ struct template t = TEMPLATE_INIT;
	const char *description = "";
	struct json_node root;
	int64_t version = 0;

	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_i64(&root, "version", 0, INT64_MAX, &version, err) < 0 ||
		json_get_string(&root, "description", &description, err) < 0 ||
		json_get_strv(&root, "settings", &t.settings, err) < 0)
		return -1;
	if (version != TEMPLATE_VERSION)
		return md_fail(err, EINVAL, "version %lld of the document: this mdocker knows %d",
			(long long)version, TEMPLATE_VERSION);
	t.description = strdup(description);
	if (!t.description)
		return md_fail(err, ENOMEM, "out of memory");
	*ret = t;
	t = (struct template)TEMPLATE_INIT;
	return 0;
}

int template_load(struct engine *e, const char *name, struct template *ret, struct md_error *err)
{
	_auto_free_ char *path = path_of(e, name);
	_auto_free_ char *text = NULL;
	size_t len;

	if (check_name(name, err) < 0)
		return -1;
	if (!path)
		return md_fail(err, ENOMEM, "template '%s'", name);
	if (file_read(AT_FDCWD, path, TEMPLATE_MAX, &text, &len) < 0) {
		return errno == ENOENT ? no_template(name, err)
				       : md_fail_errno(err, "template '%s'", path);
	}
	return parse(text, len, ret, err) < 0 ? md_wrap(err, "template '%s'", path) : 0;
}

int template_remove(struct engine *e, const char *name, struct md_error *err)
{
	_auto_free_ char *path = path_of(e, name);

	if (check_name(name, err) < 0)
		return -1;
	if (path && unlink(path) == 0)
		return 0;
	return path && errno == ENOENT ? no_template(name, err)
				       : md_fail_errno(err, "template '%s'", name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int template_list(struct engine *e, struct strv *ret, struct md_error *err)
{
	_auto_free_ char *folder = str_format("%s/templates", e->root);
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return folder && errno == ENOENT ? 0 : md_fail_errno(err, "templates");
	while (r == 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		_auto_free_ char *name = NULL;

		if (len < sizeof(suffix) ||
			!str_eq(entry->d_name + len - (sizeof(suffix) - 1), suffix))
			continue;
		name = strndup(entry->d_name, len - (sizeof(suffix) - 1));
		if (!name || strv_add(ret, name) < 0)
			r = md_fail(err, ENOMEM, "templates");
	}
	closedir(dir);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return r;
}
