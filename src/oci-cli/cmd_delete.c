/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <regex.h>

#include "oci-cli/cli.h"

#include "base/poison.h"

struct delete_options {
	bool force, regex;
};

static const struct args_option options[] = {
	{ "force", 'f', ARGS_FLAG, offsetof(struct delete_options, force), NULL,
		"kill it first if it runs; no error if there is none" },
	{ "regex", 'r', ARGS_FLAG, offsetof(struct delete_options, regex), NULL,
		"ID is a regular expression: every container that matches" },
	ARGS_END,
};

/* All are tried; the first error is told. */
static int delete_matching(const char *pattern, bool force, struct md_error *err)
{
	_auto_strv_ struct strv ids = STRV_INIT;
	struct md_error why = MD_ERROR_INIT;
	int result = 0;
	regex_t re;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return md_fail(err, EINVAL, "'%s' is not a regular expression", pattern);
	if (container_list(&cli_runtime, &ids, err) < 0) {
		regfree(&re);
		return -1;
	}
	for (size_t i = 0; i < ids.count; i++) {
		if (regexec(&re, ids.items[i], 0, NULL, 0) == 0 &&
			container_delete(&cli_runtime, ids.items[i], force, &why) < 0 && !result) {
			*err = why;
			result = -1;
		}
	}
	regfree(&re);
	return result;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct delete_options o = { 0 };
	int count, code, r;

	if (cli_parse_done(c, &o, argc, argv, 1, 1, false, &count, &code))
		return code;
	if (o.regex)
		r = delete_matching(argv[0], o.force, &err);
	else
		r = container_delete(&cli_runtime, argv[0], o.force, &err);
	return r < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_delete = {
	.name = "delete",
	.summary = "remove a stopped container",
	.usage = "delete [OPTIONS] ID",
	.options = options,
	.run = run,
};
