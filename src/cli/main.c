/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `mdocker`: options for all commands, the table of commands. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "base/poison.h"

const struct args_command *const cli_commands[] = {
	&cmd_run,
	&cmd_exec,
	&cmd_attach,
	&cmd_ps,
	&cmd_start,
	&cmd_stop,
	&cmd_kill,
	&cmd_rm,
	&cmd_update,
	&cmd_logs,
	&cmd_stats,
	&cmd_inspect,
	&cmd_images,
	&cmd_import,
	&cmd_rmi,
	&cmd_workspace,
	&cmd_terminals,
	&cmd_recordings,
	&cmd_network,
	&cmd_audit,
	&cmd_template,
	&cmd_profile,
	&cmd_system,
	&cmd_doctor,
	&cmd_completion,
	&cmd_version,
	&cmd_help,
	NULL,
};

static struct global {
	struct engine_options engine;
	bool help;
	bool version;
} global = {
	.engine = { .root = ENGINE_DEFAULT_ROOT, .state = ENGINE_DEFAULT_STATE },
};

const struct args_option cli_global_options[] = {
	{ "root", 0, ARGS_STRING, offsetof(struct global, engine.root), "DIR",
		"images and workspaces (" ENGINE_DEFAULT_ROOT ")" },
	{ "state", 0, ARGS_STRING, offsetof(struct global, engine.state), "DIR",
		"what lives till the next boot (" ENGINE_DEFAULT_STATE ")" },
	{ "runtime", 0, ARGS_STRING, offsetof(struct global, engine.runtime), "PATH",
		"OCI runtime (mdocker-runtime)" },
	{ "help", 'h', ARGS_FLAG, offsetof(struct global, help), NULL, "this text" },
	{ "version", 'v', ARGS_FLAG, offsetof(struct global, version), NULL, "the version" },
	ARGS_END,
};

const struct engine_options *cli_engine_options(void)
{
	return &global.engine;
}

const struct args_command *cli_find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		if (str_eq(cli_commands[i]->name, name))
			return cli_commands[i];
	}
	return NULL;
}

/* A caller that closed 0, 1 or 2 must not find a file of ours there. */
static void fill_std_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run_command(int argc, char **argv)
{
	const struct args_command *c = cli_find_command(argv[0]);

	if (!c)
		return cli_no_command(argv[0]);
	if (argc > 1 && str_eq(argv[1], "--help")) {
		args_command_help(PROGRAM, c);
		return 0;
	}
	return c->run(c, argc, argv);
}

int main(int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	fill_std_fds();
	log_init(PROGRAM);
	signal(SIGPIPE, SIG_IGN);
	if (args_parse(cli_global_options, &global, argc, argv, true, &count, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (global.version)
		code = cmd_version.run(&cmd_version, 0, argv);
	else if (global.help || count == 0)
		code = cmd_help.run(&cmd_help, 0, argv);
	else
		code = run_command(count, argv);
	if (fflush(stdout) != 0 && code == 0) {
		fprintf(stderr, PROGRAM ": writing the output: %s\n", strerror(errno));
		code = 1;
	}
	return code;
}
