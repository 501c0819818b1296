/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit.c - `mdocker audit verify`: is the server's audit log whole? mdockerd, who writes it,
 * also reads it. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "base/poison.h"

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	const char *root = cli_engine_options()->root;
	_auto_free_ char *program = NULL;
	int count;
	int code = cli_parse(c, NULL, argc, argv, false, 1, 1, &count);

	if (code >= 0)
		return code;
	if (!str_eq(argv[0], "verify"))
		return cli_usage(c, "'%.40s': verify", argv[0]);
	program = file_sibling_program("mdockerd");
	if (program)
		execl(program, "mdockerd", "--verify-audit", "--root", root, (char *)NULL);
	md_fail_errno(&err, "run mdockerd");
	return cli_fail(&err, 1);
}

const struct args_command cmd_audit = {
	.name = "audit",
	.summary = "Check that the server's audit log is whole",
	.usage = "audit verify",
	.verbs = "verify",
	.text = "Each line holds the hash of the one before: a changed, cut or removed line is "
		"found and\n"
		"named; the exit code is 1 then.",
	.run = run,
};
