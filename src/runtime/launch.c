/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/launch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "runtime/hooks.h"
#include "runtime/seccomp.h"
#include "runtime/state.h"
#include "sys/idmap.h"
#include "sys/kernel.h"
#include "sys/netdev.h"
#include "base/poison.h"

/* ---- making the child ---- */

static uint64_t clone_flags(const struct init_plan *in)
{
	uint64_t flags = 0;

	/* A cgroup namespace is rooted where its maker is, a time namespace needs its offsets first: both are the
	 * child's to make. */
	for (int k = 0; k < OCI_NS_KINDS; k++) {
		if (in->new_ns[k] && k != OCI_NS_CGROUP && k != OCI_NS_TIME)
			flags |= (uint64_t)oci_ns_info[k].clone_flag;
	}
	return flags;
}

/* Joins a namespace of the plan: of the container's first process by its pidfd, or by its own descriptor. */
static int join_one(const struct init_plan *in, enum oci_ns_kind kind)
{
	bool by_pidfd = in->exec && in->target_pidfd >= 0;
	int fd = by_pidfd ? in->target_pidfd : in->ns_fds[kind];

	if (fd < 0 || (by_pidfd && !in->join_ns[kind]))
		return 0;
	return setns(fd, oci_ns_info[kind].clone_flag);
}

/* Joining a pid namespace works on the children to come; so it is undone behind the fork. */
static int join_pid(const struct init_plan *in, int *ret_own, struct md_error *err)
{
	if (in->exec ? !in->join_ns[OCI_NS_PID] : in->ns_fds[OCI_NS_PID] < 0)
		return 0;
	*ret_own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (*ret_own < 0 || join_one(in, OCI_NS_PID) < 0)
		return md_fail_errno(err, "join the pid namespace");
	return 0;
}

/* The child in a joined user namespace is made by a go-between that has entered it, so that its new namespaces belong to that, and
 * an ordinary user has rights over its pid namespace. With CLONE_PARENT it is our child all the same. */
static _noreturn_ void run_between(struct plan *p, int report)
{
	struct init_plan *in = &p->init;
	pid_t pid = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (join_one(in, OCI_NS_USER) == 0 && join_one(in, OCI_NS_PID) == 0)
		pid = sys_clone(clone_flags(in) | CLONE_PARENT, -1);
	if (pid == 0) {
		close(report);
		init_run(in);
	}
	if (pid < 0)
		pid = -errno;
	(void)!write(report, &pid, sizeof(pid));
	_exit(0);
}

static pid_t clone_between(struct launch *l)
{
	_auto_close_ int report_read = -1;
	_auto_close_ int report_write = -1;
	pid_t between, pid = -EIO;
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	report_read = report[0];
	report_write = report[1];
	between = sys_clone(0, -1);
	if (between == 0)
		run_between(l->plan, report_write);
	if (between < 0)
		return -1;
	fd_close(&report_write);
	if (fd_read_exactly(report_read, &pid, sizeof(pid)) < 0)
		pid = -errno;
	spawn_wait(between);
	if (pid < 0) {
		errno = -pid;
		return -1;
	}
	return pid;
}

/* The child of the common case: born in its group of the unified tree, and entering those of the others by itself. Without clone3 we
 * move it. */
static pid_t clone_child(struct launch *l)
{
	struct init_plan *in = &l->plan->init;
	int cgroup_fd = in->enters_cgroup ? cgroup_birth_fd(l->cgroup) : -1;
	pid_t pid = sys_clone(clone_flags(in), cgroup_fd);

	if (pid < 0 && cgroup_fd >= 0) {
		in->enters_cgroup = false;
		pid = sys_clone(clone_flags(in), -1);
	}
	if (pid == 0)
		init_run(in);
	return pid;
}

static int make_child(struct launch *l, struct md_error *err)
{
	struct init_plan *in = &l->plan->init;
	_auto_close_ int child_sock = -1;
	_auto_close_ int own_pid = -1;
	int pair[2], saved;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "make a socket pair");
	l->sock = pair[0];
	in->sock = child_sock = pair[1];
	/* Processes of a shared pid namespace must not reach into ours. */
	if (in->ns_fds[OCI_NS_PID] >= 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!in->join_by_between && join_pid(in, &own_pid, err) < 0)
		return -1;
	if (in->join_by_between)
		l->pid = clone_between(l);
	else
		l->pid = clone_child(l);
	saved = errno;
	if (own_pid >= 0)
		setns(own_pid, CLONE_NEWPID);
	if (l->pid < 0) {
		l->pid = 0;
		errno = saved;
		return md_fail_errno(err, "make the container's process with its namespaces");
	}
	return 0;
}

void launch_abort(struct launch *l)
{
	fd_close(&l->sock);
	if (l->pid <= 0)
		return;
	kill(l->pid, SIGKILL);
	spawn_wait(l->pid);
	l->pid = 0;
}

/* ---- what the child can't do itself ---- */

static int copy_maps(struct arena *a, const struct oci_id_maps *from,
	const struct idmap_range **ret, size_t *ret_count)
{
	struct idmap_range *r = arena_new(a, struct idmap_range, from->count);

	if (!r)
		return -1;
	for (size_t i = 0; i < from->count; i++)
		r[i] = (struct idmap_range){ from->items[i].container, from->items[i].host,
			from->items[i].size };
	*ret = r;
	*ret_count = from->count;
	return 0;
}

static int make_idmap(struct launch *l, const struct oci_id_maps *uids,
	const struct oci_id_maps *gids, struct idmap *ret, struct md_error *err)
{
	if (copy_maps(&l->plan->arena, uids, &ret->uids, &ret->uid_count) < 0 ||
		copy_maps(&l->plan->arena, gids, &ret->gids, &ret->gid_count) < 0)
		return md_fail_errno(err, "id mappings");
	return 0;
}

static int write_maps(struct launch *l, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	struct idmap map;

	if (!l->plan->init.await_map)
		return 0;
	if (make_idmap(l, &s->uid_maps, &s->gid_maps, &map, err) < 0 ||
		idmap_write(l->pid, &map, err) < 0)
		return md_wrap(err, "map the ids");
	return launch_send(l, SYNC_MAPPED, err);
}

static int write_proc(pid_t pid, const char *file, const char *text)
{
	_auto_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* Lowering the score takes CAP_SYS_RESOURCE. Engines ask for it by habit and a container without it is only less privileged, so
 * a refusal is no error. */
static int set_oom_score(struct launch *l, struct md_error *err)
{
	const struct oci_process *p = l->plan->init.process;
	char text[16];

	if (!p->oom_score_adj.set)
		return 0;
	snprintf(text, sizeof(text), "%d", (int)p->oom_score_adj.value);
	if (write_proc(l->pid, "oom_score_adj", text) == 0)
		return 0;
	if (errno != EACCES && errno != EPERM)
		return md_fail_errno(err, "set oom_score_adj to %s", text);
	log_warning("oom_score_adj can't be set to %s here: %s", text, strerror(errno));
	return 0;
}

/* Hard limits above ours are the runtime's to give: the child may be of another user by then. What is refused the child clamps. */
static void raise_limits(struct launch *l)
{
	const struct oci_process *p = l->plan->init.process;

	for (size_t i = 0; i < p->rlimit_count; i++) {
		const struct oci_rlimit *r = &p->rlimits[i];
		struct rlimit now;

		if (getrlimit(r->resource, &now) == 0 && r->hard > now.rlim_max) {
			now.rlim_max = r->hard;
			(void)prlimit(l->pid, r->resource, &now, NULL);
		}
	}
}

static int make_cgroup(struct launch *l, pid_t pid, struct md_error *err)
{
	if (!l->cgroup || l->plan->init.exec)
		return 0;
	l->cgroup_made = true;
	if (cgroup_create(l->cgroup, &l->plan->init.spec->resources, pid, err) < 0)
		return md_wrap(err, "cgroups");
	return 0;
}

/* The host's interfaces that the container takes over; they come back to the host with the end of its network namespace. */
static int move_net_devices(struct launch *l, struct md_error *err)
{
	const struct init_plan *in = &l->plan->init;
	const struct oci_spec *s = in->spec;
	_auto_close_ int own = -1;
	char path[64];
	int netns = in->ns_fds[OCI_NS_NETWORK];

	if (in->exec || !s->net_device_count)
		return 0;
	if (netns < 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", l->pid);
		netns = own = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (netns < 0)
		return md_fail_errno(err, "open the network namespace");
	for (size_t i = 0; i < s->net_device_count; i++) {
		const struct oci_net_device *d = &s->net_devices[i];

		if (netdev_move(d->name, netns, d->new_name) < 0)
			return md_fail_errno(
				err, "linux.netDevices: move '%s' into the container", d->name);
	}
	return 0;
}

/* Before the child: its groups, and how it gets in. */
static int prepare_cgroup(struct launch *l, struct md_error *err)
{
	struct init_plan *in = &l->plan->init;
	bool by_pid = l->cgroup && !in->exec && cgroup_needs_pid(l->cgroup);

	if (!by_pid && make_cgroup(l, 0, err) < 0)
		return -1;
	/* Into a group below, as systemd has it, and from a go-between, the child is moved. */
	if (!l->cgroup || by_pid || l->exec_cgroup || in->join_by_between)
		return 0;
	if (cgroup_open_entries(l->cgroup, in->cgroup_fds, &in->cgroup_fd_count, err) < 0)
		return md_wrap(err, "cgroups");
	in->enters_cgroup = true;
	return 0;
}

static int move_to_cgroup(struct launch *l, struct md_error *err)
{
	if (l->plan->init.enters_cgroup)
		return 0;
	if (l->cgroup && !l->cgroup_made && make_cgroup(l, l->pid, err) < 0)
		return -1;
	if (l->cgroup && cgroup_add(l->cgroup, l->pid, l->exec_cgroup, false, err) < 0)
		return md_wrap(err, "cgroups");
	return launch_send(l, SYNC_IN_CGROUP, err);
}

int launch_start(struct launch *l, struct md_error *err)
{
	if (prepare_cgroup(l, err) < 0 || make_child(l, err) < 0)
		return -1;
	raise_limits(l);
	if (set_oom_score(l, err) < 0 || write_maps(l, err) < 0 || move_net_devices(l, err) < 0 ||
		move_to_cgroup(l, err) < 0) {
		launch_abort(l);
		return -1;
	}
	return 0;
}

/* ---- serving ---- */

int launch_send(struct launch *l, enum sync_stage stage, struct md_error *err)
{
	struct sync_message m = { .stage = stage };

	/* A child that is gone has left a message why; it is read next. */
	if (sync_send(l->sock, &m, -1) < 0 && errno != EPIPE && errno != ECONNRESET)
		return md_fail_errno(err, "talk to the container's process");
	return 0;
}

/* strerror() as Go spells it: the wording that engines look for. */
static void lower_first(char *s)
{
	if (isupper((unsigned char)s[0]) && !isupper((unsigned char)s[1]))
		s[0] = (char)tolower((unsigned char)s[0]);
}

int launch_child_error(const struct sync_message *m, struct md_error *err)
{
	char reason[128];

	if (m->value != SYNC_FAILURE_PROGRAM) {
		if (m->code)
			return md_fail(err, m->code, "%s: %s", m->text, strerror(m->code));
		return md_fail(err, EIO, "%s", m->text);
	}
	if (m->code >= 0)
		return md_fail(err, m->code, "unable to start container process: %s", m->text);
	snprintf(reason, sizeof(reason), "%s", strerror(-m->code));
	lower_first(reason);
	return md_fail(err, -m->code, "unable to start container process: %s: %s", m->text, reason);
}

/* An id-mapped mount is made here: it takes rights over the file system's user namespace. */
static int open_idmapped(
	struct launch *l, const struct oci_mount *m, int tree, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP };
	unsigned int flags = AT_EMPTY_PATH | (m->idmap == OCI_IDMAP_REC ? AT_RECURSIVE : 0);
	_auto_close_ int userns = -1;
	struct idmap map;
	char path[64];

	if (m->uid_maps.count) {
		if (make_idmap(l, &m->uid_maps, &m->gid_maps, &map, err) < 0 ||
			idmap_open_userns(&map, &userns, err) < 0)
			return -1;
	} else {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", l->pid);
		userns = open(s->ns[OCI_NS_USER].path ? s->ns[OCI_NS_USER].path : path,
			O_RDONLY | O_CLOEXEC);
		if (userns < 0)
			return md_fail_errno(err, "open the user namespace");
	}
	a.userns_fd = (uint64_t)userns;
	if (sys_mount_setattr(tree, "", flags, &a) < 0)
		return md_fail_errno(err, "map the ids of the mount");
	return 0;
}

static const struct oci_mount *find_idmapped(const struct oci_spec *s, const struct init_mount *m)
{
	for (size_t i = 0; i < s->mount_count; i++) {
		if (m->target == s->mounts[i].destination)
			return &s->mounts[i];
	}
	return NULL;
}

static int open_source(struct launch *l, int index, int *ret_fd, struct md_error *err)
{
	struct init_plan *in = &l->plan->init;
	_auto_close_ int tree = -1;
	const struct init_mount *m;

	if (index == INIT_SOURCE_ROOT) {
		tree = init_clone_tree(AT_FDCWD, in->rootfs, true);
		if (tree < 0)
			return md_fail_errno(err, "open '%s'", in->rootfs);
		*ret_fd = take_fd(&tree);
		return 0;
	}
	if (index < 0 || (size_t)index >= in->mount_count)
		return md_fail(err, EINVAL, "no such mount");
	m = &in->mounts[index];
	tree = sys_open_tree(AT_FDCWD, m->source,
		OPEN_TREE_CLONE | (m->recursive ? AT_RECURSIVE : 0) |
			(m->copy_symlink ? AT_SYMLINK_NOFOLLOW : 0));
	if (tree < 0)
		return md_fail_errno(err, "open it");
	if (m->from_runtime && open_idmapped(l, find_idmapped(in->spec, m), tree, err) < 0)
		return -1;
	*ret_fd = take_fd(&tree);
	return 0;
}

static int serve_source(struct launch *l, const struct sync_message *m, struct md_error *err)
{
	struct sync_message reply = { .stage = SYNC_SOURCE_FD };
	struct md_error why = MD_ERROR_INIT;
	_auto_close_ int fd = -1;

	if (open_source(l, m->value, &fd, &why) < 0) {
		reply.code = why.code;
		snprintf(reply.text, sizeof(reply.text), "%s", why.msg);
	}
	if (sync_send(l->sock, &reply, fd) < 0)
		return md_fail_errno(err, "send a mount to the container's process");
	return 0;
}

static int serve_hooks(struct launch *l, struct md_error *err)
{
	if (hooks_run_creating(l->plan, l->state, &l->hooks_ran, err) < 0)
		return -1;
	return launch_send(l, SYNC_HOOKS_DONE, err);
}

static int serve_time(struct launch *l, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	static const char *const names[] = { "boottime", "monotonic" };
	const struct oci_time_offset *offsets[] = { &s->boottime, &s->monotonic };
	char text[96];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!offsets[i]->set)
			continue;
		snprintf(text, sizeof(text), "%s %lld %u\n", names[i], (long long)offsets[i]->secs,
			offsets[i]->nanosecs);
		if (write_proc(l->pid, "timens_offsets", text) < 0)
			return md_fail_errno(err, "linux.timeOffsets.%s", names[i]);
	}
	return launch_send(l, SYNC_MAPPED, err);
}

static int serve_listener(struct launch *l, int fd, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	int r;

	if (l->state)
		text = container_state_json(l->state, false);
	r = seccomp_send_listener(
		&l->plan->init.spec->seccomp, fd, l->pid, text ? text : "{}", err);
	if (r < 0)
		return md_wrap(err, "linux.seccomp.listenerPath");
	return launch_send(l, SYNC_LISTENER_TAKEN, err);
}

/* One message; 1 if it is the awaited one. */
static int serve_message(struct launch *l, const struct sync_message *m, int fd,
	enum sync_stage stage, struct md_error *err)
{
	if (m->stage == (uint32_t)stage)
		return 1;
	switch ((enum sync_stage)m->stage) {
	case SYNC_SOURCE:
		return serve_source(l, m, err);
	case SYNC_HOOKS:
		return serve_hooks(l, err);
	case SYNC_TIME:
		return serve_time(l, err);
	case SYNC_LISTENER:
		return serve_listener(l, fd, err);
	case SYNC_WARNING:
		log_warning("%s: %s", m->text, strerror(m->code));
		return 0;
	case SYNC_FAILED:
		return launch_child_error(m, err);
	default:
		return md_fail(
			err, EPROTO, "unexpected message %u of the container's process", m->stage);
	}
}

int launch_serve(struct launch *l, enum sync_stage stage, struct md_error *err)
{
	for (;;) {
		struct sync_message m;
		_auto_close_ int fd = -1;
		int r = sync_receive(l->sock, &m, &fd);

		if (r < 0)
			return md_fail_errno(err, "hear from the container's process");
		if (r == 0) {
			if (stage == SYNC_START)
				return 0;
			return md_fail(err, ECHILD,
				"the container's process was killed while it was set up");
		}
		r = serve_message(l, &m, fd, stage, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
}
