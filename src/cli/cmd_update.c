/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_update.c - `mdocker update`: other limits for workspaces, running ones too. */
#define _GNU_SOURCE
#include <errno.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/limit_options.h"
#include "engine/setting.h"
#include "base/poison.h"

struct update_options {
	struct strv limits;
};

static const struct args_option options[] = {
	CLI_LIMITS(struct update_options, limits),
	ARGS_END,
};

static void options_done(struct update_options *o)
{
	strv_done(&o->limits);
}

static int update_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	const struct update_options *o = data;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;
	struct limits l;

	if (engine_find_locked(e, name, &w, &lock, err) < 0)
		return -1;
	l = w.limits;
	if (settings_apply_limits(&l, &o->limits, err) < 0)
		return -1;
	return workspace_update(e, &w, &l, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_(options_done) struct update_options o = { .limits = STRV_INIT };
	struct limits tried = LIMITS_DEFAULT;
	struct md_error err = MD_ERROR_INIT;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, -1, &count);

	if (code >= 0)
		return code;
	if (!o.limits.count)
		return cli_usage(c, "name at least one limit");
	if (settings_apply_limits(&tried, &o.limits, &err) < 0)
		return cli_usage(c, "%s", err.msg);
	return cli_open_each(count, argv, update_one, &o);
}

const struct args_command cmd_update = {
	.name = "update",
	.summary = "Change the limits of workspaces, at once if they run",
	.usage = "update [OPTIONS] WORKSPACE...",
	.text = "What isn't named stays. 0 takes a limit away. A disk without a project quota can "
		"only grow.",
	.options = options,
	.run = run,
};
