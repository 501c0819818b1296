/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/poison.h"

int cli_fail(const struct md_error *err, int code)
{
	fflush(stdout);
	fprintf(stderr, PROGRAM ": %s\n", err->msg);
	return code;
}

int cli_usage(const struct args_command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, PROGRAM ": ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": see `" PROGRAM " help %s`\n", c->name);
	return EXIT_CONTAINER;
}

int cli_no_command(const char *name)
{
	fprintf(stderr, PROGRAM ": no command '%.80s': `" PROGRAM " help` lists them\n", name);
	return EXIT_CONTAINER;
}

/* --help anywhere among the command's own options. */
static bool wants_help(int argc, char **argv, bool stop_at_operand)
{
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--") || (stop_at_operand && argv[i][0] != '-'))
			return false;
		if (str_eq(argv[i], "--help"))
			return true;
	}
	return false;
}

int cli_parse(const struct args_command *c, void *options, int argc, char **argv,
	bool stop_at_operand, int min, int max, int *ret_count)
{
	static const struct args_option none[] = { ARGS_END };
	struct md_error err = MD_ERROR_INIT;

	if (wants_help(argc, argv, stop_at_operand)) {
		args_command_help(PROGRAM, c);
		return 0;
	}
	if (args_parse(c->options ? c->options : none, options, argc, argv, stop_at_operand,
		    ret_count, &err) < 0)
		return cli_usage(c, "%s", err.msg);
	if (*ret_count < min)
		return cli_usage(c, "%s needs %s: %s", c->name,
			min == 1 ? "an argument" : "more arguments", c->usage);
	if (max >= 0 && *ret_count > max)
		return cli_usage(c, "too many arguments, from '%s' on", argv[max]);
	return -1;
}

int cli_each(struct engine *e, int argc, char **argv,
	int (*each)(struct engine *e, const char *name, void *data, struct md_error *err),
	void *data)
{
	int code = 0;

	for (int i = 0; i < argc; i++) {
		struct md_error err = MD_ERROR_INIT;

		if (each(e, argv[i], data, &err) < 0)
			code = cli_fail(&err, 1);
		else
			printf("%s\n", argv[i]);
	}
	return code;
}

int cli_open_each(int argc, char **argv,
	int (*each)(struct engine *e, const char *name, void *data, struct md_error *err),
	void *data)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;

	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	return cli_each(&e, argc, argv, each, data);
}

int cli_each_workspace(struct engine *e,
	int (*each)(struct engine *e, const struct workspace *w, const void *data,
		struct md_error *err),
	const void *data)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	struct md_error err = MD_ERROR_INIT;
	int code = 0;

	if (engine_list(e, &l, &err) < 0)
		return cli_fail(&err, 1);
	for (size_t i = 0; i < l.count; i++) {
		if (each(e, &l.items[i], data, &err) < 0)
			code = cli_fail(&err, 1);
	}
	return code;
}

int cli_check_format(const struct args_command *c, const char *format)
{
	return !format || str_eq(format, "json") ? -1
						 : cli_usage(c, "--format: only json is known");
}

static void reap_one(struct engine *e, const struct workspace *ended)
{
	_auto_free_ char *path = str_format("%s/lock", ended->id);
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error ignored = MD_ERROR_INIT;
	_auto_close_ int lock = -1;

	/* Who holds the lock is starting or removing it. */
	lock = path ? file_lock(e->workspaces_fd, path, true, false) : -1;
	if (lock < 0)
		return;
	fd_close(&lock);
	if (engine_find_locked(e, ended->id, &w, &lock, &ignored) < 0)
		return;
	if (workspace_is_forsaken(e, &w))
		workspace_remove(e, &w, false, &ignored);
}

void cli_reap(struct engine *e)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	struct md_error ignored = MD_ERROR_INIT;

	if (engine_list(e, &l, &ignored) < 0)
		return;
	for (size_t i = 0; i < l.count; i++) {
		const struct workspace *w = &l.items[i];

		if (workspace_is_forsaken(e, w))
			reap_one(e, w);
	}
}

void cli_age(int64_t then, char *to, size_t room)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	int64_t age = time(NULL) - then;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t n = age / units[i].seconds;

		if (n < 1)
			continue;
		snprintf(to, room, "%lld %s%s ago", (long long)n, units[i].unit, n == 1 ? "" : "s");
		return;
	}
	snprintf(to, room, "just now");
}

/* C0, DEL, and C1, which some terminals obey too. */
static bool is_control(const char *s, size_t len)
{
	unsigned char first = (unsigned char)s[0];

	if (len == 1)
		return first < ' ' || first == 0x7f;
	return len == 2 && first == 0xc2 && (unsigned char)s[1] < 0xa0;
}

void cli_print_safe(const char *text, int width)
{
	int printed = 0;

	for (; *text; printed++) {
		size_t len = str_utf8_length(text);

		if (len == 0 || is_control(text, len))
			putchar('?');
		else
			fwrite(text, 1, len, stdout);
		text += len ? len : 1;
	}
	if (width > 0 && printed >= width)
		putchar(' ');
	for (; printed < width; printed++)
		putchar(' ');
}
