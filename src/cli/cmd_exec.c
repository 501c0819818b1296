/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c - `mdocker exec`: a further command in a running workspace. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/relay.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "engine/user.h"
#include "base/poison.h"

enum { ASK_MS = 30000 };

struct exec_options {
	bool detach, interactive, tty;
	const char *user, *workdir;
	struct strv env;
};

#define OPT(field) offsetof(struct exec_options, field)

static const struct args_option options[] = {
	{ "detach", 'd', ARGS_FLAG, OPT(detach), NULL, "in the background" },
	{ "interactive", 'i', ARGS_FLAG, OPT(interactive), NULL, "pass our stdin on" },
	{ "tty", 't', ARGS_FLAG, OPT(tty), NULL, "with a terminal (both are on when used on one)" },
	{ "env", 'e', ARGS_LIST, OPT(env), "NAME=VALUE", "environment; NAME alone passes ours on" },
	{ "user", 'u', ARGS_STRING, OPT(user), "USER[:GROUP]", "name or number" },
	{ "workdir", 'w', ARGS_STRING, OPT(workdir), "DIR", "working directory" },
	ARGS_END,
};

static void options_done(struct exec_options *o)
{
	strv_done(&o->env);
}

/* Names are looked up in the workspace's files by us, without running anything in it; the shim
 * takes numbers. */
static int resolve_user(struct engine *e, const struct workspace *w, const char *spec, char **ret,
	struct user_ids *ids, struct md_error *err)
{
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };
	_auto_free_ char *path = NULL;
	_auto_close_ int root = -1;

	if (workspace_status(e, w, &s, err) < 0)
		return -1;
	path = str_format("/proc/%d/root", (int)s.init_pid);
	root = path && s.init_pid > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (root < 0)
		return md_fail(err, ESRCH, "workspace '%s' is not running any more", w->name);
	if (user_resolve(root, spec, ids, err) < 0)
		return -1;
	*ret = str_format("%u:%u", ids->uid, ids->gid);
	return *ret ? 0 : md_fail_errno(err, "user");
}

static int ask_new(struct engine *e, const struct workspace *w, const struct exec_options *o,
	char **args, const int *fds, struct shim_client *c, struct shim_msg *ret,
	struct md_error *err)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	_auto_strv_ struct strv env = STRV_INIT;
	_auto_free_ char *user = NULL;
	struct user_ids ids;
	struct shim_msg m = { .type = SHIM_NEW_TERMINAL };

	if (o->workdir && o->workdir[0] != '/')
		return md_fail(
			err, EINVAL, "working directory '%.200s' is not absolute", o->workdir);
	if (session_env(&o->env, &env, err) < 0)
		return -1;
	if (o->user) {
		if (resolve_user(e, w, o->user, &user, &ids, err) < 0)
			return -1;
		if (!strv_env_get(&env, "HOME") && strv_addf(&env, "HOME=%s", ids.home) < 0)
			return md_fail_errno(err, "environment");
	}
	shim_add_string(&tail, "");
	shim_add_string(&tail, user);
	shim_add_string(&tail, o->workdir);
	for (; *args; args++, m.new_terminal.argc++)
		shim_add_string(&tail, *args);
	for (size_t i = 0; i < env.count; i++, m.new_terminal.envc++)
		shim_add_string(&tail, env.items[i]);
	if (tail.failed)
		return md_fail(
			err, E2BIG, "the command line is longer than %d bytes", SHIM_MAX_TAIL);
	m.tail = tail.data;
	m.tail_len = tail.len;
	m.new_terminal.flags =
		(o->tty ? SHIM_NEW_TTY : 0) | (o->detach && !o->tty ? SHIM_NEW_LOG : 0);
	terminal_size(&m.new_terminal.rows, &m.new_terminal.cols);
	return shim_client_ask(c, &m, fds, fds ? RELAY_STREAMS : 0, ret, ASK_MS, err);
}

/* An ERROR tells the exit code where the command could not be executed. */
static int refused(const struct shim_msg *answer, const struct md_error *err)
{
	int code = EXIT_CONTAINER;

	if (answer->type == SHIM_ERROR && answer->error.exit_code)
		code = (int)answer->error.exit_code;
	return cli_fail(err, code);
}

static int exec_on_terminal(struct engine *e, const struct workspace *w,
	const struct exec_options *o, char **args, struct shim_client *c)
{
	struct terminal_session session = { .detach_keys = true, .from_start = true };
	struct md_error err = MD_ERROR_INIT;
	struct shim_msg answer = { .type = 0 };

	if (ask_new(e, w, o, args, NULL, c, &answer, &err) < 0)
		return refused(&answer, &err);
	session.terminal = answer.ref.terminal;
	if (terminal_attach(c, &session, &err) < 0)
		return cli_fail(&err, session.exit_code);
	if (session.detached) {
		fprintf(stderr,
			"\n" PROGRAM ": detached: `" PROGRAM " attach -n %u %s` comes back\n",
			session.terminal, w->name);
		return 0;
	}
	if (session.reason[0])
		fprintf(stderr, PROGRAM ": %s\n", session.reason);
	return session.exit_code;
}

static int exec_on_pipes(struct engine *e, const struct workspace *w, const struct exec_options *o,
	char **args, struct shim_client *c)
{
	_auto_relay_ struct relay relay = { .theirs = { -1, -1, -1 } };
	struct md_error err = MD_ERROR_INIT;
	struct shim_msg answer = { .type = 0 };
	int ended;

	if (relay_open(&relay, o->interactive, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (ask_new(e, w, o, args, relay.theirs, c, &answer, &err) < 0)
		return refused(&answer, &err);
	relay_given(&relay);
	if (relay_run(&relay, c, answer.ref.terminal, &ended, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (ended < 0) {
		fprintf(stderr, PROGRAM ": workspace '%s' was stopped\n", w->name);
		return 137;
	}
	return ended;
}

static int exec_in(const struct exec_options *o, const char *name, char **args)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct shim_msg answer = { .type = 0 };

	if (engine_open(&e, cli_engine_options(), &err) < 0 ||
		engine_find(&e, name, &w, &err) < 0 || session_open(&e, &w, &c, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (o->detach)
		return ask_new(&e, &w, o, args, NULL, &c, &answer, &err) < 0
			       ? refused(&answer, &err)
			       : 0;
	if (o->tty)
		return exec_on_terminal(&e, &w, o, args, &c);
	return exec_on_pipes(&e, &w, o, args, &c);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_(options_done) struct exec_options o = { .detach = false };
	bool on_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	int count, code;

	code = cli_parse(c, &o, argc, argv, true, 2, -1, &count);
	if (code >= 0)
		return code;
	if (!o.detach && !o.interactive && !o.tty && on_terminal)
		o.interactive = o.tty = true;
	if (o.tty && !o.detach && !isatty(STDIN_FILENO))
		return cli_usage(c, "-t: the input is not a terminal");
	return exec_in(&o, argv[0], argv + 1);
}

const struct args_command cmd_exec = {
	.name = "exec",
	.summary = "Run a further command in a running workspace",
	.usage = "exec [OPTIONS] WORKSPACE COMMAND [ARG...]",
	.text = "The exit code is the command's; 125: the workspace can't be reached, 126: the "
		"command can't be\n"
		"executed, 127: there is no such command.",
	.options = options,
	.run = run,
};
