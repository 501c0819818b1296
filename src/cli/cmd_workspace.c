/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_workspace.c - `mdocker workspace open, inspect, stop`: a user's own workspace. What the
 * server runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/limit_options.h"
#include "engine/recordings.h"
#include "engine/setting.h"
#include "engine/usage.h"
#include "json/json_write.h"
#include "base/poison.h"

struct open_options {
	const char *owner;
	struct strv settings; /* of a new one */
	bool no_start, json;
};

enum { EXIT_NOT_RUNNING = 3, OPEN_TRIES = 10 };

#define OPT(field) offsetof(struct open_options, field)

static const struct args_option options[] = {
	{ "owner", 0, ARGS_STRING, OPT(owner), "USER", "whose it is; needed" },
	CLI_SETTING(struct open_options, settings, "image", 0, "IMAGE",
		"of a new one (the default image)"),
	CLI_SETTING(
		struct open_options, settings, "hostname", 0, "NAME", "of a new one (container)"),
	CLI_LIMITS(struct open_options, settings),
	CLI_CONFINEMENT(struct open_options, settings),
	CLI_NETWORK(struct open_options, settings),
	CLI_RECORDING(struct open_options, settings),
	{ "no-start", 0, ARGS_FLAG, OPT(no_start), NULL, "exit code 3 if it isn't running" },
	{ "json", 0, ARGS_FLAG, OPT(json), NULL,
		"one JSON line; the only format, and the default" },
	ARGS_END,
};

static void options_done(struct open_options *o)
{
	strv_done(&o->settings);
}

static int make(
	struct engine *e, const struct open_options *o, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace made = WORKSPACE_INIT;
	struct workspace_request r = WORKSPACE_REQUEST_INIT;

	r.name = name;
	r.owner = o->owner;
	r.kind = WORKSPACE_USER;
	r.terminal = true;
	r.settings = &o->settings;
	/* Another command for the same login may be faster: then it is the same workspace. */
	if (engine_create(e, &r, &made, err) < 0 && err->code != EEXIST)
		return -1;
	return 0;
}

static int find_or_make(struct engine *e, const struct open_options *o, const char *name,
	struct workspace *ret, int *ret_lock, struct md_error *err)
{
	/* Somebody may remove it in between. */
	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		if (engine_find_named_locked(e, name, ret, ret_lock, err) == 0)
			return 0;
		if (err->code != ENOENT || make(e, o, name, err) < 0)
			return -1;
	}
	return engine_find_named_locked(e, name, ret, ret_lock, err);
}

/* What somebody began to remove and left half is removed now; its user gets a new one. */
static int replace(struct engine *e, const struct open_options *o, const char *name,
	struct workspace *w, int *lock, struct md_error *err)
{
	if (workspace_remove(e, w, true, err) < 0)
		return -1;
	workspace_done(w);
	*w = (struct workspace)WORKSPACE_INIT;
	fd_close(lock);
	return find_or_make(e, o, name, w, lock, err);
}

static int print(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_free_ char *socket = workspace_socket(e, w);
	_auto_buf_ struct buf line = BUF_INIT(64 << 10);
	struct json_writer j = { .out = &line };

	json_object_begin(&j, NULL);
	json_add_string(&j, "id", w->id);
	json_add_string(&j, "name", w->name);
	json_add_string(&j, "state", workspace_state_name(WORKSPACE_RUNNING));
	json_add_string(&j, "socket", socket);
	json_object_end(&j);
	if (!socket || line.failed)
		return md_fail(err, ENOMEM, "workspace '%s'", w->name);
	puts(buf_str(&line));
	return 0;
}

static int check_owner(
	const struct workspace *w, const struct open_options *o, struct md_error *err)
{
	if (str_eq(w->owner, o->owner) && w->kind == WORKSPACE_USER)
		return 0;
	return md_fail(err, EACCES, "workspace '%s' is not %s's", w->name, o->owner);
}

/* Recording and what terminals keep follow the settings at each start, those of a template too; nothing else of a workspace that is
 * there does. */
static int follow_settings(
	struct engine *e, const struct open_options *o, struct workspace *w, struct md_error *err)
{
	_auto_strv_ struct strv kept = STRV_INIT;
	struct workspace_request r = WORKSPACE_REQUEST_INIT;

	r.recording = w->recording;
	r.terminals = w->terminals;
	if (settings_apply(e, &r, &o->settings, &kept, err) < 0) {
		/* A template that is gone locks nobody out. */
		if (err->code != ENOENT)
			return -1;
		log_warning("workspace '%s' is recorded as before: %s", w->name, err->msg);
		r.recording = w->recording;
		r.terminals = w->terminals;
		*err = (struct md_error)MD_ERROR_INIT;
	}
	if (recording_policy_check(&r.recording, err) < 0)
		return -1;
	w->recording = r.recording;
	w->terminals = r.terminals;
	return 0;
}

/* Nobody who only wants to look makes or starts one. */
static int find_running(
	struct engine *e, const struct open_options *o, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;

	if (engine_find_named(e, name, &w, err) < 0 && err->code != ENOENT)
		return -1;
	if (!w.name || !workspace_is_running(e, &w))
		return md_fail(err, ENOENT, "the workspace of '%s' isn't running", name);
	return check_owner(&w, o, err) < 0 ? -1 : print(e, &w, err);
}

static int open_workspace(
	struct engine *e, const struct open_options *o, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct start_options start = START_OPTIONS_INIT;
	_auto_close_ int lock = -1;

	if (o->no_start)
		return find_running(e, o, name, err);
	if (find_or_make(e, o, name, &w, &lock, err) < 0 || check_owner(&w, o, err) < 0)
		return -1;
	if (w.removing && (replace(e, o, name, &w, &lock, err) < 0 || check_owner(&w, o, err) < 0))
		return -1;
	start.lock = lock;
	if (!workspace_stays(e, &w) && (follow_settings(e, o, &w, err) < 0 ||
					       workspace_start(e, &w, &start, NULL, err) < 0))
		return -1;
	return print(e, &w, err);
}

static void add_usage(struct json_writer *j, const char *key, const uint64_t *used, uint64_t limit)
{
	json_object_begin(j, key);
	if (used)
		json_add_u64(j, "used", *used);
	json_add_u64(j, "limit", limit);
	json_object_end(j);
}

/* One that was never opened is "absent": no failure, its user just hasn't logged in yet. */
static int inspect_workspace(
	struct engine *e, const struct open_options *o, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };
	_auto_buf_ struct buf line = BUF_INIT(8 << 10);
	struct json_writer j = { .out = &line };
	struct usage u = { 0 };
	bool known, running;

	known = engine_find_named(e, name, &w, err) == 0;
	if (!known && err->code != ENOENT)
		return -1;
	if (known && (check_owner(&w, o, err) < 0 || workspace_status(e, &w, &s, err) < 0))
		return -1;
	running = known && s.state == WORKSPACE_RUNNING && workspace_usage(e, &w, &u, err) == 0;
	json_object_begin(&j, NULL);
	json_add_string(&j, "name", name);
	json_add_string(&j, "state", known ? workspace_state_name(s.state) : "absent");
	if (known) {
		json_add_string(&j, "id", w.id);
		json_add_string(&j, "image", w.image);
		json_add_i64(&j, "created_ms", w.created * 1000);
		json_add_i64(&j, "started_ms", running ? w.started * 1000 : 0);
		add_usage(&j, "memory", running ? &u.memory : NULL, w.limits.memory);
		add_usage(&j, "pids", running ? &u.pids : NULL, w.limits.pids);
		add_usage(&j, "disk", running ? &u.disk.bytes_used : NULL,
			running && u.disk.bytes ? u.disk.bytes : w.limits.disk);
		json_add_u64(&j, "cpu_ns", u.cpu_ns);
		json_add_u64(&j, "cpu_millis", w.limits.cpu_millis);
	}
	json_object_end(&j);
	if (line.failed)
		return md_fail(err, ENOMEM, "workspace '%s'", name);
	puts(buf_str(&line));
	return 0;
}

static int stop_workspace(
	struct engine *e, const struct open_options *o, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;

	/* One that isn't there doesn't run. */
	if (engine_find_named_locked(e, name, &w, &lock, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	if (check_owner(&w, o, err) < 0)
		return -1;
	return workspace_stop(e, &w, 3000, o->owner, err);
}

static const struct {
	const char *name;
	int (*run)(struct engine *e, const struct open_options *o, const char *name,
		struct md_error *err);
} verbs[] = {
	{ "open", open_workspace },
	{ "inspect", inspect_workspace },
	{ "stop", stop_workspace },
};

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_(options_done) struct open_options o = { 0 };
	struct md_error err = MD_ERROR_INIT;
	size_t verb = 0;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 2, 2, &count);

	if (code >= 0)
		return code;
	while (verb < ARRAY_SIZE(verbs) && !str_eq(argv[0], verbs[verb].name))
		verb++;
	if (verb == ARRAY_SIZE(verbs))
		return cli_usage(c, "'%.40s': open, inspect or stop", argv[0]);
	if (!o.owner || !*o.owner)
		return cli_usage(c, "--owner is needed");
	if (workspace_name_check(argv[1], &err) < 0 ||
		engine_open(&e, cli_engine_options(), &err) < 0 ||
		verbs[verb].run(&e, &o, argv[1], &err) < 0)
		return cli_fail(&err, o.no_start && err.code == ENOENT ? EXIT_NOT_RUNNING : 1);
	return 0;
}

const struct args_command cmd_workspace = {
	.name = "workspace",
	.summary = "Open a user's workspace (made and started where needed), look at it, stop it",
	.usage = "workspace open|inspect|stop NAME --owner USER [OPTIONS]",
	.verbs = "open inspect stop",
	.text = "`open` prints one JSON line {\"id\",\"name\",\"state\",\"socket\"}, `inspect` one "
		"with state,\n"
		"limits and usage. The options about a new workspace are for `open`.",
	.options = options,
	.run = run,
};
