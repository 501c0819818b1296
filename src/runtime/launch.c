/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/launch.h"

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
#include "base/spawn.h"
#include "base/str.h"
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

static int write_maps(struct launch *l, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	struct idmap map;

	if (!l->plan->init.await_map)
		return 0;
	if (launch_idmap(l, &s->uid_maps, &s->gid_maps, &map, err) < 0 ||
		idmap_write(l->pid, &map, err) < 0)
		return md_wrap(err, "map the ids");
	return launch_send(l, SYNC_MAPPED, err);
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
	if (launch_write_proc(l->pid, "oom_score_adj", text) == 0)
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
	if (cgroup_create(l->cgroup, &l->plan->init.spec->resources, pid, err) < 0)
		return md_wrap(err, "cgroups");
	l->cgroup_made = true;
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
