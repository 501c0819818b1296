/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { MAX_TEMPLATE = 1024 * 1024, MAX_COMMAND = 256 };

void process_spec_done(struct process_spec *s)
{
	strv_done(&s->argv);
	strv_done(&s->env);
	free(s->cwd);
	free(s->user);
	*s = (struct process_spec){ 0 };
}

/* The process object: the document itself, or the member `process` of a config.json. */
static int find_process(const struct json_doc *doc, struct json_node *root,
	struct json_node *ret_process, struct md_error *err)
{
	struct json_node member;

	if (json_root(doc, root, err) < 0)
		return -1;
	if (!json_member(root, "process", &member)) {
		*ret_process = *root;
		return 0;
	}
	*ret_process = member;
	return json_as_object(&member, err);
}

int template_load(const char *path, char **ret_text, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root, process;
	size_t len;

	if (file_read(AT_FDCWD, path, MAX_TEMPLATE, &text, &len) < 0)
		return md_fail_errno(err, "read %s", path);
	if (json_parse(&doc, text, len, err) < 0 || find_process(&doc, &root, &process, err) < 0)
		return md_wrap(err, "%s", path);
	*ret_text = take_ptr(text);
	return 0;
}

/* What a request decides is written by write_process(); the rest of the template is passed through
 * unread. */
static int copy_member(const char *key, const struct json_node *value, void *data)
{
	static const char *const decided[] = { "terminal", "consoleSize", "args", "env", "cwd",
		"user" };
	struct json_writer *w = data;
	_auto_free_ char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(decided); i++) {
		if (str_eq(key, decided[i]))
			return 0;
	}
	text = json_text(value);
	if (!text)
		return -1;
	json_add_raw(w, key, text);
	return 0;
}

static int write_env(struct json_writer *w, const struct json_node *process,
	const struct process_spec *s, struct md_error *err)
{
	_auto_strv_ struct strv env = STRV_INIT;

	if (!s->env_only && json_get_strv(process, "env", &env, err) < 0)
		return -1;
	for (size_t i = 0; i < s->env.count; i++) {
		const char *equals = strchr(s->env.items[i], '=');
		_auto_free_ char *name = NULL;

		if (!equals || equals == s->env.items[i])
			return md_fail(err, EINVAL, "environment: '%s' is not NAME=value",
				s->env.items[i]);
		name = strndup(s->env.items[i], (size_t)(equals - s->env.items[i]));
		if (!name || strv_env_set(&env, name, equals + 1) < 0)
			return md_fail_errno(err, "environment");
	}
	json_add_strv(w, "env", env.items);
	return 0;
}

/* "UID" or "UID:GID" (the group defaults to the same number as root's, 0). */
static int write_user(struct json_writer *w, const struct json_node *process,
	const struct process_spec *s, struct md_error *err)
{
	_auto_free_ char *copy = NULL;
	struct json_node user;
	uint64_t uid, gid = 0;
	char *colon;

	if (!s->user) {
		_auto_free_ char *text = NULL;

		if (!json_member(process, "user", &user))
			return 0;
		text = json_text(&user);
		if (!text)
			return md_fail_errno(err, "user");
		json_add_raw(w, "user", text);
		return 0;
	}
	copy = strdup(s->user);
	if (!copy)
		return md_fail_errno(err, "user");
	colon = strchr(copy, ':');
	if (colon)
		*colon++ = '\0';
	if (str_to_u64(copy, UINT32_MAX - 1, &uid) < 0 ||
		(colon && str_to_u64(colon, UINT32_MAX - 1, &gid) < 0))
		return md_fail(err, EINVAL, "user '%s' is not UID or UID:GID in numbers", s->user);
	json_object_begin(w, "user");
	json_add_u64(w, "uid", uid);
	json_add_u64(w, "gid", gid);
	json_object_end(w);
	return 0;
}

/* args and cwd: of the request, else the template's. */
static int write_command(struct json_writer *w, const struct json_node *process,
	const struct process_spec *s, struct md_error *err)
{
	_auto_strv_ struct strv args = STRV_INIT;
	const char *cwd = s->cwd;

	if (s->argv.count) {
		json_add_strv(w, "args", s->argv.items);
	} else {
		if (json_get_strv(process, "args", &args, err) < 0)
			return -1;
		if (!args.count)
			return md_fail(err, EINVAL, "no command: the template has none either");
		json_add_strv(w, "args", args.items);
	}
	if (!cwd && json_get_string(process, "cwd", &cwd, err) < 0)
		return -1;
	json_add_string(w, "cwd", cwd ? cwd : "/");
	return 0;
}

static int write_process(struct json_writer *w, const struct json_node *process,
	const struct process_spec *s, struct md_error *err)
{
	json_object_begin(w, NULL);
	json_add_bool(w, "terminal", s->tty);
	if (s->tty) {
		json_object_begin(w, "consoleSize");
		json_add_u64(w, "height", s->rows);
		json_add_u64(w, "width", s->cols);
		json_object_end(w);
	}
	if (write_command(w, process, s, err) < 0 || write_env(w, process, s, err) < 0 ||
		write_user(w, process, s, err) < 0)
		return -1;
	if (json_each_member(process, copy_member, w) != 0)
		return md_fail(err, ENOMEM, "out of memory");
	json_object_end(w);
	return 0;
}

int template_process(
	const char *text, const struct process_spec *s, char **ret_json, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_buf_ struct buf out = BUF_INIT(2 * MAX_TEMPLATE);
	struct json_writer w = { .out = &out };
	struct json_node root, process;

	if (json_parse(&doc, text, strlen(text), err) < 0 ||
		find_process(&doc, &root, &process, err) < 0 ||
		write_process(&w, &process, s, err) < 0)
		return md_wrap(err, "process");
	*ret_json = buf_take(&out);
	return *ret_json ? 0 : md_fail(err, ENOMEM, "process: too large");
}

char *template_command(const char *text, const struct process_spec *s)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_buf_ struct buf line = BUF_INIT(MAX_COMMAND);
	_auto_strv_ struct strv args = STRV_INIT;
	struct json_node root, process;
	char *const *argv = s->argv.items;

	if (!s->argv.count) {
		if (json_parse(&doc, text, strlen(text), NULL) < 0 ||
			find_process(&doc, &root, &process, NULL) < 0 ||
			json_get_strv(&process, "args", &args, NULL) < 0)
			return NULL;
		argv = args.items;
	}
	for (size_t i = 0; argv && argv[i]; i++) {
		if ((i && buf_add_char(&line, ' ') < 0) || buf_add_str(&line, argv[i]) < 0)
			break;
	}
	return strdup(buf_str(&line));
}
