/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - `mdocker inspect`: all that is known of workspaces, as JSON. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { INSPECT_MAX = 16 << 20 };

static void write_status(struct engine *e, const struct workspace *w,
	const struct workspace_status *s, struct json_writer *j)
{
	_auto_free_ char *socket = workspace_socket(e, w);

	json_object_begin(j, "status");
	json_add_string(j, "state", workspace_state_name(s->state));
	if (s->state == WORKSPACE_RUNNING) {
		json_add_i64(j, "pid", s->init_pid);
		json_add_i64(j, "shimPid", s->shim_pid);
		json_add_string(j, "socket", socket);
	}
	if (s->has_exit) {
		json_add_i64(j, "exitCode", s->exit_code);
		json_add_i64(j, "ended", s->ended);
		json_add_string(j, "exit", s->text);
	}
	json_object_end(j);
}

static int write_one(
	struct engine *e, const char *name, struct json_writer *j, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };
	_auto_buf_ struct buf document = BUF_INIT(INSPECT_MAX);

	if (engine_find(e, name, &w, err) < 0 || workspace_status(e, &w, &s, err) < 0)
		return -1;
	workspace_write(&w, &document);
	while (document.len && document.data[document.len - 1] == '\n')
		document.data[--document.len] = '\0';
	json_object_begin(j, NULL);
	json_add_raw(j, "workspace", buf_str(&document));
	write_status(e, &w, &s, j);
	json_object_end(j);
	return document.failed ? md_fail(err, ENOMEM, "inspect '%s'", name) : 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(INSPECT_MAX);
	struct json_writer j = { .out = &text };
	struct md_error err = MD_ERROR_INIT;
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 1, -1, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	code = 0;
	json_array_begin(&j, NULL);
	for (int i = 0; i < count; i++) {
		if (write_one(&e, argv[i], &j, &err) < 0)
			code = cli_fail(&err, 1);
	}
	json_array_end(&j);
	puts(buf_str(&text));
	return code;
}

const struct args_command cmd_inspect = {
	.name = "inspect",
	.summary = "Show all that is known of workspaces, as JSON",
	.usage = "inspect WORKSPACE...",
	.run = run,
};
