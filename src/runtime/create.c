/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"
#include "base/utc.h"
#include "runtime/cgroup.h"
#include "runtime/common.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "runtime/notify.h"
#include "runtime/plan.h"
#include "runtime/protect.h"
#include "runtime/rdt.h"
#include "runtime/relay.h"
#include "runtime/state.h"
#include "base/poison.h"

struct creation {
	const struct runtime *rt;
	const struct create_options *options;
	bool run; /* start at once */
	struct oci_spec spec;
	char *config; /* its text */
	size_t config_len;
	struct container_state state;
	struct state_dir dir;
	bool dir_made;
	struct cgroup *cgroup;
	struct plan plan;
	struct launch launch;
	char *seccomp_cache;
	int listener, console;
	int console_master; /* run in the foreground: our end of the console socket */
	struct notify notify;
};

static void creation_init(
	struct creation *c, const struct runtime *rt, const struct create_options *o)
{
	*c = (struct creation){ .rt = rt,
		.options = o,
		.spec = OCI_SPEC_INIT,
		.dir = STATE_DIR_INIT,
		.launch = LAUNCH_INIT,
		.listener = -1,
		.console = -1,
		.console_master = -1,
		.notify = NOTIFY_INIT };
	plan_init(&c->plan);
}

static void creation_done(struct creation *c)
{
	launch_done(&c->launch);
	fd_close(&c->listener);
	fd_close(&c->console);
	fd_close(&c->console_master);
	notify_close(&c->notify);
	plan_done(&c->plan);
	cgroup_free(c->cgroup);
	oci_spec_done(&c->spec);
	container_state_done(&c->state);
	state_dir_close(&c->dir);
	free(c->config);
	free(c->seccomp_cache);
}

/* Takes back everything; *err keeps what went wrong first. */
static void creation_undo(struct creation *c)
{
	struct md_error err = MD_ERROR_INIT;

	launch_abort(&c->launch);
	if (c->launch.hooks_ran)
		hooks_run(&c->spec.hooks[OCI_HOOK_POSTSTOP], OCI_HOOK_POSTSTOP, &c->state,
			CONTAINER_STOPPED, true, NULL);
	if (c->cgroup && c->launch.cgroup_made && cgroup_destroy(c->cgroup, &err) < 0)
		log_warning("%s", err.msg);
	if (c->launch.rdt_made && rdt_remove(c->state.rdt, c->state.id, &err) < 0)
		log_warning("%s", err.msg);
	if (c->dir_made && state_dir_remove(c->rt, c->state.id, &err) < 0)
		log_warning("%s", err.msg);
}

/* The bundle and its document. Relative paths are of the caller's working directory. */
static int load_bundle(struct creation *c, struct md_error *err)
{
	const struct create_options *o = c->options;
	_auto_free_ char *config = NULL;
	const char *bundle = o->bundle ? o->bundle : ".";

	c->state.bundle = realpath(bundle, NULL);
	if (!c->state.bundle)
		return md_fail_errno(err, "bundle '%s'", bundle);
	config = o->config ? strdup(o->config) : str_format("%s/config.json", c->state.bundle);
	if (!config)
		return md_fail_errno(err, "bundle '%s'", bundle);
	return runtime_load_spec(AT_FDCWD, config, &c->spec, &c->config, &c->config_len, err);
}

static int find_rootfs(struct creation *c, struct md_error *err)
{
	const char *path = c->spec.root_path;
	_auto_free_ char *joined = NULL;
	struct stat st;

	if (!path)
		return md_fail(err, EINVAL, "root.path: missing");
	joined = path[0] == '/' ? strdup(path) : str_format("%s/%s", c->state.bundle, path);
	c->state.rootfs = joined ? realpath(joined, NULL) : NULL;
	if (!c->state.rootfs && errno == EACCES)
		c->state.rootfs = take_ptr(joined);
	if (!c->state.rootfs)
		return md_fail_errno(err, "root.path '%s'", path);
	if (stat(c->state.rootfs, &st) == 0 && !S_ISDIR(st.st_mode))
		return md_fail(err, ENOTDIR, "root.path '%s': not a directory", path);
	if (str_eq(c->state.rootfs, "/"))
		return md_fail(err, EINVAL, "root.path: the host's own root is refused");
	return 0;
}

/* `run` needs no answer of the child's before its record counts: should the child fail then, all goes that there is. That saves the child the wait for
 * us, whom it would have to wake up first. Only a pid file is for others to read, and comes when the container is made; and hooks look at the state, take long, and
 * use other commands. What must not happen in the short time without any waits for our lock (state_await_made()). */
static bool records_early(const struct creation *c)
{
	for (int kind = 0; kind < OCI_HOOK_KINDS; kind++) {
		if (kind != OCI_HOOK_POSTSTOP && c->spec.hooks[kind].count)
			return false;
	}
	return c->run && !c->options->pid_file;
}

static int fill_state(struct creation *c, const char *id, struct md_error *err)
{
	struct container_state *s = &c->state;
	char now[UTC_TEXT];

	s->id = strdup(id);
	s->created = strdup(utc_now(now, 9));
	s->owner_uid = geteuid();
	s->owner = geteuid() == 0 ? strdup("root") : str_format("%u", geteuid());
	s->status = CONTAINER_CREATING;
	s->systemd_cgroup = c->rt->systemd_cgroup;
	s->rootless = runtime_is_rootless(c->rt);
	s->user_namespace = c->spec.ns[OCI_NS_USER].set;
	s->own_keyring = !c->options->no_new_keyring;
	s->early = records_early(c);
	if (c->spec.intel_rdt.set)
		s->rdt = rdt_record(&c->spec.intel_rdt, id);
	if (!s->id || !s->created || !s->owner || (c->spec.intel_rdt.set && !s->rdt))
		return md_fail_errno(err, "state");
	for (size_t i = 0; i < c->spec.annotations.count; i++) {
		const struct oci_pair *a = &c->spec.annotations.items[i];

		if (strv_addf(&s->annotations, "%s=%s", a->key, a->value) < 0)
			return md_fail_errno(err, "annotations");
	}
	return 0;
}

static int plan_cgroup(struct creation *c, struct md_error *err)
{
	struct cgroup_request r = { .id = c->state.id,
		.cgroups_path = c->spec.cgroups_path,
		.annotations = &c->spec.annotations,
		.rootless = c->state.rootless,
		.manager =
			c->rt->systemd_cgroup ? CGROUP_MANAGER_SYSTEMD : CGROUP_MANAGER_CGROUPFS };

	if (cgroup_plan(&r, &c->cgroup, err) < 0)
		return md_wrap(err, "linux.cgroupsPath");
	c->state.cgroup = strdup(cgroup_record(c->cgroup));
	return c->state.cgroup ? 0 : md_fail_errno(err, "state");
}

/* Where the terminal's master shall go: the caller's socket, or ours when we relay. */
static int open_console(struct creation *c, struct md_error *err)
{
	const char *path = c->options->console_socket;
	int pair[2];

	if (!c->spec.process || !c->spec.process->terminal)
		return 0;
	if (path && path[0]) {
		c->console = sock_connect(path, SOCK_STREAM);
		if (c->console < 0)
			return md_fail_errno(err, "connect to the console socket '%s'", path);
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "make a console socket");
	c->console_master = pair[0];
	c->console = pair[1];
	return 0;
}

static int open_listener(struct creation *c, struct md_error *err)
{
	_auto_free_ char *path = NULL;

	if (c->run)
		return 0;
	path = str_format("%s/start.sock", c->dir.path);
	c->listener = path ? sock_listen(path, SOCK_SEQPACKET, 4) : -1;
	if (c->listener < 0)
		return md_fail_errno(err, "make start.sock");
	return 0;
}

static int make_plan(struct creation *c, struct md_error *err)
{
	struct plan_request r = { .spec = &c->spec,
		.id = c->state.id,
		.bundle = c->state.bundle,
		.rootfs = c->state.rootfs,
		.cgroup = c->cgroup,
		.rootless = c->state.rootless };
	struct init_plan *in = &c->plan.init;

	c->seccomp_cache = runtime_seccomp_cache(c->rt);
	if (!c->seccomp_cache)
		return md_fail_errno(err, "plan");
	r.seccomp_cache = c->seccomp_cache;
	if (plan_container(&c->plan, &r, err) < 0)
		return -1;
	in->start_listener = c->listener;
	in->console_sock = c->console;
	in->preserve_fds = c->options->preserve_fds;
	in->no_pivot = c->options->no_pivot;
	in->new_keyring = c->state.own_keyring;
	in->skips_ready = c->state.early;
	return 0;
}

/* sd_listen_fds(3): the program must find its own pid in LISTEN_PID. */
static int tell_listen_fds(struct creation *c, struct md_error *err)
{
	struct oci_process *p = c->spec.process;
	char count[32];
	char **env;

	if (!p || !c->options->listen_fds)
		return 0;
	snprintf(count, sizeof(count), "LISTEN_FDS=%u", c->options->listen_fds);
	env = arena_new(&c->spec.arena, char *, p->env.count + 3);
	if (!env)
		return md_fail(err, ENOMEM, "out of memory");
	memcpy(env, p->env.items, p->env.count * sizeof(*env));
	env[p->env.count] = arena_str(&c->spec.arena, count);
	env[p->env.count + 1] = (char *)"LISTEN_PID=1";
	if (!env[p->env.count])
		return md_fail(err, ENOMEM, "out of memory");
	p->env = (struct oci_strs){ env, p->env.count + 2 };
	return 0;
}

static int open_notify(struct creation *c, struct md_error *err)
{
	const char *host = c->rt->notify_socket;

	if (notify_offer(host, &c->dir, &c->spec, err) < 0)
		return -1;
	return c->run ? notify_open(&c->notify, host, &c->dir, err) : 0;
}

/* All that can fail without anybody noticing: nothing but the folder is made. */
static int prepare(struct creation *c, const char *id, struct md_error *err)
{
	bool foreground = c->run && !c->options->detach;

	if (load_bundle(c, err) < 0 || find_rootfs(c, err) < 0 || fill_state(c, id, err) < 0 ||
		tell_listen_fds(c, err) < 0)
		return -1;
	if (c->run && !c->spec.process)
		return md_fail(err, EINVAL, "process: missing: there is no program to run");
	if (c->spec.process && runtime_check_console(c->spec.process->terminal,
				       c->options->console_socket, foreground, err) < 0)
		return -1;
	if (state_dir_make(c->rt, id, &c->dir, err) < 0)
		return -1;
	c->dir_made = true;
	if (open_notify(c, err) < 0)
		return -1;
	if (plan_cgroup(c, err) < 0 || open_console(c, err) < 0 || open_listener(c, err) < 0)
		return -1;
	return make_plan(c, err);
}

/* While the child is at work: all that its record takes but the moment in which it counts. */
static int prepare_record(struct creation *c, struct md_error *err)
{
	c->state.pid = c->launch.pid;
	c->state.start_time = c->launch.start_time;
	if (state_write_file(c->dir.fd, "config.json", c->config, c->config_len, 0600, err) < 0)
		return -1;
	return state_prepare(&c->dir, &c->state, err);
}

/* The state file gets the child's pid, then the child may outlive us. */
static int record(struct creation *c, struct md_error *err)
{
	struct container_state *s = &c->state;

	s->status = CONTAINER_CREATED;
	if (state_publish(&c->dir, err) < 0)
		return -1;
	if (c->options->pid_file && runtime_write_pid_file(c->options->pid_file, s->pid, err) < 0)
		return -1;
	return launch_send(&c->launch, c->run ? SYNC_START : SYNC_RECORDED, err);
}

static int create(struct creation *c, const char *id, struct md_error *err)
{
	if (runtime_seal_fds(c->options->preserve_fds, &c->plan.init.soft_files, err) < 0 ||
		prepare(c, id, err) < 0)
		return -1;
	c->launch.plan = &c->plan;
	c->launch.state = &c->state;
	c->launch.dir = &c->dir;
	c->launch.cgroup = c->cgroup;
	if (launch_start(&c->launch, err) < 0)
		return -1;
	/* Ours alone: the child has its copies. */
	fd_close(&c->listener);
	fd_close(&c->console);
	if (prepare_record(c, err) < 0)
		return -1;
	if (!c->state.early && launch_serve(&c->launch, SYNC_READY, err) < 0)
		return -1;
	return record(c, err);
}

int container_create(const struct runtime *rt, const char *id, const struct create_options *o,
	struct md_error *err)
{
	struct creation c;
	int r;

	if (protect_self(err) < 0)
		return -1;
	creation_init(&c, rt, o);
	r = create(&c, id, err);
	if (r < 0)
		creation_undo(&c);
	creation_done(&c);
	return r;
}

/* ---- run ---- */

/* There is time for it now, and somebody waits for our end when the container has ended. */
static void let_go_early(struct creation *c)
{
	protect_release();
	plan_done(&c->plan);
	if (!c->spec.hooks[OCI_HOOK_POSTSTOP].count)
		oci_spec_done(&c->spec);
	free(c->config);
	c->config = NULL;
}

static int run(struct creation *c, const char *id, int *ret_exit, struct md_error *err)
{
	struct relay relay = RELAY_INIT;
	bool foreground = !c->options->detach;
	int r;

	/* Signals that come while it is made are for it. */
	if (foreground && relay_open(&relay, !c->options->no_subreaper, err) < 0)
		return -1;
	r = create(c, id, err);
	if (r == 0)
		r = launch_serve(&c->launch, SYNC_START, err);
	if (r == 0 && c->console_master >= 0)
		r = relay_take_terminal(&relay, c->console_master, err);
	if (r < 0) {
		relay_close(&relay);
		return -1;
	}
	hooks_run(&c->spec.hooks[OCI_HOOK_POSTSTART], OCI_HOOK_POSTSTART, &c->state,
		CONTAINER_RUNNING, true, NULL);
	/* Others may pause, update and delete it while it runs. */
	fd_close(&c->dir.lock);
	if (!foreground) {
		c->notify.main_pid = c->launch.pid;
		notify_wait(&c->notify, c->launch.pid);
		return 0;
	}
	let_go_early(c);
	relay.notify = &c->notify;
	*ret_exit = relay_run(&relay, c->launch.pid);
	c->launch.pid = 0;
	relay_close(&relay);
	if (c->options->keep)
		return 0;
	return container_delete_own(c->rt, &c->state, &c->dir, c->cgroup, &c->spec, err);
}

int container_run(const struct runtime *rt, const char *id, const struct create_options *o,
	int *ret_exit, struct md_error *err)
{
	struct creation c;
	int r;

	if (protect_self(err) < 0)
		return -1;
	creation_init(&c, rt, o);
	c.run = true;
	r = run(&c, id, ret_exit, err);
	if (r < 0 && c.dir_made && c.dir.lock >= 0)
		creation_undo(&c);
	creation_done(&c);
	return r;
}
