/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - `mdocker completion`: a completion script for bash, from the tables. */
#define _GNU_SOURCE
#include <stdio.h>

#include "cli/cli.h"
#include "base/poison.h"

static void print_options(const struct args_option *o)
{
	for (; o && o->name; o++)
		printf(" --%s", o->name);
}

/* The commands whose arguments are names of workspaces, and those that take images. */
static const char *const of_workspaces[] = { "exec", "attach", "start", "stop", "kill", "rm",
	"update", "logs", "stats", "inspect" };
static const char *const of_images[] = { "run", "rmi" };

static void print_names(const char *const *commands, size_t count, const char *source)
{
	printf("\t");
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? "|" : "", commands[i]);
	printf(") words=\"$words $(" PROGRAM " %s 2>/dev/null)\" ;;\n", source);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 0, 1, &count);

	if (code >= 0)
		return code;
	if (count == 1 && !str_eq(argv[0], "bash"))
		return cli_usage(c, "only bash is known");
	printf("_mdocker()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} command= words= i\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n\t\t--root|--state|--runtime) ((i++)) ;;\n\t\t-*) "
	       ";;\n"
	       "\t\t*) command=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $command in\n");
	printf("\t'') words='");
	for (size_t i = 0; cli_commands[i]; i++)
		printf("%s ", cli_commands[i]->name);
	print_options(cli_global_options);
	printf("' ;;\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		printf("\t%s) words='", cli_commands[i]->name);
		print_options(cli_commands[i]->options);
		printf("' ;;\n");
	}
	printf("\tesac\n\tcase $command in\n");
	print_names(of_workspaces, ARRAY_SIZE(of_workspaces), "ps -a -q");
	print_names(of_images, ARRAY_SIZE(of_images), "images -q");
	printf("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	       "complete -o default -F _mdocker " PROGRAM "\n");
	return 0;
}

const struct args_command cmd_completion = {
	.name = "completion",
	.summary = "Print a completion script for bash",
	.usage = "completion [bash]",
	.text = "source <(" PROGRAM " completion)",
	.run = run,
};
