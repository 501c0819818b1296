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
	_auto_engine_ struct engine e = ENGINE_INIT;
	struct md_error err = MD_ERROR_INIT;
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 1, -1, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, 1);
	return cli_each(&e, count, argv, remove_one, NULL);
}

const struct args_command cmd_rmi = {
	.name = "rmi",
	.summary = "Remove images that no workspace uses",
	.usage = "rmi IMAGE...",
	.run = run,
};
