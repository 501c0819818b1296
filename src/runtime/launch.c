/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "runtime/rdt.h"
#include "runtime/state.h"
#include "sys/idmap.h"
#include "sys/kernel.h"
#include "sys/netdev.h"
#include "sys/proc.h"
#include "base/poison.h"

/* The time that a killed process has to end by itself. */
enum { ABORT_MS = 500 };

/* ---- making the child ---- */

/* Only clone makes a pid namespace and lets the runtime map the ids of a user namespace. Of the others the child makes all that it
 * can by itself, at the same time as the runtime does its part. */
static void divide_namespaces(struct init_plan *in, uint64_t *ret_clone)
{
	uint64_t late = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
	uint64_t flags = 0;

	/* Interfaces are moved into a namespace that is there; a joined user namespace shall own all. */
	if (in->spec->net_device_count)
		late &= ~(uint64_t)CLONE_NEWNET;
	if (in->join_by_between)
		late = 0;
	/* A cgroup namespace is rooted where its maker is, a time namespace needs its offsets first: both have steps of their own. */
	for (int k = 0; k < OCI_NS_KINDS; k++) {
		if (in->new_ns[k] && k != OCI_NS_CGROUP && k != OCI_NS_TIME)
			flags |= (uint64_t)oci_ns_info[k].clone_flag;
	}
	in->unshare_flags = (int)(flags & late);
	*ret_clone = flags & ~late;
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

/* PDEATHSIG comes too late if we die before the child asks for it: so it sees the end of its socket, of which the other end must be
 * ours alone. The lock is, too: frozen, the child can outlive us. */
static _noreturn_ void run_init(struct launch *l)
{
	close(l->sock);
	if (l->dir && l->dir->lock >= 0)
		close(l->dir->lock);
	init_run(&l->plan->init);
}

/* The child in a joined user namespace is made by a go-between that has entered it, so that its new namespaces belong to that, and
 * an ordinary user has rights over its pid namespace. With CLONE_PARENT it is our child all the same. */
static _noreturn_ void run_between(struct launch *l, uint64_t flags, int report)
{
	struct init_plan *in = &l->plan->init;
	pid_t pid = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (join_one(in, OCI_NS_USER) == 0 && join_one(in, OCI_NS_PID) == 0)
		pid = sys_clone(flags | CLONE_PARENT, -1);
	if (pid == 0) {
		close(report);
		run_init(l);
	}
	if (pid < 0)
		pid = -errno;
	(void)!write(report, &pid, sizeof(pid));
	_exit(0);
}

static pid_t clone_between(struct launch *l, uint64_t flags)
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
		run_between(l, flags, report_write);
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

/* Into a group below, as systemd has it, and from a go-between, the child is moved. */
static bool enters_by_itself(const struct launch *l)
{
	return l->cgroup && !cgroup_needs_pid(l->cgroup) &&
	       (!l->exec_cgroups || !l->exec_cgroups->count) && !l->plan->init.join_by_between;
}

/* The child of the common case: born in its group of the unified tree, and entering those of the others by itself. Without clone3 we
 * move it. */
static pid_t clone_child(struct launch *l, uint64_t flags)
{
	int cgroup_fd = enters_by_itself(l) ? cgroup_birth_fd(l->cgroup) : -1;
	pid_t pid = sys_clone(flags, cgroup_fd);

	l->born_in_cgroup = pid >= 0 && cgroup_fd >= 0;
	if (pid < 0 && cgroup_fd >= 0)
		pid = sys_clone(flags, -1);
	if (pid == 0)
		run_init(l);
	return pid;
}

/* The end of the socket looks the same whether the child executes a program or is killed. NULL: out of memory, and then we don't know. */
static volatile bool *share_word(void)
{
	void *page =
		mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

static int make_child(struct launch *l, struct md_error *err)
{
	struct init_plan *in = &l->plan->init;
	_auto_close_ int child_sock = -1;
	_auto_close_ int own_pid = -1;
	uint64_t flags;
	int pair[2], saved;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "make a socket pair");
	l->sock = pair[0];
	in->executes = share_word();
	in->sock = child_sock = pair[1];
	/* Processes of a shared pid namespace must not reach into ours. */
	if (in->ns_fds[OCI_NS_PID] >= 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!in->join_by_between && join_pid(in, &own_pid, err) < 0)
		return -1;
	divide_namespaces(in, &flags);
	l->pid = in->join_by_between ? clone_between(l, flags) : clone_child(l, flags);
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
	/* The old freezer's groups must be thawed for it. */
	if (l->cgroup_made && proc_wait_gone(l->pid, l->start_time, ABORT_MS) < 0)
		(void)cgroup_kill(l->cgroup, SIGKILL, NULL);
	spawn_wait(l->pid);
	l->pid = 0;
}

void launch_done(struct launch *l)
{
	fd_close(&l->sock);
	if (l->plan && l->plan->init.executes) {
		munmap((void *)l->plan->init.executes, sizeof(bool));
		l->plan->init.executes = NULL;
	}
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

static int open_netns(struct launch *l)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", l->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The host's interfaces that the container takes over; they come back to the host with the end of its network namespace. */
static int move_net_devices(struct launch *l, struct md_error *err)
{
	const struct init_plan *in = &l->plan->init;
	const struct oci_spec *s = in->spec;
	_auto_close_ int own = -1;
	int netns = in->ns_fds[OCI_NS_NETWORK];

	if (in->exec || !s->net_device_count)
		return 0;
	if (netns < 0)
		netns = own = open_netns(l);
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

/* The child has more to do than we. One that is gone has left a message why; it is read next. */
static int bring_up_loopback(struct launch *l, struct md_error *err)
{
	const struct init_plan *in = &l->plan->init;
	_auto_close_ int netns = -1;

	if (!in->helped || !in->new_ns[OCI_NS_NETWORK])
		return 0;
	if (launch_serve(l, SYNC_NETWORK, err) < 0)
		return -1;
	netns = open_netns(l);
	/* The dead have no namespaces. */
	if (netns < 0 && errno == ENOENT)
		return 0;
	if (netns < 0 || netdev_up_loopback(netns) < 0)
		return md_fail_errno(err, "bring up the loopback interface");
	return 0;
}

/* Whatever happens from now on, delete finds the groups. */
static int note_cgroups(struct launch *l, struct md_error *err)
{
	if (l->noted || !l->dir)
		return 0;
	l->noted = true;
	return state_write(l->dir, l->state, err);
}

/* Where it is to be born must be there before; all other groups are made while the child is at work. */
static int make_birth_cgroup(struct launch *l, struct md_error *err)
{
	if (!l->cgroup || l->plan->init.exec || cgroup_needs_pid(l->cgroup) ||
		!cgroup_has_birth(l->cgroup))
		return 0;
	if (note_cgroups(l, err) < 0)
		return -1;
	if (cgroup_create_birth(l->cgroup, &l->plan->init.spec->resources, err) < 0)
		return md_wrap(err, "cgroups");
	return 0;
}

static int make_cgroups(struct launch *l, struct md_error *err)
{
	if (note_cgroups(l, err) < 0)
		return -1;
	if (!l->cgroup || l->plan->init.exec)
		return 0;
	if (cgroup_create(l->cgroup, &l->plan->init.spec->resources, l->pid, err) < 0)
		return md_wrap(err, "cgroups");
	l->cgroup_made = true;
	return 0;
}

/* They are closed here. */
static int send_fds(
	struct launch *l, enum sync_stage stage, const int *fds, size_t count, struct md_error *err)
{
	struct sync_message m = { .stage = stage };
	int r = sync_send_fds(l->sock, &m, fds, count);

	/* A child that is gone has left a message why; it is read next. */
	if (r < 0 && (errno == EPIPE || errno == ECONNRESET))
		r = 0;
	if (r < 0)
		md_fail_errno(err, "talk to the container's process");
	while (count)
		close(fds[--count]);
	return r;
}

/* All trees that the child is to mount, or none. */
static int send_hierarchies(struct launch *l, struct md_error *err)
{
	const struct init_plan *in = &l->plan->init;
	int fds[SOCK_MAX_FDS];
	size_t wanted = 0, count = 0;

	if (!in->helped)
		return 0;
	for (size_t i = 0; i < in->mount_count; i++) {
		if (in->mounts[i].kind != INIT_MOUNT_HIERARCHY)
			continue;
		if (wanted++ == count && count < SOCK_MAX_FDS) {
			fds[count] = init_clone_hierarchy(&in->mounts[i]);
			count += fds[count] >= 0;
		}
	}
	while (count && count < wanted)
		close(fds[--count]);
	return wanted ? send_fds(l, SYNC_HIERARCHIES, fds, count, err) : 0;
}

/* Into its groups the child goes by itself through descriptors, where it can, else it is moved. */
static int enter_cgroups(struct launch *l, struct md_error *err)
{
	int fds[SOCK_MAX_FDS];
	size_t count = 0;
	int r = 0;

	if (make_cgroups(l, err) < 0)
		return -1;
	if (l->cgroup && enters_by_itself(l) &&
		(l->born_in_cgroup || cgroup_birth_fd(l->cgroup) < 0))
		r = cgroup_open_entries(l->cgroup, fds, &count, err);
	else if (l->cgroup)
		r = cgroup_add(l->cgroup, l->pid, l->exec_cgroups, false, err);
	if (r < 0)
		return md_wrap(err, "cgroups");
	r = send_fds(l, SYNC_CGROUPS, fds, count, err);
	if (r == 0)
		r = send_hierarchies(l, err);
	if (r == 0 && l->cgroup_made)
		r = cgroup_complete(l->cgroup, &l->plan->init.spec->resources, err);
	return r;
}

static int enter_rdt(struct launch *l, struct md_error *err)
{
	const struct init_plan *in = &l->plan->init;
	const struct container_state *s = l->state;
	struct md_error why = MD_ERROR_INIT;

	if (!s || !s->rdt)
		return 0;
	if (!in->exec) {
		if (rdt_make(&in->spec->intel_rdt, s->id, err) < 0)
			return -1;
		l->rdt_made = true;
	}
	if (rdt_enter(s->rdt, s->id, l->pid, &why) < 0 && why.code != ESRCH) {
		*err = why;
		return -1;
	}
	return 0;
}

/* To another CPU, if there is one. */
static void step_aside(int here)
{
	cpu_set_t elsewhere, all;

	if (sched_getaffinity(0, sizeof(all), &all) < 0 || CPU_COUNT(&all) < 2)
		return;
	elsewhere = all;
	CPU_CLR(here, &elsewhere);
	if (sched_setaffinity(0, sizeof(elsewhere), &elsewhere) == 0)
		sched_setaffinity(0, sizeof(all), &all);
}

/* The scheduler tends to leave a new process behind its parent on the same CPU, where what it needs is in the caches. It shall begin at once,
 * and we have work of our own to do meanwhile: so we go to another one. If the child is there already, we would only come to stand in its way. */
static int look_at_child(struct launch *l, struct md_error *err)
{
	struct proc_stat stat;

	if (proc_read_stat(l->pid, &stat) < 0)
		return md_fail_errno(err, "find the container's process");
	l->start_time = stat.start_time;
	if (stat.cpu >= 0 && stat.cpu == sched_getcpu())
		step_aside(stat.cpu);
	return 0;
}

static int start(struct launch *l, struct md_error *err)
{
	if (make_child(l, err) < 0)
		return -1;
	if (!l->plan->init.exec && look_at_child(l, err) < 0)
		return -1;
	raise_limits(l);
	if (set_oom_score(l, err) < 0 || write_maps(l, err) < 0 || move_net_devices(l, err) < 0)
		return -1;
	/* In its cgroups a process of exec waits for nothing more. */
	if (l->plan->init.exec && enter_rdt(l, err) < 0)
		return -1;
	if (enter_cgroups(l, err) < 0 || (!l->plan->init.exec && enter_rdt(l, err) < 0))
		return -1;
	return bring_up_loopback(l, err);
}

int launch_start(struct launch *l, struct md_error *err)
{
	struct md_error why = MD_ERROR_INIT;

	if (make_birth_cgroup(l, err) < 0)
		return -1;
	if (start(l, err) == 0)
		return 0;
	launch_abort(l);
	if (l->cgroup && !l->plan->init.exec && !l->cgroup_made && !cgroup_needs_pid(l->cgroup) &&
		cgroup_undo(l->cgroup, &why) < 0)
		log_warning("%s", why.msg);
	return -1;
}
