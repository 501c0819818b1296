/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/signals.h"
#include "oci-cli/cli.h"

#include "base/poison.h"

struct kill_options {
	bool all;
};

static const struct args_option options[] = {
	{ "all", 'a', ARGS_FLAG, offsetof(struct kill_options, all), NULL,
		"every process of the container" },
	ARGS_END,
};

/* 0 sends nothing, but tells whether something could be sent. */
static int parse_signal(const char *text)
{
	return strcmp(text, "0") == 0 ? 0 : signal_number(text);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct kill_options o = { 0 };
	int count, code, sig = SIGTERM;

	if (cli_parse_done(c, &o, argc, argv, 1, 2, false, &count, &code))
		return code;
	if (count == 2 && argv[1][0])
		sig = parse_signal(argv[1]);
	if (sig < 0) {
		md_fail(&err, EINVAL, "unknown signal \"%s\"", argv[1]);
		return cli_fail(&err);
	}
	return container_kill(&cli_runtime, argv[0], sig, o.all, &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_kill = {
	.name = "kill",
	.summary = "send a signal (default: TERM) to a container's first process",
	.usage = "kill [OPTIONS] ID [SIGNAL]",
	.options = options,
	.run = run,
};
