/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci-cli/cli.h"

static const struct args_option options[] = { CLI_CREATE_OPTIONS, ARGS_END };

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct cli_create o = { 0 };
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 1, 1, false, &count, &code))
		return code;
	if (cli_create_options(&o, &err) < 0 ||
		container_create(&cli_runtime, argv[0], &o.o, &err) < 0)
		return cli_fail(&err);
	return 0;
}

const struct args_command cmd_create = {
	.name = "create",
	.summary = "make a container from a bundle, up to the point where `start` runs its program",
	.usage = "create [OPTIONS] ID",
	.options = options,
	.run = run,
};
