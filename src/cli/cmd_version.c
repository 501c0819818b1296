/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <stdio.h>

#include "cli/cli.h"
#include "base/poison.h"

static int run(const struct args_command *c, int argc, char **argv)
{
	int count, code = cli_parse(c, NULL, argc, argv, false, 0, 0, &count);

	if (code >= 0)
		return code;
	printf(PROGRAM " " MD_VERSION "\n");
	return 0;
}

const struct args_command cmd_version = {
	.name = "version",
	.summary = "Print the version",
	.usage = "version",
	.run = run,
};
