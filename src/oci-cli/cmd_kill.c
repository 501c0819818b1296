/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

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

/* "9", "KILL", "sigkill", "RTMIN+3". */
static int parse_signal(const char *text, int *ret)
{
	int64_t number;
	uint64_t offset = 0;

	if (str_to_i64(text, 0, SIGRTMAX, &number) == 0) {
		*ret = (int)number;
		return 0;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int sig = 1; sig < 32; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && strcasecmp(name, text) == 0) {
			*ret = sig;
			return 0;
		}
	}
	if (strncasecmp(text, "RTMIN", 5) != 0 && strncasecmp(text, "RTMAX", 5) != 0)
		return -1;
	if (text[5] && str_to_u64(text + 6, 30, &offset) < 0)
		return -1;
	number = toupper((unsigned char)text[3]) == 'I' ? 34 + (int64_t)offset
							: 64 - (int64_t)offset;
	if (text[5] && text[5] != (toupper((unsigned char)text[3]) == 'I' ? '+' : '-'))
		return -1;
	*ret = (int)number;
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct kill_options o = { 0 };
	int count, code, sig = SIGTERM;

	if (cli_parse_done(c, &o, argc, argv, 1, 2, false, &count, &code))
		return code;
	if (count == 2 && argv[1][0] && parse_signal(argv[1], &sig) < 0) {
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
