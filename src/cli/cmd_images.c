/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_images.c - `mdocker images`: what workspaces can be made from. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "json/json_write.h"
#include "base/poison.h"

struct images_options {
	bool quiet;
	const char *format;
};

static const struct args_option options[] = {
	{ "quiet", 'q', ARGS_FLAG, offsetof(struct images_options, quiet), NULL, "names only" },
	CLI_FORMAT(struct images_options, "a JSON object a line"),
	ARGS_END,
};

static void print_row(const struct image *i)
{
	char created[40];

	cli_age(i->created, created, sizeof(created));
	cli_print_safe(i->name, 30);
	printf(" %-18s%8.1f MB  %zu\n", created, (double)i->size / (1 << 20), i->layers.count);
}

static void print_json(const struct image *i)
{
	_auto_buf_ struct buf line = BUF_INIT(1 << 20);
	struct json_writer w = { .out = &line };

	json_object_begin(&w, NULL);
	json_add_string(&w, "name", i->name);
	json_add_strv(&w, "layers", i->layers.items);
	json_add_i64(&w, "created", i->created);
	json_add_u64(&w, "size", i->size);
	json_add_strv(&w, "entrypoint", i->config.entrypoint.items);
	json_add_strv(&w, "cmd", i->config.cmd.items);
	json_add_strv(&w, "env", i->config.env.items);
	json_add_string(&w, "workingDir", i->config.working_dir);
	json_add_string(&w, "user", i->config.user);
	json_object_end(&w);
	puts(buf_str(&line));
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct images_options o = { .quiet = false };
	struct image *list;
	size_t number;
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 0, 0, &count);

	if (code >= 0 || (code = cli_check_format(c, o.format)) >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0 ||
		image_list(&e.images, &list, &number, &err) < 0)
		return cli_fail(&err, 1);
	if (!o.quiet && !o.format)
		printf("%-31s%-18s%11s  %s\n", "NAME", "CREATED", "SIZE", "LAYERS");
	for (size_t i = 0; i < number; i++) {
		if (o.format)
			print_json(&list[i]);
		else if (o.quiet)
			puts(list[i].name);
		else
			print_row(&list[i]);
	}
	image_list_free(list, number);
	return 0;
}

const struct args_command cmd_images = {
	.name = "images",
	.summary = "List images",
	.usage = "images [-q] [--format json]",
	.options = options,
	.run = run,
};
