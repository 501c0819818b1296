/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci-cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "base/poison.h"

struct runtime cli_runtime = { .rootless = -1 };
bool cli_log_is_stderr = true;

int cli_fail(const struct md_error *err)
{
	log_error("%s", err->msg);
	if (!cli_log_is_stderr)
		fprintf(stderr, CLI_PROGRAM ": %s\n", err->msg);
	return CLI_FAILED;
}

static int check_count(
	const struct args_command *c, int count, int min, int max, struct md_error *err)
{
	if (count >= min && count <= max)
		return 0;
	if (min == max)
		return md_fail(err, EINVAL, "\"%s\" requires exactly %d argument(s)", c->name, min);
	if (count < min)
		return md_fail(
			err, EINVAL, "\"%s\" requires a minimum of %d argument(s)", c->name, min);
	return md_fail(err, EINVAL, "\"%s\" requires a maximum of %d argument(s)", c->name, max);
}

/* --help anywhere before the operands' end asks for help. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++) {
		if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h"))
			return true;
		if (argv[i][0] != '-')
			return false;
	}
	return false;
}

int cli_parse(const struct args_command *c, void *options, int argc, char **argv, int min, int max,
	bool first_operand_ends, int *ret_count, struct md_error *err)
{
	if (wants_help(argc, argv)) {
		args_command_help(CLI_PROGRAM, c);
		return 1;
	}
	if (args_parse(c->options, options, argc, argv, first_operand_ends, ret_count, err) < 0)
		return -1;
	return check_count(c, *ret_count, min, max, err);
}

bool cli_parse_done(const struct args_command *c, void *options, int argc, char **argv, int min,
	int max, bool first_operand_ends, int *ret_count, int *ret_code)
{
	struct md_error err = MD_ERROR_INIT;
	int r = cli_parse(c, options, argc, argv, min, max, first_operand_ends, ret_count, &err);

	if (r < 0)
		*ret_code = cli_fail(&err);
	else
		*ret_code = 0;
	return r != 0;
}

int cli_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 }, { "s", 1e3 }, { "m", 6e4 },
		{ "h", 3.6e6 } };
	double sum = 0;

	if (!*text)
		return -1;
	while (*text) {
		size_t digits = strspn(text, "0123456789."), len = strspn(text + digits, "numsh");
		size_t i = 0;
		char *end;
		double n = strtod(text, &end);

		if (!digits || digits > 16 || end != text + digits)
			return -1;
		while (i < ARRAY_SIZE(units) &&
			(strlen(units[i].unit) != len || strncmp(units[i].unit, end, len) != 0))
			i++;
		if (i == ARRAY_SIZE(units))
			return -1;
		sum += n * units[i].ms;
		text = end + len;
	}
	if (sum > 3.6e12)
		return -1;
	*ret_ms = sum > 0 && sum < 1 ? 1 : (int64_t)sum;
	return 0;
}

int cli_number(const char *name, int64_t value, int64_t max, struct md_error *err)
{
	if (value < 0 || value > max)
		return md_fail(err, EINVAL, "option --%s is 0 to %lld", name, (long long)max);
	return 0;
}

/* Socket activation: descriptors 3.. that systemd gave to us are for the container's program. */
static int64_t listen_fds(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	int64_t n, owner;

	if (!count || str_to_i64(count, 1, 1024, &n) < 0)
		return 0;
	if (pid && (str_to_i64(pid, 1, INT32_MAX, &owner) < 0 || owner != getpid()))
		return 0;
	return n;
}

int cli_create_options(struct cli_create *c, struct md_error *err)
{
	if (cli_number("preserve-fds", c->preserve_fds, 65536, err) < 0)
		return -1;
	c->o.listen_fds = (unsigned int)listen_fds();
	c->o = (struct create_options){
		.bundle = c->bundle,
		.config = c->config,
		.console_socket = c->console_socket,
		.pid_file = c->pid_file && c->pid_file[0] ? c->pid_file : NULL,
		.preserve_fds = (unsigned int)c->preserve_fds + c->o.listen_fds,
		.listen_fds = c->o.listen_fds,
		.no_pivot = c->no_pivot,
		.no_new_keyring = c->no_new_keyring,
		.no_subreaper = c->no_subreaper,
		.detach = c->detach,
		.keep = c->keep,
	};
	return 0;
}
