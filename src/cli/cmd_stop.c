/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_stop.c - `mdocker stop`: TERM, then KILL; the files stay. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "cli/cli.h"
#include "base/poison.h"

enum { SECONDS_MAX = 600, AT_ONCE = 8 };

struct stop_options {
	bool all;
	int64_t seconds;
};

static const struct args_option options[] = {
	{ "all", 0, ARGS_FLAG, offsetof(struct stop_options, all), NULL, "all that run" },
	{ "time", 't', ARGS_INT, offsetof(struct stop_options, seconds), "SECONDS",
		"from TERM to KILL (10)" },
	ARGS_END,
};

static int stop_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	const struct stop_options *o = data;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;

	if (engine_find_locked(e, name, &w, &lock, err) < 0)
		return -1;
	if (workspace_stop(e, &w, (uint32_t)o->seconds * 1000, "the administrator", err) < 0)
		return -1;
	return w.remove_on_exit ? workspace_remove(e, &w, false, err) : 0;
}

/* Waits for one of our children; true if it succeeded. */
static bool wait_one(void)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, 0);
	} while (pid < 0 && errno == EINTR);
	return pid > 0 && spawn_exit_code(status) == 0;
}

/* Each stop is mostly waiting, so several go at once; an end of the host shall not take ten seconds
 * a workspace. */
static int stop_all(struct engine *e, struct stop_options *o)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	struct md_error err = MD_ERROR_INIT;
	size_t children = 0;
	bool good = true;

	if (engine_list(e, &l, &err) < 0)
		return cli_fail(&err, 1);
	for (size_t i = 0; i < l.count; i++) {
		char *id = l.items[i].id;
		pid_t pid;

		if (!workspace_is_running(e, &l.items[i]))
			continue;
		for (; children >= AT_ONCE; children--)
			good = wait_one() && good;
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			int code = cli_each(e, 1, &id, stop_one, o);

			fflush(stdout);
			_exit(code);
		}
		if (pid > 0)
			children++;
		else
			good = cli_each(e, 1, &id, stop_one, o) == 0 && good;
	}
	for (; children; children--)
		good = wait_one() && good;
	return good ? 0 : 1;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct stop_options o = { .seconds = 10 };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, -1, &count);

	if (code >= 0)
		return code;
	if (o.seconds < 0 || o.seconds > SECONDS_MAX)
		return cli_usage(c, "--time is 0 to %d seconds", SECONDS_MAX);
	if (o.all ? count > 0 : count == 0)
		return cli_usage(c, "name workspaces, or --all");
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	return o.all ? stop_all(&e, &o) : cli_each(&e, count, argv, stop_one, &o);
}

const struct args_command cmd_stop = {
	.name = "stop",
	.summary = "Stop running workspaces; their files stay",
	.usage = "stop [-t SECONDS] (--all | WORKSPACE...)",
	.options = options,
	.run = run,
};
