/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h - command lines from tables: a command is a descriptor (name, summary, usage, options,
 * run); its parsing, help, man page and completion come from the table.
 *
 * Spellings: `--name value`, `--name=value`, `-n value`, `-nvalue`, bundled flags `-it`, `--flag`,
 * `--flag=true|false`, and the one-dash long form of Go's flag package (`-name`) when no short
 * option has that letter. `--` ends the options.
 */
#ifndef MD_BASE_ARGS_H
#define MD_BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

enum args_kind {
	ARGS_FLAG,   /* bool * */
	ARGS_STRING, /* const char **, borrowed from argv */
	ARGS_LIST,   /* struct strv *, may be given more than once */
	ARGS_INT,    /* int64_t * */
	ARGS_SIZE,   /* uint64_t *: bytes, "100m" */
	/* struct strv *: "name=value" is added; several options share one list, in the order in which
	 * they were given */
	ARGS_SETTING,
};

struct args_option {
	const char *name; /* long, without dashes */
	char letter;      /* short, or 0 */
	enum args_kind kind;
	size_t offset;        /* of its field in the options struct of the command */
	const char *argument; /* how help names the value: "FILE" */
	const char *help;     /* one line */
};

/* Tables end with an entry whose name is NULL. */
#define ARGS_END                                                                                   \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* Reads options of `table` into `options` (a struct of the caller's, fields preset to their
 * defaults). With `stop_at_operand` the first word that is no option ends them (as in `run IMAGE
 * CMD -x`), else options may stand among the operands. argv[0] is skipped. The operands are left,
 * in order, at argv[0..*ret_count); they are borrowed. 0; or -1 with "unknown option --foo",
 * "option --foo needs a value", ... in `err` (code EINVAL). */
int args_parse(const struct args_option *table, void *options, int argc, char **argv,
	bool stop_at_operand, int *ret_count, struct md_error *err);

/* Writes the options of `table` as aligned help lines to stdout. */
void args_help(const struct args_option *table);

/* A command of a program with subcommands. */
struct args_command {
	const char *name;
	const char *summary; /* one line, for the list of commands */
	const char *usage;   /* "run [OPTIONS] [IMAGE] [COMMAND [ARG...]]" */
	const char *text;    /* further paragraphs of its help, or NULL */
	const char *verbs;   /* what its first operand may be, apart by blanks, or NULL */
	const struct args_option *options;
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(const struct args_command *c, int argc, char **argv);
};

/* "Usage: PROGRAM usage", the summary, the options: for `COMMAND --help`. */
void args_command_help(const char *program, const struct args_command *c);

#endif
