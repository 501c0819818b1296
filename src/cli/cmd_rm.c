/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rm.c - `mdocker rm`: workspaces and their files, for good. */
#define _GNU_SOURCE
#include <errno.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "base/poison.h"

struct rm_options {
	bool force;
};

static const struct args_option options[] = {
	{ "force", 'f', ARGS_FLAG, offsetof(struct rm_options, force), NULL,
		"running ones, too; by its ID, one whose document is damaged; what isn't there is "
		"no error" },
	ARGS_END,
};

static int remove_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	const struct rm_options *o = data;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;

	if (engine_find_locked(e, name, &w, &lock, err) < 0) {
		if (!o->force || err->code != ENOENT)
			return -1;
		if (engine_find_damaged(e, name, &w, &lock, err) < 0)
			return err->code == ENOENT ? 0 : -1;
	}
	return workspace_remove(e, &w, o->force, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct rm_options o = { .force = false };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, -1, &count);

	return code >= 0 ? code : cli_open_each(count, argv, remove_one, &o);
}

const struct args_command cmd_rm = {
	.name = "rm",
	.summary = "Remove workspaces and their files for good",
	.usage = "rm [-f] WORKSPACE...",
	.options = options,
	.run = run,
};
