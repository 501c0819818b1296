/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci-cli/cli.h"

static const struct args_option options[] = { ARGS_END };

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	if (cli_parse_done(c, NULL, argc, argv, 1, 1, false, &count, &code))
		return code;
	return container_start(&cli_runtime, argv[0], &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_start = {
	.name = "start",
	.summary = "run the program of a created container",
	.usage = "start ID",
	.options = options,
	.run = run,
};
