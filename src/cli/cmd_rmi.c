/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rmi.c - `mdocker rmi`: removes images. */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "base/poison.h"

static int remove_one(struct engine *e, const char *name, void *data, struct md_error *err)
{
	struct engine_image_users users;
	int r;

	engine_image_users(e, &users);
	r = image_remove(&e->images, name, &users.users, err);
	engine_image_users_done(&users);
	return r;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 1, -1, &count);

	return code >= 0 ? code : cli_open_each(count, argv, remove_one, NULL);
}

const struct args_command cmd_rmi = {
	.name = "rmi",
	.summary = "Remove images that no workspace uses",
	.usage = "rmi IMAGE...",
	.run = run,
};
