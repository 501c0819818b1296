/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_stats.c - `mdocker stats`: what running workspaces use, as the runtime tells it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "engine/usage.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { STATS_MAX = 1 << 20 };

struct stats_options {
	const char *format;
};

static const struct args_option options[] = {
	CLI_FORMAT(struct stats_options, "a JSON object a line"),
	ARGS_END,
};

static void print_row(const struct workspace *w, const struct usage *u)
{
	printf("%-14s", w->id);
	cli_print_safe(w->name, 18);
	printf("%12.2f s  %8.1f / %-10.1f  %5llu / %-5llu", (double)u->cpu_ns / 1e9,
		(double)u->memory / (1 << 20), (double)w->limits.memory / (1 << 20),
		(unsigned long long)u->pids, (unsigned long long)w->limits.pids);
	printf("  %8.1f / %-10.1f", (double)u->read_bytes / (1 << 20),
		(double)u->write_bytes / (1 << 20));
	if (w->limits.disk)
		printf("  %8.1f / %.1f", (double)u->disk.bytes_used / (1 << 20),
			(double)u->disk.bytes / (1 << 20));
	putchar('\n');
}

static void print_json(const struct workspace *w, const struct usage *u)
{
	_auto_buf_ struct buf line = BUF_INIT(STATS_MAX);
	struct json_writer j = { .out = &line };

	json_object_begin(&j, NULL);
	json_add_string(&j, "id", w->id);
	json_add_string(&j, "name", w->name);
	json_add_u64(&j, "cpuNs", u->cpu_ns);
	json_add_u64(&j, "memory", u->memory);
	json_add_u64(&j, "memoryLimit", w->limits.memory);
	json_add_u64(&j, "pids", u->pids);
	json_add_u64(&j, "pidsLimit", w->limits.pids);
	json_add_u64(&j, "disk", u->disk.bytes_used);
	json_add_u64(&j, "diskLimit", u->disk.bytes);
	json_add_string(&j, "diskKind", u->disk_kind);
	json_add_u64(&j, "inodes", u->disk.inodes_used);
	json_add_u64(&j, "inodesLimit", u->disk.inodes);
	json_add_u64(&j, "readBytes", u->read_bytes);
	json_add_u64(&j, "writeBytes", u->write_bytes);
	json_add_u64(&j, "reads", u->reads);
	json_add_u64(&j, "writes", u->writes);
	limits_write(&w->limits, &j);
	json_object_end(&j);
	puts(buf_str(&line));
}

static int show(struct engine *e, const struct workspace *w, bool json, struct md_error *err)
{
	struct usage u;

	if (workspace_usage(e, w, &u, err) < 0)
		return md_wrap(err, "stats of '%s'", w->name);
	if (json)
		print_json(w, &u);
	else
		print_row(w, &u);
	return 0;
}

static int show_named(struct engine *e, const char *name, bool json, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	bool running;

	if (engine_find(e, name, &w, err) < 0)
		return -1;
	running = workspace_is_running(e, &w);
	if (running && show(e, &w, json, err) == 0)
		return 0;
	return running && workspace_stays(e, &w)
		       ? -1
		       : md_fail(err, ESRCH, "workspace '%s' is not running", w.name);
}

static int show_running(
	struct engine *e, const struct workspace *w, const void *data, struct md_error *err)
{
	const struct stats_options *o = data;

	if (!workspace_is_running(e, w) || show(e, w, o->format, err) == 0)
		return 0;
	/* One that ended in between is no failure. */
	return workspace_stays(e, w) ? -1 : 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct stats_options o = { .format = NULL };
	struct md_error err = MD_ERROR_INIT;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, -1, &count);

	if (code >= 0 || (code = cli_check_format(c, o.format)) >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	if (!o.format)
		printf("%-14s%-18s%14s  %21s  %s  %21s  %s\n", "ID", "NAME", "CPU TIME",
			"MEMORY / LIMIT (MB)", "PIDS / LIMIT ", "READ / WRITTEN (MB)",
			"DISK / LIMIT (MB)");
	if (count == 0)
		return cli_each_workspace(&e, show_running, &o);
	code = 0;
	for (int i = 0; i < count; i++) {
		if (show_named(&e, argv[i], o.format != NULL, &err) < 0)
			code = cli_fail(&err, 1);
	}
	return code;
}

const struct args_command cmd_stats = {
	.name = "stats",
	.summary = "Show what running workspaces use",
	.usage = "stats [--format json] [WORKSPACE...]",
	.options = options,
	.run = run,
};
