/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci-cli/cli.h"

static const struct args_option options[] = {
	CLI_CREATE_OPTIONS,
	{ "detach", 'd', ARGS_FLAG, offsetof(struct cli_create, detach), NULL,
		"return once it runs" },
	{ "keep", 0, ARGS_FLAG, offsetof(struct cli_create, keep), NULL,
		"do not delete it when its program ends" },
	{ "no-subreaper", 0, ARGS_FLAG, offsetof(struct cli_create, no_subreaper), NULL,
		"leave orphans to the host's init" },
	ARGS_END,
};

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct cli_create o = { 0 };
	int count, code, exit_code = 0;

	if (cli_parse_done(c, &o, argc, argv, 1, 1, false, &count, &code))
		return code;
	if (cli_create_options(&o, &err) < 0 ||
		container_run(&cli_runtime, argv[0], &o.o, &exit_code, &err) < 0)
		return cli_fail(&err);
	return exit_code;
}

const struct args_command cmd_run = {
	.name = "run",
	.summary = "create a container and start it; its exit code becomes ours",
	.usage = "run [OPTIONS] ID",
	.options = options,
	.run = run,
};
