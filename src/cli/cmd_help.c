/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - `mdocker help [COMMAND]`, from the tables. */
#define _GNU_SOURCE
#include <stdio.h>

#include "cli/cli.h"
#include "base/poison.h"

static void print_commands(void)
{
	printf("Usage: " PROGRAM " [OPTIONS] COMMAND [ARG...]\n\n"
	       "Isolated, persistent Linux workspaces.\n\nCommands:\n");
	for (size_t i = 0; cli_commands[i]; i++)
		printf("  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
	printf("\nOptions:\n");
	args_help(cli_global_options);
	printf("\n`" PROGRAM " help COMMAND` tells more.\n");
}

static int run(const struct args_command *c, int argc, char **argv)
{
	const struct args_command *wanted;

	if (argc < 2) {
		print_commands();
		return 0;
	}
	if (argc > 2)
		return cli_usage(c, "too many arguments, from '%s' on", argv[2]);
	wanted = cli_find_command(argv[1]);
	if (!wanted)
		return cli_no_command(argv[1]);
	args_command_help(PROGRAM, wanted);
	return 0;
}

const struct args_command cmd_help = {
	.name = "help",
	.summary = "List the commands, or explain one",
	.usage = "help [COMMAND]",
	.run = run,
};
