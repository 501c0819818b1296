/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"
#include "runtime/cgroup.h"
#include "runtime/common.h"
#include "runtime/launch.h"
#include "runtime/plan.h"
#include "runtime/protect.h"
#include "runtime/relay.h"
#include "runtime/state.h"
#include "sys/proc.h"
#include "base/poison.h"

/* An exec being made. */
struct entry {
	const struct runtime *rt;
	const struct exec_options *options;
	struct oci_spec spec; /* of the container */
	struct oci_process_doc doc;
	bool have_doc;
	struct oci_process
		process; /* what will run: strings are borrowed from the above and the arena */
	struct container_state state;
	struct state_dir dir;
	struct cgroup *cgroup;
	struct plan plan;
	struct launch launch;
	char *seccomp_cache;
	int pidfd, console, console_master;
};

static void entry_init(struct entry *e, const struct runtime *rt, const struct exec_options *o)
{
	*e = (struct entry){ .rt = rt,
		.options = o,
		.spec = OCI_SPEC_INIT,
		.dir = STATE_DIR_INIT,
		.launch = LAUNCH_INIT,
		.pidfd = -1,
		.console = -1,
		.console_master = -1 };
	plan_init(&e->plan);
}

static void entry_done(struct entry *e)
{
	launch_done(&e->launch);
	fd_close(&e->pidfd);
	fd_close(&e->console);
	fd_close(&e->console_master);
	plan_done(&e->plan);
	cgroup_free(e->cgroup);
	if (e->have_doc)
		oci_process_done(&e->doc);
	oci_spec_done(&e->spec);
	container_state_done(&e->state);
	state_dir_close(&e->dir);
	free(e->seccomp_cache);
}

static int load_container(struct entry *e, const char *id, struct md_error *err)
{
	struct container_state *s = &e->state;

	/* Before its own root is entered a container has the host's. */
	if (state_dir_open(e->rt, id, false, &e->dir, err) < 0 || state_read(&e->dir, s, err) < 0 ||
		state_await_made(&e->dir, s, err) < 0)
		return -1;
	if (s->status == CONTAINER_STOPPED || s->status == CONTAINER_CREATING)
		return md_fail(err, EBUSY, "cannot exec in a stopped container");
	if (s->status == CONTAINER_PAUSED && !e->options->ignore_paused)
		return md_fail(err, EBUSY, "cannot exec in a paused container");
	if (runtime_load_spec(e->dir.fd, "config.json", &e->spec, NULL, NULL, err) < 0)
		return -1;
	if (s->cgroup && cgroup_open(s->cgroup, &e->cgroup, err) < 0)
		return md_wrap(err, "cgroups");
	return 0;
}

/* ---- what shall run ---- */

static int load_process_file(struct entry *e, struct md_error *err)
{
	const char *path = e->options->process_file;
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, OCI_CONFIG_CEILING, &text, &len) < 0)
		return md_fail_errno(err, "read '%s'", path);
	if (oci_process_parse(text, len, &e->doc, err) < 0)
		return md_wrap(err, "%s", path);
	e->have_doc = true;
	e->process = e->doc.process;
	return 0;
}

static int set_args(struct entry *e, char *const *args, struct md_error *err)
{
	size_t count = 0;

	if (!args)
		return 0;
	while (args[count])
		count++;
	e->process.args.items = arena_new(&e->plan.arena, char *, count + 1);
	if (!e->process.args.items)
		return md_fail_errno(err, "arguments");
	memcpy(e->process.args.items, args, count * sizeof(*args));
	e->process.args.count = count;
	return 0;
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0 && a[len] == '=';
}

/* Later ones replace those of the same name. */
static int add_env(struct entry *e, const struct strv *add, struct md_error *err)
{
	struct oci_strs *env = &e->process.env;
	char **items = arena_new(&e->plan.arena, char *, env->count + add->count + 1);
	size_t count = 0;

	if (!items)
		return md_fail_errno(err, "environment");
	for (size_t i = 0; i < env->count + add->count; i++) {
		char *item = i < env->count ? env->items[i] : add->items[i - env->count];
		size_t k = 0;

		while (k < count && !same_name(item, items[k]))
			k++;
		items[k] = item;
		if (k == count)
			count++;
	}
	env->items = items;
	env->count = count;
	return 0;
}

/* Names are the caller's to look up: a container's /etc/passwd is not to be trusted with who somebody is. */
static int set_user(struct entry *e, const char *user, struct md_error *err)
{
	_auto_free_ char *text = user ? strdup(user) : NULL;
	struct oci_user *u = &e->process.user;
	uint64_t uid, gid = u->gid;
	char *colon;

	if (!user)
		return 0;
	if (!text)
		return md_fail_errno(err, "user");
	colon = strchr(text, ':');
	if (colon)
		*colon = '\0';
	/* The highest one means "no change" to the kernel. */
	if (str_to_u64(text, UINT32_MAX - 1, &uid) < 0 ||
		(colon && str_to_u64(colon + 1, UINT32_MAX - 1, &gid) < 0))
		return md_fail(
			err, EINVAL, "user '%.64s': expected UID or UID:GID, in numbers", user);
	u->uid = (uid_t)uid;
	u->gid = (gid_t)gid;
	return 0;
}

static int set_gids(struct entry *e, const struct strv *gids, struct md_error *err)
{
	struct oci_user *u = &e->process.user;
	gid_t *all;

	if (!gids->count)
		return 0;
	all = arena_new(&e->plan.arena, gid_t, u->additional_gid_count + gids->count);
	if (!all)
		return md_fail_errno(err, "additional groups");
	if (u->additional_gid_count)
		memcpy(all, u->additional_gids, u->additional_gid_count * sizeof(*all));
	u->additional_gids = all;
	for (size_t i = 0; i < gids->count; i++) {
		uint64_t gid;

		if (str_to_u64(gids->items[i], UINT32_MAX - 1, &gid) < 0)
			return md_fail(err, EINVAL, "additional group '%.64s': expected a number",
				gids->items[i]);
		all[u->additional_gid_count++] = (gid_t)gid;
	}
	return 0;
}

/* Never inheritable: the user's programs would get them by file capabilities. */
static int add_caps(struct entry *e, const struct strv *caps, struct md_error *err)
{
	struct oci_caps *c = &e->process.caps;

	for (size_t i = 0; i < caps->count; i++) {
		int number = oci_cap_number(caps->items[i]);

		if (number < 0) {
			log_warning("unknown capability '%.64s' is ignored", caps->items[i]);
			continue;
		}
		c->set = true;
		c->bounding |= 1ULL << number;
		c->permitted |= 1ULL << number;
		c->effective |= 1ULL << number;
	}
	return 0;
}

static int make_process(struct entry *e, struct md_error *err)
{
	const struct exec_options *o = e->options;
	struct oci_process *p = &e->process;

	if (o->process_file)
		return load_process_file(e, err);
	if (!e->spec.process)
		return md_fail(err, EINVAL, "process: the container's config.json has none");
	*p = *e->spec.process;
	p->terminal = o->tty;
	p->console_width.value = p->console_height.value = 0;
	if (o->cwd)
		p->cwd = o->cwd;
	if (p->cwd[0] != '/')
		return md_fail(err, EINVAL, "cwd '%s': must be absolute", p->cwd);
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->process_label && plan_selinux_off())
		return md_fail(err, ENOTSUP, "process label '%s': this host has no SELinux",
			o->process_label);
	if (o->process_label)
		p->selinux_label = o->process_label;
	if (o->no_new_privs)
		p->no_new_privileges = true;
	if (set_args(e, o->args, err) < 0 || add_env(e, &o->env, err) < 0 ||
		set_user(e, o->user, err) < 0 || set_gids(e, &o->additional_gids, err) < 0)
		return -1;
	return add_caps(e, &o->caps, err);
}

/* ---- entering ---- */

/* In a mount namespace that it didn't make the container has a root of its own (chroot). */
static int open_root(struct entry *e, struct md_error *err)
{
	const struct oci_namespace *mounts = &e->spec.ns[OCI_NS_MOUNT];
	const struct container_state *s = &e->state;
	char path[64];

	if (mounts->set && !mounts->path)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/root", s->pid);
	e->plan.init.exec_root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return e->plan.init.exec_root < 0 ? md_fail_errno(err, "open '%s'", path) : 0;
}

/* By one pidfd for all namespaces; by their files where there are no pidfds. */
static int open_namespaces(struct entry *e, struct md_error *err)
{
	struct init_plan *in = &e->plan.init;
	const struct container_state *s = &e->state;
	char path[64];

	e->pidfd = proc_open_pidfd(s->pid, s->start_time);
	if (e->pidfd < 0 && errno != ENOSYS)
		return md_fail(err, EBUSY, "cannot exec in a stopped container");
	in->target_pidfd = e->pidfd;
	for (int k = 0; k < OCI_NS_KINDS; k++) {
		in->join_ns[k] = e->spec.ns[k].set;
		if (e->pidfd >= 0 || !in->join_ns[k])
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", s->pid, oci_ns_info[k].proc_name);
		in->ns_fds[k] = open(path, O_RDONLY | O_CLOEXEC);
		if (in->ns_fds[k] < 0)
			return md_fail_errno(err, "open '%s'", path);
	}
	if (open_root(e, err) < 0)
		return -1;
	if ((e->pidfd < 0 || in->exec_root >= 0) && !proc_alive(s->pid, s->start_time))
		return md_fail(err, EBUSY, "cannot exec in a stopped container");
	in->in_userns = in->join_ns[OCI_NS_USER];
	/* An ordinary user has no right over the pid namespace before it is in the user namespace. */
	in->join_by_between = in->in_userns && geteuid() != 0;
	return 0;
}

static int open_console(struct entry *e, struct md_error *err)
{
	const char *path = e->options->console_socket;
	int pair[2];

	if (!e->process.terminal)
		return 0;
	if (path && path[0]) {
		e->console = sock_connect(path, SOCK_STREAM);
		if (e->console < 0)
			return md_fail_errno(err, "connect to the console socket '%s'", path);
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "make a console socket");
	e->console_master = pair[0];
	e->console = pair[1];
	return 0;
}

static int prepare(struct entry *e, const char *id, struct md_error *err)
{
	const struct exec_options *o = e->options;
	struct init_plan *in = &e->plan.init;

	if (runtime_seal_fds(o->preserve_fds, &in->soft_files, err) < 0 ||
		load_container(e, id, err) < 0 || make_process(e, err) < 0)
		return -1;
	if (runtime_check_console(e->process.terminal, o->console_socket, !o->detach, err) < 0)
		return -1;
	e->seccomp_cache = runtime_seccomp_cache(e->rt);
	if (!e->seccomp_cache)
		return md_fail_errno(err, "plan");
	if (plan_process(&e->plan, &e->spec, &e->process, e->seccomp_cache, err) < 0 ||
		open_namespaces(e, err) < 0 || open_console(e, err) < 0)
		return -1;
	in->exec = true;
	in->console_sock = e->console;
	in->preserve_fds = o->preserve_fds;
	/* The container's own, which it joins by the name. */
	in->new_keyring = e->state.own_keyring;
	if (plan_keyring(&e->plan, id, err) < 0)
		return -1;
	e->plan.rootless = e->state.rootless;
	e->launch.plan = &e->plan;
	e->launch.state = &e->state;
	e->launch.cgroup = e->cgroup;
	e->launch.exec_cgroups = &o->cgroups;
	return 0;
}

/* The child begins with it; what it has in the end is set in the container's cpuset. */
static int set_initial_cpus(const struct oci_cpus *cpus, struct md_error *err)
{
	if (cpus->set && syscall(SYS_sched_setaffinity, 0, sizeof(cpus->mask), cpus->mask) < 0)
		return md_fail_errno(err, "process.execCPUAffinity.initial");
	return 0;
}

static int enter(
	struct entry *e, const char *id, struct relay *relay, int *ret_exit, struct md_error *err)
{
	const struct exec_options *o = e->options;

	if (prepare(e, id, err) < 0)
		return -1;
	if (!o->detach && relay_open(relay, !o->no_subreaper, err) < 0)
		return -1;
	/* From the fork on the child can be seen in the container: nobody there may look into it. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (set_initial_cpus(&e->process.cpus_initial, err) < 0 ||
		launch_start(&e->launch, err) < 0)
		return -1;
	fd_close(&e->console);
	if (launch_serve(&e->launch, SYNC_START, err) < 0)
		return -1;
	if (o->pid_file && runtime_write_pid_file(o->pid_file, e->launch.pid, err) < 0)
		return -1;
	if (o->detach)
		return 0;
	if (e->console_master >= 0 && relay_take_terminal(relay, e->console_master, err) < 0)
		return -1;
	protect_release();
	*ret_exit = relay_run(relay, e->launch.pid);
	e->launch.pid = 0;
	return 0;
}

int container_exec(const struct runtime *rt, const char *id, const struct exec_options *o,
	int *ret_exit, struct md_error *err)
{
	struct relay relay = RELAY_INIT;
	struct entry e;
	int r;

	if (protect_self(err) < 0)
		return -1;
	entry_init(&e, rt, o);
	r = enter(&e, id, &relay, ret_exit, err);
	if (r < 0)
		launch_abort(&e.launch);
	relay_close(&relay);
	entry_done(&e);
	return r;
}
