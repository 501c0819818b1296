/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <stdio.h>

#include "cli/cli.h"
#include "base/poison.h"

static int run(const struct args_command *c, int argc, char **argv)
{
	printf(PROGRAM " " MD_VERSION "\n");
	return 0;
}

const struct args_command cmd_version = {
	.name = "version",
	.summary = "Print the version",
	.usage = "version",
	.run = run,
};
