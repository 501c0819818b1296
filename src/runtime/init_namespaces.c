/* SPDX-License-Identifier: Apache-2.0 */
/* The child's namespaces and cgroups: made, joined, and what has to be set in them first. */
#define _GNU_SOURCE
#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/kernel.h"
#include "sys/netdev.h"
#include "base/poison.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Made here and not by clone: meanwhile the runtime writes the id mappings and makes the cgroups. */
void init_step_unshare(struct init *in)
{
	if (in->plan->unshare_flags && unshare(in->plan->unshare_flags) < 0)
		init_fail(in, errno, "make the container's namespaces", NULL);
}

void init_step_mapped(struct init *in)
{
	if (!in->plan->await_map)
		return;
	init_await(in, SYNC_MAPPED, NULL, NULL);
}

/* The order of setns: the user namespace first, for the rights over the others; the mount namespace last, since paths
 * mean other things behind it. The pid namespace was joined by the runtime before the fork. */
static const enum oci_ns_kind join_order[] = { OCI_NS_USER, OCI_NS_IPC, OCI_NS_UTS, OCI_NS_NETWORK,
	OCI_NS_CGROUP, OCI_NS_TIME, OCI_NS_MOUNT };

static int join_flag(const struct init *in, enum oci_ns_kind kind)
{
	/* The pid namespace was joined before the fork, the user namespace perhaps. */
	if (kind == OCI_NS_PID || (kind == OCI_NS_USER && in->plan->join_by_between))
		return 0;
	return oci_ns_info[kind].clone_flag;
}

/* All namespaces of the container's first process at once (5.8). */
static bool join_by_pidfd(struct init *in)
{
	int flags = 0;

	if (in->plan->target_pidfd < 0)
		return false;
	for (int k = 0; k < OCI_NS_KINDS; k++) {
		if (in->plan->join_ns[k])
			flags |= join_flag(in, (enum oci_ns_kind)k);
	}
	if (flags && setns(in->plan->target_pidfd, flags) < 0)
		init_fail(in, errno, "join the container's namespaces", NULL);
	return true;
}

void init_step_join(struct init *in)
{
	if (in->plan->exec && join_by_pidfd(in))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(join_order); i++) {
		const struct oci_ns_info *info = &oci_ns_info[join_order[i]];
		int fd = in->plan->ns_fds[join_order[i]];
		int flag = join_flag(in, join_order[i]);

		if (fd < 0 || !flag)
			continue;
		if (join_order[i] == OCI_NS_CGROUP)
			init_enter_cgroup(in);
		if (setns(fd, flag) < 0)
			init_fail(in, errno, "join the ", info->name, " namespace", NULL);
	}
}

void init_step_become_root(struct init *in)
{
	const struct init_plan *p = in->plan;

	if (!p->in_userns)
		return;
	if (!init_keeps_groups(in) && sys_setgroups(0, NULL) < 0 && errno != EPERM)
		init_fail(in, errno, "drop the groups", NULL);
	if (sys_setresgid(0) < 0)
		init_fail(in, errno, "become group 0 of the user namespace", NULL);
	if (sys_setresuid(0) < 0)
		init_fail(in, errno, "become user 0 of the user namespace", NULL);
	/* Changing ids cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It also made us undumpable, and /proc/self root's of the host. Alone in a new pid namespace nobody
	 * could use that; in a shared one it stays. */
	if (!p->exec && p->new_ns[OCI_NS_PID])
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Moving oneself as a thread is cheap, being moved is not (cgroup.h). */
static void enter_by_self(struct init *in)
{
	for (size_t i = 0; i < in->cgroup_fd_count; i++) {
		if (write(in->cgroup_fds[i], "0", 1) < 0)
			init_fail(in, errno, "enter the container's cgroups", NULL);
		close(in->cgroup_fds[i]);
	}
	in->cgroup_fd_count = 0;
}

void init_enter_cgroup(struct init *in)
{
	if (!in->cgroups_ready)
		init_await(in, SYNC_CGROUPS, NULL, NULL);
	enter_by_self(in);
	if (in->in_cgroupns || !in->plan->new_ns[OCI_NS_CGROUP])
		return;
	if (unshare(CLONE_NEWCGROUP) < 0)
		init_fail(in, errno, "make a cgroup namespace", NULL);
	in->in_cgroupns = true;
}

void init_step_cgroup(struct init *in)
{
	if (in->plan->early_mounts == in->plan->mount_count)
		init_enter_cgroup(in);
}

/* A process can't enter a time namespace by unshare, and the offsets must stand before anybody enters: so unshare,
 * have the runtime write them, and join what our children would have got. */
void init_step_time(struct init *in)
{
	_auto_close_ int fd = -1;

	if (!in->plan->new_ns[OCI_NS_TIME])
		return;
	if (unshare(CLONE_NEWTIME) < 0)
		init_fail(in, errno, "make a time namespace", NULL);
	init_send(in, SYNC_TIME, 0, -1);
	init_await(in, SYNC_MAPPED, NULL, NULL);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		init_fail(in, errno, "join the new time namespace", NULL);
}

void init_step_loopback(struct init *in)
{
	if (!in->plan->new_ns[OCI_NS_NETWORK])
		return;
	if (in->plan->helped)
		init_send(in, SYNC_NETWORK, 0, -1);
	else if (netdev_up_loopback(-1) < 0)
		init_fail(in, errno, "bring up the loopback interface", NULL);
}

void init_step_names(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;

	if (s->hostname && s->hostname[0] && sethostname(s->hostname, strlen(s->hostname)) < 0)
		init_fail(in, errno, "set the host name '", s->hostname, "'", NULL);
	if (s->domainname && s->domainname[0] &&
		setdomainname(s->domainname, strlen(s->domainname)) < 0)
		init_fail(in, errno, "set the domain name '", s->domainname, "'", NULL);
}
