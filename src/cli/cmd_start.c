/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_start.c - `mdocker start`: a stopped workspace again, with its files. */
#define _GNU_SOURCE
#include "base/fd.h"
#include "cli/cli.h"
#include "base/poison.h"

static int start_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;
	struct start_options o = START_OPTIONS_INIT;

	if (engine_find_locked(e, name, &w, &lock, err) < 0)
		return -1;
	if (workspace_stays(e, &w))
		return 0;
	o.main = w.kind == WORKSPACE_RUN;
	o.lock = lock;
	return workspace_start(e, &w, &o, NULL, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 1, -1, &count);

	return code >= 0 ? code : cli_open_each(count, argv, start_one, NULL);
}

const struct args_command cmd_start = {
	.name = "start",
	.summary = "Start stopped workspaces, in the background",
	.usage = "start WORKSPACE...",
	.text = "One that runs already is left as it is.",
	.run = run,
};
