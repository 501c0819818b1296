/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `mdocker doctor`: what this host offers, and what is missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "engine/doctor.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { JSON_MAX = 64 << 10 };

struct doctor_options {
	bool json;
};

static const struct args_option options[] = {
	{ "json", 0, ARGS_FLAG, offsetof(struct doctor_options, json), NULL, "as a JSON array" },
	ARGS_END,
};

static void print_line(const char *name, const struct doctor_result *r)
{
	printf("%-8s%-17s", doctor_level_name(r->level), name);
	cli_print_safe(r->found, 0);
	putchar('\n');
	if (r->advice[0])
		printf("%-8s%-17s%s\n", "", "", r->advice);
}

static void write_json(struct json_writer *w, const char *name, const struct doctor_result *r)
{
	json_object_begin(w, NULL);
	json_add_string(w, "check", name);
	json_add_string(w, "level", doctor_level_name(r->level));
	json_add_string(w, "found", r->found);
	json_add_string(w, "advice", r->advice);
	json_object_end(w);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(JSON_MAX);
	struct json_writer w = { .out = &text };
	struct doctor_options o = { .json = false };
	struct md_error err = MD_ERROR_INIT;
	const struct doctor_check *checks;
	bool broken = false;
	size_t number;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, 0, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	checks = doctor_checks(&number);
	json_array_begin(&w, NULL);
	for (size_t i = 0; i < number; i++) {
		struct doctor_result r = { .level = DOCTOR_OK };

		checks[i].run(&e, &r);
		broken = broken || r.level == DOCTOR_BROKEN;
		if (o.json)
			write_json(&w, checks[i].name, &r);
		else
			print_line(checks[i].name, &r);
		/* A check forks: what is buffered must not be printed twice. */
		fflush(stdout);
	}
	json_array_end(&w);
	if (o.json)
		puts(buf_str(&text));
	return broken ? 1 : 0;
}

const struct args_command cmd_doctor = {
	.name = "doctor",
	.summary = "Check what this host offers, and say what is missing and what that costs",
	.usage = "doctor [--json]",
	.text = "ok: all of it is there. weaker: it works, with less. broken: workspaces can't be "
		"started; the exit\n"
		"code is then 1.",
	.options = options,
	.run = run,
};
