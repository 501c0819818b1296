/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>

#include "oci-cli/cli.h"

#include "base/poison.h"

/* struct exec_options with the one number that the tables know only as int64_t. */
struct cli_exec {
	struct exec_options o;
	int64_t preserve_fds;
};

#define AT(member) offsetof(struct cli_exec, o.member)

static const struct args_option options[] = {
	{ "process", 'p', ARGS_STRING, AT(process_file), "FILE", "a process document" },
	{ "cwd", 0, ARGS_STRING, AT(cwd), "DIR", "working directory inside" },
	{ "env", 'e', ARGS_LIST, AT(env), "NAME=VALUE", "adds to the environment" },
	{ "user", 'u', ARGS_STRING, AT(user), "UID[:GID]", "whom it runs as" },
	{ "additional-gids", 'g', ARGS_LIST, AT(additional_gids), "GID", "further groups" },
	{ "cap", 'c', ARGS_LIST, AT(caps), "CAP", "adds a capability" },
	{ "apparmor", 0, ARGS_STRING, AT(apparmor), "PROFILE", "AppArmor profile" },
	{ "process-label", 0, ARGS_STRING, AT(process_label), "LABEL", "SELinux label" },
	{ "no-new-privs", 0, ARGS_FLAG, AT(no_new_privs), NULL, "set no_new_privs" },
	{ "cgroup", 0, ARGS_LIST, AT(cgroups), "[CTL:]PATH",
		"below the container's own cgroup (of these controllers)" },
	{ "tty", 't', ARGS_FLAG, AT(tty), NULL, "with a terminal of its own" },
	{ "console-socket", 0, ARGS_STRING, AT(console_socket), "PATH",
		"unix socket that gets the terminal's master" },
	{ "detach", 'd', ARGS_FLAG, AT(detach), NULL, "return once it runs" },
	{ "pid-file", 0, ARGS_STRING, AT(pid_file), "FILE", "gets its pid" },
	{ "ignore-paused", 0, ARGS_FLAG, AT(ignore_paused), NULL,
		"in a paused container too: it starts when that is resumed" },
	{ "no-subreaper", 0, ARGS_FLAG, AT(no_subreaper), NULL,
		"leave orphans to the host's init" },
	{ "preserve-fds", 0, ARGS_INT, offsetof(struct cli_exec, preserve_fds), "N",
		"pass descriptors 3 to N+2 on" },
	ARGS_END,
};

/* As with runc, whose options have "" for "not given". */
static void drop_empty(struct exec_options *o)
{
	const char **texts[] = { &o->cwd, &o->user, &o->apparmor, &o->process_label, &o->pid_file,
		&o->process_file };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (*texts[i] && !**texts[i])
			*texts[i] = NULL;
	}
}

/* What runc's reader of options refuses: it has another exit code than all that is found later. */
static int check_options(const struct cli_exec *e, struct md_error *err)
{
	const struct strv *gids = &e->o.additional_gids;
	int64_t number;

	for (size_t i = 0; i < gids->count; i++) {
		if (str_to_i64(gids->items[i], INT64_MIN, INT64_MAX, &number) < 0)
			return md_fail(err, EINVAL,
				"option --additional-gids: '%.64s' is not a whole number",
				gids->items[i]);
	}
	return cli_number("preserve-fds", e->preserve_fds, 65536, err);
}

static int exec(struct cli_exec *e, int count, char **argv, int *ret_exit, struct md_error *err)
{
	e->o.preserve_fds = (unsigned int)e->preserve_fds;
	drop_empty(&e->o);
	if (count < 2 && !e->o.process_file)
		return md_fail(err, EINVAL, "process args cannot be empty");
	if (count > 1 && !e->o.process_file)
		e->o.args = argv + 1;
	return container_exec(&cli_runtime, argv[0], &e->o, ret_exit, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct cli_exec e = { 0 };
	int count, code, exit_code = 0;

	if (cli_parse_done(c, &e, argc, argv, 1, 1 << 20, true, &count, &code))
		return code;
	if (check_options(&e, &err) < 0) {
		exit_code = cli_fail(&err);
	} else if (exec(&e, count, argv, &exit_code, &err) < 0) {
		md_wrap(&err, "exec failed");
		cli_fail(&err);
		exit_code = CLI_EXEC_FAILED;
	}
	strv_done(&e.o.env);
	strv_done(&e.o.caps);
	strv_done(&e.o.cgroups);
	strv_done(&e.o.additional_gids);
	return exit_code;
}

const struct args_command cmd_exec = {
	.name = "exec",
	.summary = "run a further program in a running container; its exit code becomes ours",
	.usage = "exec [OPTIONS] ID COMMAND [ARG...] | exec [OPTIONS] --process FILE ID",
	.options = options,
	.run = run,
};
