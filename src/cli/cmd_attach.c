/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_attach.c - `mdocker attach`: this terminal on a terminal that the workspace has, shared with
 * whoever else is on it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "base/poison.h"

struct attach_options {
	int64_t terminal;
	bool read_only;
};

static const struct args_option options[] = {
	{ "terminal", 'n', ARGS_INT, offsetof(struct attach_options, terminal), "N",
		"which one (the first that lives)" },
	{ "read-only", 'r', ARGS_FLAG, offsetof(struct attach_options, read_only), NULL,
		"look, but don't type" },
	ARGS_END,
};

static int attach(const struct attach_options *o, const char *name)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	struct terminal_session session = { .detach_keys = true, .read_only = o->read_only };
	struct md_error err = MD_ERROR_INIT;

	if (engine_open(&e, cli_engine_options(), &err) < 0 || engine_find(&e, name, &w, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_usage(&cmd_attach,
			"attach to '%s' works on a terminal only, `" PROGRAM " logs` shows output",
			name);
	if (session_open(&e, &w, &c, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	session.terminal = (uint32_t)o->terminal;
	session.create = w.kind == WORKSPACE_USER && !o->terminal;
	if (terminal_attach(&c, &session, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (session.detached)
		fprintf(stderr, "\n" PROGRAM ": detached\n");
	else if (session.reason[0])
		fprintf(stderr, PROGRAM ": %s\n", session.reason);
	return session.detached ? 0 : session.exit_code;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct attach_options o = { .terminal = 0 };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, 1, &count);

	if (code >= 0)
		return code;
	if (o.terminal < 0 || o.terminal > UINT32_MAX)
		return cli_usage(c, "terminal %lld: there is none", (long long)o.terminal);
	return attach(&o, argv[0]);
}

const struct args_command cmd_attach = {
	.name = "attach",
	.summary = "Join a terminal of a running workspace; ctrl-P ctrl-Q leaves it",
	.usage = "attach [-n N] [--read-only] WORKSPACE",
	.text = "The terminal may be open in a browser at the same time: both see and type the "
		"same.",
	.options = options,
	.run = run,
};
