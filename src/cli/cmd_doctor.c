/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `mdocker doctor`: what this host offers, and what is missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "engine/doctor.h"
#include "json/json_write.h"
#include "base/poison.h"

#define DEFAULT_CONFIG "/etc/minidocker/minidocker.conf"

enum { JSON_MAX = 64 << 10 };

struct doctor_options {
	bool json;
	const char *url, *config;
};

/* What is told so far. */
struct report {
	const struct doctor_options *options;
	struct json_writer json;
	bool broken;
};

static const struct args_option options[] = {
	{ "json", 0, ARGS_FLAG, offsetof(struct doctor_options, json), NULL, "as a JSON array" },
	{ "url", 0, ARGS_STRING, offsetof(struct doctor_options, url), "URL",
		"the address that people type (default: public-url of the configuration)" },
	{ "config", 0, ARGS_STRING, offsetof(struct doctor_options, config), "FILE",
		"the server's configuration (default " DEFAULT_CONFIG ", if it is there)" },
	ARGS_END,
};

static void print_line(const char *name, const struct doctor_result *r)
{
	printf("%-8s%-19s", doctor_level_name(r->level), name);
	cli_print_safe(r->found, 0);
	putchar('\n');
	if (r->advice[0]) {
		printf("%-8s%-19s", "", "");
		cli_print_safe(r->advice, 0);
		putchar('\n');
	}
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

static void tell(const char *name, const struct doctor_result *r, void *data)
{
	struct report *to = data;

	to->broken = to->broken || r->level == DOCTOR_BROKEN;
	if (to->options->json)
		write_json(&to->json, name, r);
	else
		print_line(name, r);
	/* A check forks: what is buffered must not be printed twice. */
	fflush(stdout);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_buf_ struct buf text = BUF_INIT(JSON_MAX);
	struct doctor_options o = { .json = false };
	struct report report = { .options = &o, .json = { .out = &text } };
	struct md_error err = MD_ERROR_INIT;
	const struct doctor_check *checks;
	size_t number;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, 0, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	if (!o.config && access(DEFAULT_CONFIG, R_OK) == 0)
		o.config = DEFAULT_CONFIG;
	checks = doctor_checks(&number);
	json_array_begin(&report.json, NULL);
	for (size_t i = 0; i < number; i++) {
		struct doctor_result r = { .level = DOCTOR_OK };

		checks[i].run(&e, &r);
		tell(checks[i].name, &r, &report);
	}
	doctor_url(o.url, o.config, tell, &report);
	json_array_end(&report.json);
	if (o.json)
		puts(buf_str(&text));
	return report.broken ? 1 : 0;
}

const struct args_command cmd_doctor = {
	.name = "doctor",
	.summary = "Check what this host offers, and say what is missing and what that costs",
	.usage = "doctor [OPTIONS]",
	.text = "ok: all of it is there. weaker: it works, with less. broken: workspaces can't be "
		"started, or people\n"
		"don't get to them; the exit code is then 1.",
	.options = options,
	.run = run,
};
