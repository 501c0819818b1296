/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_kill.c - `mdocker kill`: a signal to the main command. */
#define _GNU_SOURCE
#include <signal.h>

#include "cli/cli.h"
#include "base/signals.h"
#include "base/poison.h"

struct kill_options {
	const char *signal;
};

static const struct args_option options[] = {
	{ "signal", 's', ARGS_STRING, offsetof(struct kill_options, signal), "NAME",
		"KILL, TERM, 9... (KILL)" },
	ARGS_END,
};

static int kill_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	const int *sig = data;

	if (engine_find(e, name, &w, err) < 0)
		return -1;
	return workspace_kill(e, &w, *sig, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct kill_options o = { .signal = "KILL" };
	int count, sig;
	int code = cli_parse(c, &o, argc, argv, false, 1, -1, &count);

	if (code >= 0)
		return code;
	sig = signal_number(o.signal);
	if (sig < 0)
		return cli_usage(c, "'%.40s' is no signal", o.signal);
	return cli_open_each(count, argv, kill_one, &sig);
}

const struct args_command cmd_kill = {
	.name = "kill",
	.summary = "Send a signal to the main command of workspaces",
	.usage = "kill [-s SIGNAL] WORKSPACE...",
	.text = "In a workspace without a main command, a user's, all processes get it.",
	.options = options,
	.run = run,
};
