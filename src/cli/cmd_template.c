/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_template.c - `mdocker template`: named settings for new workspaces. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/limit_options.h"
#include "engine/template.h"
#include "base/poison.h"

struct template_options {
	const char *description;
	struct strv settings;
};

#define TEMPLATE_SETTING(name, argument, help)                                                     \
	CLI_SETTING(struct template_options, settings, name, 0, argument, help)

static const struct args_option options[] = {
	{ "description", 0, ARGS_STRING, offsetof(struct template_options, description), "TEXT",
		"what it is for" },
	TEMPLATE_SETTING("image", "IMAGE", "the default image"),
	TEMPLATE_SETTING("hostname", "NAME", "its host name (container)"),
	TEMPLATE_SETTING(
		"profile", "NAME", "default, or stricter or looser (`mdocker profile ls`)"),
	CLI_RECORDING(struct template_options, settings),
	CLI_LIMITS(struct template_options, settings),
	CLI_NETWORK(struct template_options, settings),
	ARGS_END,
};

static void options_done(struct template_options *o)
{
	strv_done(&o->settings);
}

static int set(
	struct engine *e, const char *name, const struct template_options *o, struct md_error *err)
{
	/* The words are borrowed. */
	struct template t = { .description = (char *)o->description, .settings = o->settings };

	return template_save(e, name, &t, err);
}

static int show(
	struct engine *e, const char *name, const struct template_options *o, struct md_error *err)
{
	_auto_template_ struct template t = TEMPLATE_INIT;

	(void)o;
	if (template_load(e, name, &t, err) < 0)
		return -1;
	if (*t.description)
		printf("; %s\n", t.description);
	for (size_t i = 0; i < t.settings.count; i++)
		puts(t.settings.items[i]);
	return 0;
}

static int list(
	struct engine *e, const char *name, const struct template_options *o, struct md_error *err)
{
	_auto_strv_ struct strv names = STRV_INIT;
	int r = 0;

	(void)name;
	(void)o;
	if (template_list(e, &names, err) < 0)
		return -1;
	/* One that is damaged hides no other. */
	for (size_t i = 0; i < names.count; i++) {
		_auto_template_ struct template t = TEMPLATE_INIT;
		struct md_error problem = MD_ERROR_INIT;

		if (template_load(e, names.items[i], &t, &problem) < 0) {
			if (r < 0)
				cli_fail(err, 1);
			*err = problem;
			r = -1;
			continue;
		}
		cli_print_safe(names.items[i], 21);
		cli_print_safe(t.description, 0);
		putchar('\n');
	}
	return r;
}

static int drop(
	struct engine *e, const char *name, const struct template_options *o, struct md_error *err)
{
	(void)o;
	return template_remove(e, name, err);
}

static const struct verb {
	const char *name;
	bool takes_name, takes_options;
	int (*run)(struct engine *e, const char *name, const struct template_options *o,
		struct md_error *err);
} verbs[] = {
	{ "set", true, true, set },
	{ "show", true, false, show },
	{ "ls", false, false, list },
	{ "rm", true, false, drop },
};

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_(options_done) struct template_options o = { .description = NULL };
	const struct verb *verb = NULL;
	struct md_error err = MD_ERROR_INIT;
	int count, code = cli_parse(c, &o, argc, argv, false, 1, 2, &count);

	if (code >= 0)
		return code;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (str_eq(verbs[i].name, argv[0]))
			verb = &verbs[i];
	}
	if (!verb)
		return cli_usage(c, "'%.40s': set, show, ls or rm", argv[0]);
	if (verb->takes_name != (count == 2))
		return cli_usage(c, "`template %s` takes %s", verb->name,
			verb->takes_name ? "a name" : "nothing more");
	if (!verb->takes_options && (o.description || o.settings.count))
		return cli_usage(c, "`template %s` takes no options", verb->name);
	if (engine_open(&e, cli_engine_options(), &err) < 0 || verb->run(&e, argv[1], &o, &err) < 0)
		return cli_fail(&err, 1);
	return 0;
}

const struct args_command cmd_template = {
	.name = "template",
	.summary = "Name sets of settings for new workspaces",
	.usage = "template set NAME [OPTIONS] | show NAME | ls | rm NAME",
	.verbs = "set show ls rm",
	.text = "`set` makes or replaces one. `mdocker run --template NAME` and `template =` of "
		"the "
		"server's\nconfiguration use it; workspaces that there are stay as they are.",
	.options = options,
	.run = run,
};
