/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `mdocker run`: a new workspace with a main command, in the foreground or not. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/limit_options.h"
#include "cli/relay.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "base/poison.h"

struct run_options {
	bool rm, detach, interactive, tty;
	const char *name, *rootfs, *workdir, *user, *entrypoint;
	struct strv env, volumes, publish, settings;
};

#define OPT(field) offsetof(struct run_options, field)

static const struct args_option options[] = {
	{ "detach", 'd', ARGS_FLAG, OPT(detach), NULL, "in the background: print the ID" },
	{ "interactive", 'i', ARGS_FLAG, OPT(interactive), NULL, "pass our stdin on" },
	{ "tty", 't', ARGS_FLAG, OPT(tty), NULL, "with a terminal (both are on when used on one)" },
	{ "rm", 0, ARGS_FLAG, OPT(rm), NULL, "remove the workspace when the command ends" },
	{ "name", 0, ARGS_STRING, OPT(name), "NAME", "its name (its ID)" },
	CLI_SETTING(
		struct run_options, settings, "hostname", 'h', "NAME", "its host name (container)"),
	CLI_LIMITS(struct run_options, settings),
	CLI_CONFINEMENT(struct run_options, settings),
	CLI_NETWORK(struct run_options, settings),
	{ "env", 'e', ARGS_LIST, OPT(env), "NAME=VALUE", "environment; NAME alone passes ours on" },
	{ "volume", 'v', ARGS_LIST, OPT(volumes), "SRC:DST[:ro]", "a folder or file of the host" },
	{ "workdir", 'w', ARGS_STRING, OPT(workdir), "DIR", "working directory (the image's)" },
	{ "user", 'u', ARGS_STRING, OPT(user), "USER[:GROUP]", "name or number (the image's)" },
	{ "entrypoint", 0, ARGS_STRING, OPT(entrypoint), "PROGRAM", "instead of the image's" },
	{ "rootfs", 0, ARGS_STRING, OPT(rootfs), "DIR",
		"a folder instead of an image; not written to" },
	{ "publish", 'p', ARGS_LIST, OPT(publish), "PORT:PORT[/udp]",
		"on a bridge: a port of the host ([ADDRESS:]PORT) leads inside" },
	ARGS_END,
};

static void options_done(struct run_options *o)
{
	strv_done(&o->env);
	strv_done(&o->volumes);
	strv_done(&o->publish);
	strv_done(&o->settings);
}

/* The folder may be told relative to ours; a link is followed now, not at each later start. */
static int add_volume(struct volumes *v, const char *text, struct md_error *err)
{
	const char *colon = strchr(text, ':');
	_auto_free_ char *source = NULL;
	_auto_free_ char *real = NULL;
	_auto_free_ char *whole = NULL;

	if (!colon)
		return volumes_add_text(v, text, err);
	source = strndup(text, (size_t)(colon - text));
	real = source ? realpath(source, NULL) : NULL;
	if (!real)
		return md_fail_errno(err, "volume '%.200s'", text);
	if (strchr(real, ':'))
		return md_fail(err, EINVAL, "volume '%.200s': no ':' in the source's path", real);
	whole = str_format("%s%s", real, colon);
	return whole ? volumes_add_text(v, whole, err) : md_fail_errno(err, "volume");
}

static int fill_request(const struct run_options *o, struct workspace_request *r, struct strv *env,
	struct md_error *err)
{
	if (session_env(&o->env, env, err) < 0)
		return -1;
	for (size_t i = 0; i < o->volumes.count; i++) {
		if (add_volume(&r->volumes, o->volumes.items[i], err) < 0)
			return -1;
	}
	r->settings = &o->settings;
	r->name = o->name;
	r->kind = WORKSPACE_RUN;
	r->publish = o->publish.items;
	r->entrypoint = o->entrypoint;
	r->env = env->items;
	r->cwd = o->workdir;
	r->user = o->user;
	r->terminal = o->tty;
	r->remove_on_exit = o->rm;
	return 0;
}

/* A first word that begins with a slash is a command for the default image, any other an image's
 * name. */
static void fill_operands(struct workspace_request *r, int count, char **operands)
{
	if (!r->rootfs && count > 0 && operands[0][0] != '/') {
		r->image = operands[0];
		operands++;
	}
	r->args = operands;
}

/* Removes what was made, with the workspace's lock held or not. */
static void discard(struct engine *e, const char *id, int *lock)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error err = MD_ERROR_INIT;

	fd_close(lock);
	if (engine_find_locked(e, id, &w, lock, &err) < 0)
		return;
	if (workspace_remove(e, &w, true, &err) < 0)
		cli_fail(&err, 1);
	fd_close(lock);
}

/* After the command: wait till all of it is gone, then the leftovers. */
static void finish(struct engine *e, const struct workspace *w)
{
	_auto_workspace_ struct workspace now = WORKSPACE_INIT;
	_auto_close_ int lock = -1;
	struct md_error ignored = MD_ERROR_INIT;

	session_wait_end(e, w);
	if (w->remove_on_exit)
		discard(e, w->id, &lock);
	else if (engine_find_locked(e, w->id, &now, &lock, &ignored) == 0 &&
		 !workspace_is_running(e, &now))
		workspace_sweep(e, &now, &ignored);
}

static int run_on_terminal(struct engine *e, struct workspace *w, int *lock)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	struct start_options start = START_OPTIONS_INIT;
	struct terminal_session session = {
		.terminal = 1, .detach_keys = true, .from_start = true
	};
	struct md_error err = MD_ERROR_INIT;
	int code;

	start.main = start.main_wait = true;
	start.lock = *lock;
	terminal_size(&start.rows, &start.cols);
	if (workspace_start(e, w, &start, &code, &err) < 0 || session_open(e, w, &c, &err) < 0) {
		discard(e, w->id, lock);
		return cli_fail(&err, code);
	}
	fd_close(lock);
	if (terminal_attach(&c, &session, &err) < 0) {
		/* A command that never ran leaves nothing; one whose connection broke is not ours
		 * to remove. */
		shim_client_close(&c);
		if (session.exit_code != EXIT_CONTAINER)
			discard(e, w->id, lock);
		return cli_fail(&err, session.exit_code);
	}
	shim_client_close(&c);
	if (session.detached) {
		fprintf(stderr, "\n" PROGRAM ": detached: `" PROGRAM " attach %s` comes back\n",
			w->name);
		return 0;
	}
	if (session.reason[0])
		fprintf(stderr, PROGRAM ": %s\n", session.reason);
	finish(e, w);
	return session.exit_code;
}

static int run_on_pipes(struct engine *e, struct workspace *w, bool input, int *lock)
{
	_auto_shim_client_ struct shim_client c = SHIM_CLIENT_INIT;
	_auto_relay_ struct relay relay = { .theirs = { -1, -1, -1 } };
	struct start_options start = START_OPTIONS_INIT;
	struct md_error err = MD_ERROR_INIT;
	int code = EXIT_CONTAINER, ended = -1;

	start.main = true;
	start.lock = *lock;
	if (relay_open(&relay, input, &err) == 0) {
		memcpy(start.std, relay.theirs, sizeof(start.std));
		if (workspace_start(e, w, &start, &code, &err) == 0)
			code = 0;
	}
	if (code) {
		discard(e, w->id, lock);
		return cli_fail(&err, code);
	}
	relay_given(&relay);
	fd_close(lock);
	/* A short command may have ended, and its shim with it, before we ask. */
	if (session_open(e, w, &c, &err) < 0)
		c.fd = -1;
	if (relay_run(&relay, &c, 1, &ended, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	shim_client_close(&c);
	session_wait_end(e, w);
	if (ended < 0)
		ended = session_exit_code(e, w);
	finish(e, w);
	if (ended < 0)
		fprintf(stderr,
			PROGRAM
			": workspace '%s' ended before its command: mdocker-shim has died\n",
			w->name);
	return ended < 0 ? EXIT_CONTAINER : ended;
}

static int run_detached(struct engine *e, struct workspace *w, int *lock)
{
	struct start_options start = START_OPTIONS_INIT;
	struct md_error err = MD_ERROR_INIT;
	int code;

	start.main = true;
	start.lock = *lock;
	if (workspace_start(e, w, &start, &code, &err) < 0) {
		discard(e, w->id, lock);
		return cli_fail(&err, code);
	}
	printf("%s\n", w->id);
	return 0;
}

static int run_workspace(const struct run_options *o, const struct workspace_request *r)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_workspace_ struct workspace made = WORKSPACE_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error err = MD_ERROR_INIT;
	_auto_close_ int lock = -1;
	_auto_close_ int attended = -1;

	if (engine_open(&e, cli_engine_options(), &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	cli_reap(&e);
	if (engine_create(&e, r, &made, &err) < 0 ||
		engine_find_locked(&e, made.id, &w, &lock, &err) < 0)
		return cli_fail(&err, EXIT_CONTAINER);
	if (o->detach)
		return run_detached(&e, &w, &lock);
	attended = workspace_attend(&e, &w, &err);
	if (attended < 0) {
		discard(&e, w.id, &lock);
		return cli_fail(&err, EXIT_CONTAINER);
	}
	if (o->tty)
		return run_on_terminal(&e, &w, &lock);
	return run_on_pipes(&e, &w, o->interactive, &lock);
}

/* As on a terminal without a word: interactive. */
static int choose_mode(const struct args_command *c, struct run_options *o)
{
	bool on_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (!o->detach && !o->interactive && !o->tty && on_terminal)
		o->interactive = o->tty = true;
	if (o->tty && !o->detach && !isatty(STDIN_FILENO))
		return cli_usage(c, "-t: the input is not a terminal");
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_(options_done) struct run_options o = { .rm = false };
	struct workspace_request r = WORKSPACE_REQUEST_INIT;
	_auto_strv_ struct strv env = STRV_INIT;
	_auto_free_ char *rootfs = NULL;
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	code = cli_parse(c, &o, argc, argv, true, 0, -1, &count);
	if (code >= 0 || (code = choose_mode(c, &o)) > 0)
		return code;
	if (o.rootfs) {
		rootfs = realpath(o.rootfs, NULL);
		if (!rootfs) {
			md_fail_errno(&err, "rootfs '%.200s'", o.rootfs);
			return cli_fail(&err, EXIT_CONTAINER);
		}
		r.rootfs = rootfs;
	}
	fill_operands(&r, count, argv);
	if (fill_request(&o, &r, &env, &err) < 0)
		code = cli_fail(&err, EXIT_CONTAINER);
	else
		code = run_workspace(&o, &r);
	volumes_done(&r.volumes);
	return code;
}

const struct args_command cmd_run = {
	.name = "run",
	.summary = "Run a command in a new workspace",
	.usage = "run [OPTIONS] [IMAGE] [COMMAND [ARG...]]",
	.text = "A first word that begins with a slash is a command for the default image. On a "
		"terminal it is\n"
		"interactive; ctrl-P ctrl-Q detaches. The exit code is the command's; 125: no "
		"workspace could be\n"
		"had, 126: the command can't be executed, 127: there is no such command.",
	.options = options,
	.run = run,
};
