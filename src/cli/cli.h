/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands of `mdocker` share. A command is one file with one `const struct
 * args_command cmd_NAME`; main.c has the table of them.
 */
#ifndef MD_CLI_CLI_H
#define MD_CLI_CLI_H

#include "base/args.h"
#include "base/compiler.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/lifecycle.h"

/* Docker's: the container could not be had, its command not executed, not found. */
enum { EXIT_CONTAINER = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

#define PROGRAM "mdocker"

extern const struct args_command *const cli_commands[]; /* ends with NULL */
const struct args_command *cli_find_command(const char *name);

extern const struct args_option cli_global_options[];
/* --root, --state, --runtime as given, or their defaults. */
const struct engine_options *cli_engine_options(void);

/* Prints "mdocker: message" and returns `code`: `return cli_fail(&err, 1);` */
int cli_fail(const struct md_error *err, int code);

/* "mdocker: message" and 125, followed by how to get help: for a wrong command line. */
int cli_usage(const struct args_command *c, const char *fmt, ...) _printf_(2, 3);

/* For a name that no command has; 125, too. */
int cli_no_command(const char *name);

/* args_parse() for a command, and --help. -1: go on, else the exit code. Options must hold `min` to
 * `max` operands (-1: any number); usage errors are 125 for every command, as Docker has it. */
int cli_parse(const struct args_command *c, void *options, int argc, char **argv,
	bool stop_at_operand, int min, int max, int *ret_count);

/* Calls `each` for every name of argv, after an error too; the exit code is 1 if one failed. */
int cli_each(struct engine *e, int argc, char **argv,
	int (*each)(struct engine *e, const char *name, void *data, struct md_error *err),
	void *data);

/* The same, with an engine of its own: the end of commands that do one thing to each of their operands. */
int cli_open_each(int argc, char **argv,
	int (*each)(struct engine *e, const char *name, void *data, struct md_error *err),
	void *data);

/* Calls `each` for every workspace, after an error too; the exit code is 1 if one failed. */
int cli_each_workspace(struct engine *e,
	int (*each)(struct engine *e, const struct workspace *w, const void *data,
		struct md_error *err),
	const void *data);

/* A list's --format FORMAT, and its check: -1: good, or none; else the exit code. */
#define CLI_FORMAT(options_struct, what)                                                           \
	{                                                                                          \
		"format", 0, ARGS_STRING, offsetof(options_struct, format), "json", what           \
	}
int cli_check_format(const struct args_command *c, const char *format);

/* Removes `run --rm` workspaces that ended with nobody waiting. */
void cli_reap(struct engine *e);

/* "3 minutes ago", "2 hours ago": into `to`. */
void cli_age(int64_t then, char *to, size_t room);

/* Prints `text`, '?' in place of control characters and of what is no UTF-8: a workspace may have chosen it. Then blanks, up to
 * `width` characters in all and at least one; none with a width of 0. */
void cli_print_safe(const char *text, int width);

extern const struct args_command cmd_attach, cmd_audit, cmd_completion, cmd_doctor, cmd_exec,
	cmd_help, cmd_images, cmd_import, cmd_inspect, cmd_kill, cmd_logs, cmd_network, cmd_profile,
	cmd_ps, cmd_recordings, cmd_rm, cmd_rmi, cmd_run, cmd_start, cmd_stats, cmd_stop,
	cmd_system, cmd_template, cmd_terminals, cmd_update, cmd_version, cmd_workspace;

#endif
