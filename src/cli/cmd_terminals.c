/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_terminals.c - `mdocker terminals`: what is open in the running workspaces, and since when nothing happens there. Says
 * nothing of what they show. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "json/json_write.h"
#include "wire/shim_client.h"
#include "base/poison.h"

enum { LINE_MAX_BYTES = 256 << 10, ASK_MS = 1000 };

struct terminals_options {
	bool users;
	const char *format;
};

static const struct args_option options[] = {
	{ "users", 0, ARGS_FLAG, offsetof(struct terminals_options, users), NULL,
		"of the server's users only" },
	CLI_FORMAT(struct terminals_options, "a JSON object a workspace"),
	ARGS_END,
};

/* Where to put what the shim says of each terminal. */
struct listing {
	const struct workspace *w;
	struct json_writer *json; /* NULL: a row each */
};

static void print_row(const struct workspace *w, const struct shim_msg *m)
{
	const struct shim_terminal *t = &m->terminal;
	uint64_t last = MD_MAX(MD_MAX(t->input_ms, t->output_ms), t->started_ms);
	char age[40];

	cli_age((int64_t)(last / 1000), age, sizeof(age));
	cli_print_safe(w->name, 18);
	cli_print_safe(w->owner, 18);
	printf("%-10u%-10u%-20s", t->terminal, t->clients, age);
	cli_print_safe(shim_string(m, 0), 0);
	putchar('\n');
}

static void add_json(struct json_writer *j, const struct shim_msg *m)
{
	const struct shim_terminal *t = &m->terminal;
	char id[16];

	snprintf(id, sizeof(id), "%u", t->terminal);
	json_object_begin(j, NULL);
	json_add_string(j, "id", id);
	json_add_string(j, "name", shim_string(m, 0));
	json_add_bool(j, "recorded", t->flags & SHIM_TERMINAL_RECORDED);
	json_add_u64(j, "clients", t->clients);
	json_add_u64(j, "started_ms", t->started_ms);
	json_add_u64(j, "input_ms", t->input_ms);
	json_add_u64(j, "output_ms", t->output_ms);
	json_object_end(j);
}

/* A shim that doesn't answer has no terminals to show; the others are listed all the same. */
static void list_terminals(struct engine *e, const struct listing *l)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	_auto_free_ char *path = workspace_socket(e, l->w);
	struct md_error ignored = MD_ERROR_INIT;
	struct shim_msg m = { .type = SHIM_LIST };

	if (!path || shim_client_open(&c, path, SHIM_HELLO_READ_ONLY, "mdocker", &ignored) < 0 ||
		shim_client_send(&c, &m, NULL, 0, &ignored) < 0)
		return;
	while (shim_client_receive(&c, &m, ASK_MS, &ignored) == 1 && m.type != SHIM_DONE &&
		m.type != SHIM_ERROR) {
		if (m.type != SHIM_TERMINAL || !(m.terminal.flags & SHIM_TERMINAL_TTY) ||
			(m.terminal.flags & SHIM_TERMINAL_ENDED))
			continue;
		if (l->json)
			add_json(l->json, &m);
		else
			print_row(l->w, &m);
	}
}

static int print_json(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_buf_ struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct json_writer j = { .out = &line };
	struct listing l = { w, &j };

	json_object_begin(&j, NULL);
	json_add_string(&j, "workspace", w->name);
	json_add_string(&j, "owner", w->owner);
	json_add_i64(&j, "started_ms", w->started * 1000);
	json_array_begin(&j, "terminals");
	list_terminals(e, &l);
	json_array_end(&j);
	json_object_end(&j);
	if (line.failed)
		return md_fail(err, ENOMEM, "workspace %s: too much to print", w->name);
	puts(buf_str(&line));
	return 0;
}

static int print_one(
	struct engine *e, const struct workspace *w, const void *data, struct md_error *err)
{
	const struct terminals_options *o = data;
	struct listing rows = { w, NULL };

	if ((o->users && (w->kind != WORKSPACE_USER || !*w->owner)) || !workspace_is_running(e, w))
		return 0;
	if (o->format)
		return print_json(e, w, err);
	list_terminals(e, &rows);
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct terminals_options o = { .users = false };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, 0, &count);

	if (code >= 0 || (code = cli_check_format(c, o.format)) >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	if (!o.format)
		printf("%-18s%-18s%-10s%-10s%-20s%s\n", "WORKSPACE", "OWNER", "TERMINAL", "CLIENTS",
			"LAST ACTIVE", "NAME");
	return cli_each_workspace(&e, print_one, &o);
}

const struct args_command cmd_terminals = {
	.name = "terminals",
	.summary = "List the terminals of running workspaces",
	.usage = "terminals [--users] [--format json]",
	.options = options,
	.run = run,
};
