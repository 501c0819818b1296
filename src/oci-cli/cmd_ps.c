/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "oci-cli/cli.h"

#include "base/poison.h"

enum { PS_OUTPUT_CEILING = 16 * 1024 * 1024 };

struct ps_options {
	const char *format;
};

static const struct args_option options[] = {
	{ "format", 'f', ARGS_STRING, offsetof(struct ps_options, format), "FORMAT",
		"table (default) or json" },
	ARGS_END,
};

static bool has_pid(const pid_t *pids, size_t count, long pid)
{
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

static int run_ps(int argc, char **argv, char **ret, struct md_error *err)
{
	_auto_strv_ struct strv words = STRV_INIT;
	struct spawn s = SPAWN_INIT;
	_auto_close_ int from = -1, to = -1;
	size_t len;
	int pair[2], code;
	pid_t pid;

	if (strv_add(&words, "ps") < 0 || strv_add_all(&words, argc ? argv : NULL) < 0 ||
		(argc == 0 && strv_add(&words, "-ef") < 0))
		return md_fail(err, ENOMEM, "out of memory");
	if (pipe2(pair, O_CLOEXEC) < 0)
		return md_fail_errno(err, "pipe");
	from = pair[0];
	to = pair[1];
	s.path = "/bin/ps";
	s.argv = words.items;
	s.envp = environ;
	s.std[1] = to;
	s.std[2] = STDERR_FILENO;
	pid = spawn_start(&s, NULL);
	if (pid < 0)
		return md_fail_errno(err, "%s", s.path);
	fd_close(&to);
	if (fd_read_to_end(from, PS_OUTPUT_CEILING, ret, &len) < 0)
		return md_fail_errno(err, "read the output of ps");
	code = spawn_wait(pid);
	return code ? md_fail(err, EIO, "ps ended with %d", code) : 0;
}

/* The column called PID, counted from 0; -1: none. */
static int pid_column(const char *head)
{
	for (int column = 0; *head && *head != '\n'; column++) {
		size_t len;

		head += strspn(head, " \t");
		len = strcspn(head, " \t\n");
		if (len == 3 && strncmp(head, "PID", 3) == 0)
			return column;
		head += len;
	}
	return -1;
}

static long number_in_column(const char *line, int column)
{
	for (; column > 0; column--) {
		line += strspn(line, " \t");
		line += strcspn(line, " \t\n");
	}
	return strtol(line, NULL, 10);
}

static int print_table(const pid_t *pids, size_t count, int argc, char **argv, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	char *at, *line;
	int column;

	if (run_ps(argc, argv, &text, err) < 0)
		return -1;
	at = text;
	line = strsep(&at, "\n");
	column = line ? pid_column(line) : -1;
	if (column < 0)
		return md_fail(err, EINVAL, "couldn't find PID field in ps output");
	puts(line);
	while ((line = strsep(&at, "\n"))) {
		if (line[0] && has_pid(pids, count, number_in_column(line, column)))
			puts(line);
	}
	return 0;
}

static void print_json(const pid_t *pids, size_t count)
{
	printf("[");
	for (size_t i = 0; i < count; i++)
		printf("%s%d", i ? "," : "", (int)pids[i]);
	printf("]\n");
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct ps_options o = { .format = "table" };
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ pid_t *pids = NULL;
	size_t pid_count;
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 1, 1 << 20, true, &count, &code))
		return code;
	/* As runc has it, options may follow the id too, up to those for ps itself. */
	if (count > 2 && (str_eq(argv[1], "-f") || str_eq(argv[1], "--format")) &&
		(str_eq(argv[2], "json") || str_eq(argv[2], "table"))) {
		o.format = argv[2];
		count -= 2;
		memmove(&argv[1], &argv[3], (size_t)count * sizeof(*argv));
	}
	if (!str_eq(o.format, "table") && !str_eq(o.format, "json")) {
		md_fail(&err, EINVAL, "invalid format option");
		return cli_fail(&err);
	}
	if (container_pids(&cli_runtime, argv[0], &pids, &pid_count, &err) < 0)
		return cli_fail(&err);
	if (str_eq(o.format, "json"))
		print_json(pids, pid_count);
	else if (print_table(pids, pid_count, count - 1, argv + 1, &err) < 0)
		return cli_fail(&err);
	return 0;
}

const struct args_command cmd_ps = {
	.name = "ps",
	.summary = "list the processes of a container, by their host pids",
	.usage = "ps [OPTIONS] ID [PS-OPTIONS]",
	.options = options,
	.run = run,
};
