/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ps.c - `mdocker ps`: the workspaces. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { LINE_MAX_BYTES = 256 << 10, COMMAND_WIDTH = 24, STATUS_WIDTH = 28 };

struct ps_options {
	bool all, quiet;
	const char *format;
};

static const struct args_option options[] = {
	{ "all", 'a', ARGS_FLAG, offsetof(struct ps_options, all), NULL, "stopped ones too" },
	{ "quiet", 'q', ARGS_FLAG, offsetof(struct ps_options, quiet), NULL, "IDs only" },
	CLI_FORMAT(struct ps_options, "a JSON object a line"),
	ARGS_END,
};

static void describe(
	const struct workspace *w, const struct workspace_status *s, char *to, size_t room)
{
	char age[40];

	switch (s->state) {
	case WORKSPACE_RUNNING:
		cli_age(w->started, age, sizeof(age));
		snprintf(to, room, "Up, started %s", age);
		break;
	case WORKSPACE_STOPPED:
		cli_age(s->has_exit ? s->ended : w->started, age, sizeof(age));
		if (s->has_exit)
			snprintf(to, room, "Exited (%d) %s", s->exit_code, age);
		else
			snprintf(to, room, "Stopped");
		break;
	case WORKSPACE_CREATED:
		snprintf(to, room, "Created");
		break;
	case WORKSPACE_REMOVING:
		snprintf(to, room, "Being removed");
		break;
	}
}

/* The beginning of a command, up to COMMAND_WIDTH whole characters. */
static void join(const struct strv *args, char *to, size_t room)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < args->count && len < room; i++)
		len += (size_t)snprintf(to + len, room - len, "%s%s", i ? " " : "", args->items[i]);
	for (int i = 0; i < COMMAND_WIDTH && *to; i++)
		to += MD_MAX(str_utf8_length(to), (size_t)1);
	*to = '\0';
}

static void print_row(const struct workspace *w, const struct workspace_status *s)
{
	const char *image = *w->image ? w->image : w->rootfs;
	char status[80], command[COMMAND_WIDTH * 4 + 1], created[40];

	describe(w, s, status, sizeof(status));
	join(&w->args, command, sizeof(command));
	cli_age(w->created, created, sizeof(created));
	printf("%-14s", w->id);
	cli_print_safe(w->name, 18);
	cli_print_safe(image, 18);
	cli_print_safe(command, COMMAND_WIDTH + 2);
	printf("%-18s%-*s", created, STATUS_WIDTH, status);
	cli_print_safe(w->owner, 0);
	putchar('\n');
}

static int print_json(
	const struct workspace *w, const struct workspace_status *s, struct md_error *err)
{
	_auto_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct json_writer j = { .out = &line };
	char status[80];

	describe(w, s, status, sizeof(status));
	json_object_begin(&j, NULL);
	json_add_string(&j, "id", w->id);
	json_add_string(&j, "name", w->name);
	json_add_string(&j, "owner", w->owner);
	json_add_string(&j, "image", w->image);
	json_add_strv(&j, "command", w->args.items);
	json_add_string(&j, "state", workspace_state_name(s->state));
	json_add_string(&j, "status", status);
	json_add_i64(&j, "created", w->created);
	json_add_i64(&j, "started", w->started);
	if (s->state == WORKSPACE_RUNNING) {
		json_add_i64(&j, "pid", s->init_pid);
		json_add_i64(&j, "shimPid", s->shim_pid);
	}
	if (s->has_exit)
		json_add_i64(&j, "exitCode", s->exit_code);
	json_object_end(&j);
	if (line.failed)
		return md_fail(err, ENOMEM, "workspace %s: too much to print", w->name);
	puts(buf_str(&line));
	return 0;
}

static int print_one(
	struct engine *e, const struct workspace *w, const void *data, struct md_error *err)
{
	const struct ps_options *o = data;
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };

	if (!o->all && !workspace_is_running(e, w))
		return 0;
	if (o->quiet) {
		puts(w->id);
		return 0;
	}
	if (workspace_status(e, w, &s, err) < 0)
		return -1;
	if (o->format)
		return print_json(w, &s, err);
	print_row(w, &s);
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct ps_options o = { .all = false };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, 0, &count);

	if (code >= 0 || (code = cli_check_format(c, o.format)) >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	cli_reap(&e);
	if (!o.quiet && !o.format)
		printf("%-14s%-18s%-18s%-*s%-18s%-*s%s\n", "ID", "NAME", "IMAGE", COMMAND_WIDTH + 2,
			"COMMAND", "CREATED", STATUS_WIDTH, "STATUS", "OWNER");
	return cli_each_workspace(&e, print_one, &o);
}

const struct args_command cmd_ps = {
	.name = "ps",
	.summary = "List workspaces",
	.usage = "ps [-a] [-q] [--format json]",
	.options = options,
	.run = run,
};
