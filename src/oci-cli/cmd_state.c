/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "oci-cli/cli.h"

#include "base/poison.h"

static const struct args_option options[] = { ARGS_END };

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_container_state_ struct container_state s = { 0 };
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ char *text = NULL;
	int count, code;

	if (cli_parse_done(c, NULL, argc, argv, 1, 1, false, &count, &code))
		return code;
	if (container_load(&cli_runtime, argv[0], &s, &err) < 0)
		return cli_fail(&err);
	text = container_state_json(&s, true);
	if (!text) {
		md_fail(&err, ENOMEM, "out of memory");
		return cli_fail(&err);
	}
	puts(text);
	return 0;
}

const struct args_command cmd_state = {
	.name = "state",
	.summary = "print a container's state as JSON",
	.usage = "state ID",
	.options = options,
	.run = run,
};
