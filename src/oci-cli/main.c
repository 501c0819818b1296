/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - mdocker-runtime: an OCI runtime with runc's command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "oci-cli/cli.h"
#include "oci/spec.h"

#include "base/poison.h"

static const struct args_command *const commands[] = {
	&cmd_create,
	&cmd_delete,
	&cmd_events,
	&cmd_exec,
	&cmd_features,
	&cmd_kill,
	&cmd_list,
	&cmd_pause,
	&cmd_ps,
	&cmd_resume,
	&cmd_run,
	&cmd_spec,
	&cmd_start,
	&cmd_state,
	&cmd_update,
};

struct globals {
	const char *root, *log, *log_format, *log_level, *rootless, *cgroup_manager, *criu;
	bool debug, systemd_cgroup, version, help;
};

#define AT(member) offsetof(struct globals, member)

static const struct args_option global_options[] = {
	{ "root", 0, ARGS_STRING, AT(root), "DIR",
		"folder of the containers' state (default: /run/mdocker-runtime)" },
	{ "log", 0, ARGS_STRING, AT(log), "FILE", "where the log goes (default: stderr)" },
	{ "log-format", 0, ARGS_STRING, AT(log_format), "FORMAT", "text (default) or json" },
	{ "log-level", 0, ARGS_STRING, AT(log_level), "LEVEL",
		"debug, warning (default) or error" },
	{ "debug", 0, ARGS_FLAG, AT(debug), NULL, "log more" },
	{ "systemd-cgroup", 0, ARGS_FLAG, AT(systemd_cgroup), NULL,
		"cgroups by systemd; cgroupsPath is then SLICE:PREFIX:NAME" },
	{ "cgroup-manager", 0, ARGS_STRING, AT(cgroup_manager), "NAME",
		"cgroupfs (default), systemd" },
	{ "rootless", 0, ARGS_STRING, AT(rootless), "BOOL", "true, false or auto (default)" },
	{ "criu", 0, ARGS_STRING, AT(criu), "PATH", "ignored" },
	{ "version", 'v', ARGS_FLAG, AT(version), NULL, "print the version" },
	{ "help", 'h', ARGS_FLAG, AT(help), NULL, "print this help" },
	ARGS_END,
};

static void print_help(void)
{
	printf("Usage: " CLI_PROGRAM " [OPTIONS] COMMAND [OPTIONS] [ARGS...]\n\n"
	       "An OCI runtime: makes containers from bundles.\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nOptions:\n");
	args_help(global_options);
}

/* The last line is how crun tells what it was built with; engines look for it. */
static void print_version(void)
{
	printf(CLI_PROGRAM " version " MD_VERSION "\nspec: " OCI_SPEC_VERSION "\n"
			   "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF\n");
}

static int check_word(
	const char *name, const char *value, const char *const *words, struct md_error *err)
{
	for (size_t i = 0; words[i]; i++) {
		if (str_eq(words[i], value))
			return (int)i;
	}
	return md_fail(err, EINVAL, "option --%s: '%s' is not known", name, value);
}

static int open_log(const struct globals *g, struct md_error *err)
{
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const levels[] = { "debug", "info", "warning", "error", NULL };
	int format =
		check_word("log-format", g->log_format[0] ? g->log_format : "text", formats, err);
	int level = check_word("log-level", g->log_level, levels, err);
	int fd = STDERR_FILENO;

	if (format < 0 || level < 0)
		return -1;
	if (g->log && g->log[0]) {
		fd = open(g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			0644);
		if (fd < 0)
			return md_fail_errno(err, "open the log %s", g->log);
		cli_log_is_stderr = false;
	}
	if (fd != STDERR_FILENO || format == 1)
		log_open(fd, (enum log_level)level, format == 1);
	log_set_level(g->debug ? LOG_DEBUG : (enum log_level)level);
	return 0;
}

/* crun:FILE, file:FILE and the like are spellings of crun's --log. */
static void strip_log_scheme(struct globals *g)
{
	if (g->log && str_starts(g->log, "file:"))
		g->log += strlen("file:");
}

static int default_root(struct globals *g, struct md_error *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	bool rootless = cli_runtime.rootless == 1 || (cli_runtime.rootless < 0 && geteuid() != 0);

	if (g->root && g->root[0])
		return 0;
	g->root = "/run/" CLI_PROGRAM;
	if (rootless && run && run[0] == '/') {
		g->root = str_format("%s/" CLI_PROGRAM, run);
		if (!g->root)
			return md_fail(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int apply_globals(struct globals *g, struct md_error *err)
{
	/* As runc has them, which reads Go's words for yes and no. */
	static const char *const rootless[] = { "auto", "", "true", "TRUE", "True", "t", "T", "1",
		"false", "FALSE", "False", "f", "F", "0", NULL };
	static const char *const managers[] = { "cgroupfs", "systemd", NULL };
	int word;

	strip_log_scheme(g);
	if (open_log(g, err) < 0)
		return -1;
	word = check_word("rootless", g->rootless, rootless, err);
	if (word < 0)
		return -1;
	cli_runtime.rootless = word < 2 ? -1 : word < 8;
	word = check_word("cgroup-manager", g->cgroup_manager, managers, err);
	if (word < 0)
		return -1;
	cli_runtime.systemd_cgroup = g->systemd_cgroup || word == 1;
	if (default_root(g, err) < 0)
		return -1;
	cli_runtime.root = g->root;
	cli_runtime.notify_socket = getenv("NOTIFY_SOCKET");
	return 0;
}

static const struct args_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (str_eq(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int help(const char *name)
{
	const struct args_command *command = name ? find_command(name) : NULL;

	if (command)
		args_command_help(CLI_PROGRAM, command);
	else
		print_help();
	return 0;
}

/* A closed descriptor 0, 1 or 2 would be taken by the first file we open, and that be what the
 * container writes to. */
static int keep_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct globals g = { .log_format = "text",
		.log_level = "warning",
		.rootless = "auto",
		.cgroup_manager = "cgroupfs" };
	struct md_error err = MD_ERROR_INIT;
	const struct args_command *command;
	int count;

	if (keep_standard_fds() < 0)
		return CLI_FAILED;
	log_init(CLI_PROGRAM);
	if (args_parse(global_options, &g, argc, argv, true, &count, &err) < 0)
		return cli_fail(&err);
	if (g.version) {
		print_version();
		return 0;
	}
	if (g.help || count == 0 || str_eq(argv[0], "help"))
		return help(count > 1 ? argv[1] : NULL);
	if (apply_globals(&g, &err) < 0)
		return cli_fail(&err);
	command = find_command(argv[0]);
	if (!command) {
		md_fail(&err, EINVAL, "unknown command '%s'", argv[0]);
		cli_fail(&err);
		return CLI_NO_COMMAND;
	}
	return command->run(command, count, argv);
}
