/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the commands of mdocker-runtime share: the global options, reading a command's own,
 * and errors. Command line, output and exit codes are runc's: 0, 1 for a failure, 255 for an exec
 * that failed, else the program's own.
 */
#ifndef MD_OCI_CLI_H
#define MD_OCI_CLI_H

#include "base/args.h"
#include "base/compiler.h"
#include "base/error.h"
#include "runtime/container.h"

#define CLI_PROGRAM "mdocker-runtime"

enum {
	CLI_FAILED = 1,
	CLI_NO_COMMAND = 3, /* as runc has it */
	CLI_EXEC_FAILED = 255,
};

extern const struct args_command cmd_create, cmd_delete, cmd_events, cmd_exec, cmd_features,
	cmd_kill, cmd_list, cmd_pause, cmd_ps, cmd_resume, cmd_run, cmd_spec, cmd_start, cmd_state,
	cmd_update;

/* From the global options; set before any command runs. */
extern struct runtime cli_runtime;
extern bool cli_log_is_stderr;

/* Prints the error (to stderr, and to the log as a line of level error) and returns CLI_FAILED. */
int cli_fail(const struct md_error *err);

/* Reads a command's options; `options` may be NULL for a table without any. Options may stand
 * behind operands, but for `first_operand_ends`. The operands' number must be within min..max. 0:
 * go on, with the operands at argv[0..]; 1: the help was printed; -1: *err filled. */
int cli_parse(const struct args_command *c, void *options, int argc, char **argv, int min, int max,
	bool first_operand_ends, int *ret_count, struct md_error *err);

/* cli_parse() with its results as an exit code: true when the command is done with *ret_code. */
bool cli_parse_done(const struct args_command *c, void *options, int argc, char **argv, int min,
	int max, bool first_operand_ends, int *ret_count, int *ret_code);

/* Go's way to write a duration: "5s", "1m30s", "100ms". Milliseconds. */
int cli_duration(const char *text, int64_t *ret_ms);

/* A number from 0 to `max` given to option `name`. */
int cli_number(const char *name, int64_t value, int64_t max, struct md_error *err);

/* Options that create and run have in common. */
struct cli_create {
	struct create_options o;
	const char *bundle, *config, *console_socket, *pid_file;
	int64_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper, detach, keep;
};

#define CLI_CREATE_OPTIONS                                                                         \
	{ "bundle", 'b', ARGS_STRING, offsetof(struct cli_create, bundle), "DIR",                  \
		"the bundle's folder (default: the working directory)" },                          \
		{ "config", 'f', ARGS_STRING, offsetof(struct cli_create, config), "FILE",         \
			"instead of the bundle's config.json" },                                   \
		{ "console-socket", 0, ARGS_STRING, offsetof(struct cli_create, console_socket),   \
			"PATH", "unix socket that gets the terminal's master" },                   \
		{ "pid-file", 0, ARGS_STRING, offsetof(struct cli_create, pid_file), "FILE",       \
			"gets the pid of the container's first process" },                         \
		{ "no-pivot", 0, ARGS_FLAG, offsetof(struct cli_create, no_pivot), NULL,           \
			"move the root mount instead of pivot_root(2): for a root on initramfs" }, \
		{ "no-new-keyring", 0, ARGS_FLAG, offsetof(struct cli_create, no_new_keyring),     \
			NULL, "keep the caller's session keyring" },                               \
	{                                                                                          \
		"preserve-fds", 0, ARGS_INT, offsetof(struct cli_create, preserve_fds), "N",       \
			"pass descriptors 3 to N+2 on"                                             \
	}

/* Fills c->o from the options read. */
int cli_create_options(struct cli_create *c, struct md_error *err);

#endif
