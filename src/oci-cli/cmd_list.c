/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "oci-cli/cli.h"

#include "base/poison.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct args_option options[] = {
	{ "format", 'f', ARGS_STRING, offsetof(struct list_options, format), "FORMAT",
		"table (default) or json" },
	{ "quiet", 'q', ARGS_FLAG, offsetof(struct list_options, quiet), NULL, "ids only" },
	ARGS_END,
};

enum { COLUMNS = 6, NARROWEST = 12, GAP = 3 };

struct row {
	char *cell[COLUMNS];
};

struct table {
	struct row *rows;
	size_t count;
	bool failed; /* no memory */
};

static void add_row(struct table *t, const struct container_state *s)
{
	struct row *more = mem_resize(t->rows, t->count + 1);
	struct row *r;

	if (!more) {
		t->failed = true;
		return;
	}
	t->rows = more;
	r = &t->rows[t->count++];
	*r = (struct row){ { str_format("%s", s->id), str_format("%d", (int)s->pid),
		str_format("%s", container_status_name(s->status)), str_format("%s", s->bundle),
		str_format("%s", s->created), str_format("%s", s->owner ? s->owner : "") } };
	for (int i = 0; i < COLUMNS; i++)
		t->failed |= !r->cell[i];
}

static void print_table(const struct table *t)
{
	static const char *const heads[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED",
		"OWNER" };
	size_t width[COLUMNS];

	for (int c = 0; c < COLUMNS; c++) {
		width[c] = MD_MAX(strlen(heads[c]) + GAP, (size_t)NARROWEST);
		for (size_t i = 0; i < t->count; i++)
			width[c] = MD_MAX(width[c], strlen(t->rows[i].cell[c]) + GAP);
	}
	for (int c = 0; c < COLUMNS; c++)
		printf("%-*s", c < COLUMNS - 1 ? (int)width[c] : 0, heads[c]);
	printf("\n");
	for (size_t i = 0; i < t->count; i++) {
		for (int c = 0; c < COLUMNS; c++)
			printf("%-*s", c < COLUMNS - 1 ? (int)width[c] : 0, t->rows[i].cell[c]);
		printf("\n");
	}
}

static void free_table(struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		for (int c = 0; c < COLUMNS; c++)
			free(t->rows[i].cell[c]);
	}
	free(t->rows);
}

/* One that goes, or is damaged, while we look is left out. */
static int list(const struct list_options *o, bool json, struct md_error *err)
{
	_auto_(free_table) struct table t = { 0 };
	_auto_strv_ struct strv ids = STRV_INIT;
	size_t shown = 0;

	if (container_list(&cli_runtime, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.count; i++) {
		_auto_container_state_ struct container_state s = { 0 };
		_auto_free_ char *text = NULL;

		if (o->quiet) {
			puts(ids.items[i]);
			continue;
		}
		if (container_load(&cli_runtime, ids.items[i], &s, NULL) < 0)
			continue;
		if (!json) {
			add_row(&t, &s);
			continue;
		}
		text = container_state_json(&s, true);
		if (text)
			printf("%s%s", shown++ ? "," : "[", text);
	}
	if (t.failed)
		return md_fail(err, ENOMEM, "out of memory");
	if (json && !o->quiet)
		puts(shown ? "]" : "null");
	else if (!o->quiet)
		print_table(&t);
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct list_options o = { .format = "table" };
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 0, 0, false, &count, &code))
		return code;
	if (!str_eq(o.format, "table") && !str_eq(o.format, "json")) {
		md_fail(&err, EINVAL, "invalid format option");
		return cli_fail(&err);
	}
	return list(&o, str_eq(o.format, "json"), &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_list = {
	.name = "list",
	.summary = "list the containers",
	.usage = "list [OPTIONS]",
	.options = options,
	.run = run,
};
