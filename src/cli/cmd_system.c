/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_system.c - `mdocker system prune`: removes what crashes left; `balance`: busy workspaces give way. */
#define _GNU_SOURCE
#include <stdio.h>

#include "cli/cli.h"
#include "engine/fairness.h"
#include "engine/janitor.h"
#include "base/poison.h"

struct system_options {
	bool dry, all_processors;
};

static const struct args_option options[] = {
	{ "dry-run", 0, ARGS_FLAG, offsetof(struct system_options, dry), NULL,
		"say what would be removed, remove nothing" },
	{ "all-processors", 0, ARGS_FLAG, offsetof(struct system_options, all_processors), NULL,
		"balance: keep none free of busy workspaces" },
	ARGS_END,
};

static void found(const char *what, void *data)
{
	puts(what);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct system_options o = { .dry = false };
	struct janitor j = { .found = found };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, 1, &count);

	if (code >= 0)
		return code;
	if (!str_eq(argv[0], "prune") && !str_eq(argv[0], "balance"))
		return cli_usage(
			c, "'%.40s': only `system prune` and `system balance` are known", argv[0]);
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	if (str_eq(argv[0], "balance"))
		return fairness_run(&e, o.all_processors, &err) < 0 ? cli_fail(&err, 1) : 0;
	j.dry = o.dry;
	return janitor_run(&e, &j, &err) < 0 ? cli_fail(&err, 1) : 0;
}

const struct args_command cmd_system = {
	.name = "system",
	.summary = "Find and remove what crashes left",
	.usage = "system prune [--dry-run] | balance [--all-processors]",
	.verbs = "prune balance",
	.text = "prune: no workspace that `" PROGRAM
		" ps -a` lists loses anything, and nothing that isn't provably of\n"
		"this installation is touched.\n\n"
		"balance runs until it is stopped: while processes wait for a processor, "
		"workspaces that\n"
		"use more than their part give way to the others, and one processor is kept free "
		"of\n"
		"them as long as somebody else works. The server does that by itself.",
	.options = options,
	.run = run,
};
