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

/* Of a table: a column below its head, and the words that its lines begin with where it has none. */
#define FIRST_COLUMN  " | sed '1d; s/ .*//'"
#define SECOND_COLUMN " | sed '1d; s/^[^ ]* *//; s/ .*//'"
#define FIRST_WORDS   " | sed '/^ /d; s/ .*//'"

#define WORKSPACES "ps -a" SECOND_COLUMN

/* Where names come from: a command of ours. `at` is a pattern for "OPERANDS/COMMAND/VERB", OPERANDS counting both. */
static const struct {
	const char *at, *source;
} operands[] = {
	{ "*/exec/*|*/attach/*|*/start/*|*/stop/*|*/kill/*|*/rm/*|*/update/*|*/logs/*|*/stats/*|*/"
	  "inspect/*",
		WORKSPACES },
	{ "*/run/*|*/rmi/*", "images -q" },
	{ "2/recordings/ls|2/recordings/export|2/recordings/rm", WORKSPACES },
	{ "3/recordings/export|3/recordings/rm", "recordings ls \"${at[2]}\"" FIRST_COLUMN },
	{ "2/network/attach|2/network/detach", WORKSPACES },
	{ "2/workspace/*", WORKSPACES },
	{ "2/profile/show", "ps" SECOND_COLUMN },
	{ "2/template/set|2/template/show|2/template/rm", "template ls" FIRST_WORDS },
};

/* The same for values of options. */
static const struct {
	const char *option, *source;
} values[] = {
	{ "--profile", "profile ls" FIRST_WORDS },
	{ "--template", "template ls" FIRST_WORDS },
	{ "--image", "images -q" },
};

static void print_source(const char *pattern, const char *before, const char *source)
{
	printf("\t%s) words=\"%s$(" PROGRAM " \"${where[@]}\" %s)\" ;;\n", pattern, before, source);
}

static void print_head(void)
{
	printf("_mdocker()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words= i at=() where=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${#at[@]}${COMP_WORDS[i]} in\n"
	       "\t\t0--root|0--state|0--runtime) where+=(\"${COMP_WORDS[@]:i:2}\"); ((i++)) ;;\n"
	       "\t\t?-*) ;;\n"
	       "\t\t*) at+=(\"${COMP_WORDS[i]}\") ;;\n"
	       "\t\tesac\n\tdone\n");
}

static void print_words(void)
{
	printf("\tcase ${at[0]} in\n\t'') words='");
	for (size_t i = 0; cli_commands[i]; i++)
		printf("%s ", cli_commands[i]->name);
	print_options(cli_global_options);
	printf("' ;;\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		printf("\t%s) words='", cli_commands[i]->name);
		print_options(cli_commands[i]->options);
		printf("' ;;\n");
	}
	printf("\tesac\n");
}

static void print_names(void)
{
	printf("\tcase ${#at[@]}/${at[0]}/${at[1]} in\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		if (cli_commands[i]->verbs)
			printf("\t1/%s/*) words+=' %s' ;;\n", cli_commands[i]->name,
				cli_commands[i]->verbs);
	}
	for (size_t i = 0; i < ARRAY_SIZE(operands); i++)
		print_source(operands[i].at, "$words ", operands[i].source);
	printf("\tesac\n\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n");
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		print_source(values[i].option, "", values[i].source);
	printf("\tesac\n");
}

static int run(const struct args_command *c, int argc, char **argv)
{
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 0, 1, &count);

	if (code >= 0)
		return code;
	if (count == 1 && !str_eq(argv[0], "bash"))
		return cli_usage(c, "only bash is known");
	print_head();
	print_words();
	print_names();
	printf("\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n} 2>/dev/null\n"
	       "complete -o default -F _mdocker " PROGRAM "\n");
	return 0;
}

const struct args_command cmd_completion = {
	.name = "completion",
	.summary = "Print a completion script for bash",
	.usage = "completion [bash]",
	.verbs = "bash",
	.text = "source <(" PROGRAM " completion)",
	.run = run,
};
