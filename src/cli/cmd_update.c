/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_update.c - `mdocker update`: other limits for workspaces, running ones too. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "base/poison.h"

/* Values that no person means: the option was not given. */
#define NO_SIZE  UINT64_MAX
#define NO_COUNT INT64_MIN

struct update_options {
	uint64_t memory, disk;
	int64_t pids;
	const char *cpus;
};

#define OPT(field) offsetof(struct update_options, field)

static const struct args_option options[] = {
	{ "memory", 'm', ARGS_SIZE, OPT(memory), "SIZE", "limit, swap included (0: none)" },
	{ "pids-limit", 0, ARGS_INT, OPT(pids), "N", "limit of processes (0: none)" },
	{ "cpus", 0, ARGS_STRING, OPT(cpus), "N", "limit of processors, such as 0.5 (0: none)" },
	{ "disk", 0, ARGS_SIZE, OPT(disk), "SIZE", "a larger disk" },
	ARGS_END,
};

static int update_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	const struct update_options *o = data;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;
	struct limits l;

	if (engine_find_locked(e, name, &w, &lock, err) < 0)
		return -1;
	l = w.limits;
	if (o->memory != NO_SIZE)
		l.memory = o->memory;
	if (o->disk != NO_SIZE)
		l.disk = o->disk;
	if (o->pids != NO_COUNT)
		l.pids = o->pids > 0 ? (uint64_t)o->pids : 0;
	if (o->cpus && limits_parse_cpus(o->cpus, &l.cpu_millis, err) < 0)
		return -1;
	return workspace_update(e, &w, &l, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct update_options o = { .memory = NO_SIZE, .disk = NO_SIZE, .pids = NO_COUNT };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, -1, &count);

	if (code >= 0)
		return code;
	if (o.memory == NO_SIZE && o.disk == NO_SIZE && o.pids == NO_COUNT && !o.cpus)
		return cli_usage(c, "name at least one limit");
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	return cli_each(&e, count, argv, update_one, &o);
}

const struct args_command cmd_update = {
	.name = "update",
	.summary = "Change the limits of workspaces, at once if they run",
	.usage = "update [OPTIONS] WORKSPACE...",
	.options = options,
	.run = run,
};
