/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "sys/kernel.h"
#include "base/poison.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* ---- messages ---- */

static void join_text(char *to, size_t size, va_list ap)
{
	size_t len = 0;

	for (const char *s = va_arg(ap, const char *); s; s = va_arg(ap, const char *)) {
		size_t n = strlen(s);

		if (n > size - 1 - len)
			n = size - 1 - len;
		memcpy(to + len, s, n);
		len += n;
	}
	to[len] = '\0';
}

void init_join_text(char *to, size_t size, ...)
{
	va_list ap;

	va_start(ap, size);
	join_text(to, size, ap);
	va_end(ap);
}

char *init_number(char *to, int64_t number)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char digits[24];
	int n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		to[len++] = '-';
	while (n)
		to[len++] = digits[--n];
	to[len] = '\0';
	return to;
}

static _noreturn_ void report_failure(struct init *in, struct sync_message *m)
{
	m->stage = SYNC_FAILED;
	sync_send(in->sock, m, -1);
	_exit(m->value == SYNC_FAILURE_PROGRAM ? 127 : 1);
}

_noreturn_ void init_fail(struct init *in, int code, ...)
{
	struct sync_message m = { .code = code, .value = SYNC_FAILURE_SETUP };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	report_failure(in, &m);
}

_noreturn_ void init_fail_program(struct init *in, int code, ...)
{
	struct sync_message m = { .code = code, .value = SYNC_FAILURE_PROGRAM };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	report_failure(in, &m);
}

void init_warn(struct init *in, int code, ...)
{
	struct sync_message m = { .stage = SYNC_WARNING, .code = code };
	va_list ap;

	va_start(ap, code);
	join_text(m.text, sizeof(m.text), ap);
	va_end(ap);
	sync_send(in->sock, &m, -1);
}

void init_send(struct init *in, enum sync_stage stage, int value, int fd)
{
	struct sync_message m = { .stage = stage, .value = value };

	if (sync_send(in->sock, &m, fd) < 0)
		_exit(1);
}

/* They may be ready before they are asked for. */
static void note_cgroups(struct init *in, const int *fds, size_t count)
{
	memcpy(in->cgroup_fds, fds, count * sizeof(*fds));
	in->cgroup_fd_count = count;
	in->cgroups_ready = true;
}

void init_await(struct init *in, enum sync_stage stage, struct sync_message *ret, int *ret_fd)
{
	struct sync_message m;

	do {
		int fds[SOCK_MAX_FDS];
		size_t count;

		/* Without a runtime at the other end there is nobody to tell and nothing to do. */
		if (sync_receive_fds(in->sock, &m, fds, &count) <= 0)
			_exit(1);
		if (m.stage == SYNC_CGROUPS)
			note_cgroups(in, fds, count);
		else if (ret_fd)
			*ret_fd = count ? fds[0] : -1;
	} while (m.stage != stage);
	if (ret)
		*ret = m;
}

/* ---- namespaces ---- */

/* Made here and not by clone: meanwhile the runtime writes the id mappings and makes the cgroups. */
static void step_unshare(struct init *in)
{
	if (in->plan->unshare_flags && unshare(in->plan->unshare_flags) < 0)
		init_fail(in, errno, "make the container's namespaces", NULL);
}

static void step_mapped(struct init *in)
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

static void step_join(struct init *in)
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

static void step_become_root(struct init *in)
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

static void step_cgroup(struct init *in)
{
	if (in->plan->early_mounts == in->plan->mount_count)
		init_enter_cgroup(in);
}

/* A process can't enter a time namespace by unshare, and the offsets must stand before anybody enters: so unshare,
 * have the runtime write them, and join what our children would have got. */
static void step_time(struct init *in)
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

static void step_session(struct init *in)
{
	const struct init_plan *p = in->plan;
	long keyring;

	setsid();
	if (!p->new_keyring)
		return;
	init_label_keys(in);
	keyring = sys_join_session_keyring(p->keyring_name);
	if (keyring < 0) {
		if (errno != ENOSYS && errno != EPERM)
			init_fail(in, errno, "make a session keyring", NULL);
		return;
	}
	sys_keyring_allow_search(keyring);
}

static void step_loopback(struct init *in)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	_auto_close_ int fd = -1;

	if (!in->plan->new_ns[OCI_NS_NETWORK])
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		init_fail(in, errno, "bring up the loopback interface", NULL);
}

static void step_names(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;

	if (s->hostname && s->hostname[0] && sethostname(s->hostname, strlen(s->hostname)) < 0)
		init_fail(in, errno, "set the host name '", s->hostname, "'", NULL);
	if (s->domainname && s->domainname[0] &&
		setdomainname(s->domainname, strlen(s->domainname)) < 0)
		init_fail(in, errno, "set the domain name '", s->domainname, "'", NULL);
}

const char *init_fd_path(char to[64], int fd)
{
	char digits[24];

	init_join_text(to, 64, "/proc/self/fd/", init_number(digits, fd), NULL);
	return to;
}

/* ---- waiting for start ---- */

/* From here on other processes of the container may see us. */
static void step_hide(struct init *in)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool is_kept(const struct init *in, unsigned int fd)
{
	const struct init_plan *p = in->plan;

	if (fd < 3 + p->preserve_fds || (int)fd == in->sock || (int)fd == p->start_listener ||
		(int)fd == in->proc || (int)fd == in->tty)
		return true;
	return (int)fd == p->hook_state[OCI_HOOK_START_CONTAINER];
}

/* Before close_range (5.9). */
static void close_each(unsigned int from, unsigned int to)
{
	for (unsigned int fd = from; fd <= to; fd++)
		close((int)fd);
}

/* Nothing of the host stays open but what the last steps need; all of that is CLOEXEC. */
static void step_close(struct init *in)
{
	const struct init_plan *p = in->plan;
	int keep[] = { in->sock, p->start_listener, in->proc, in->tty,
		p->hook_state[OCI_HOOK_START_CONTAINER] };
	unsigned int from = 3 + p->preserve_fds, top = from;

	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		if (keep[i] >= (int)top)
			top = (unsigned int)keep[i] + 1;
	}
	for (unsigned int fd = from, begin = from; fd <= top; fd++) {
		if (fd < top && !is_kept(in, fd))
			continue;
		if (fd > begin && sys_close_range(begin, fd - 1) < 0)
			close_each(begin, fd - 1);
		begin = fd + 1;
	}
	/* What is above may have been inherited from a careless caller; the runtime made it CLOEXEC. */
	if (sys_close_range(top, ~0U) < 0)
		close_each(top, 4095);
}

/* Waits for a `start` that means it: who only looks whether we still listen connects too. */
static void accept_start(struct init *in, int listener)
{
	struct sync_message m;

	for (;;) {
		int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		if (conn >= 0 && sync_receive(conn, &m, NULL) > 0 && m.stage == SYNC_START) {
			in->sock = conn;
			return;
		}
		if (conn >= 0)
			close(conn);
	}
}

void init_await_start(struct init *in)
{
	if (in->awaits_start)
		init_await(in, SYNC_START, NULL, NULL);
	in->awaits_start = false;
}

/* With `run` it is a matter of the state file only: there is time for that until something can't be taken back. */
static void step_await_start(struct init *in)
{
	const struct init_plan *p = in->plan;

	if (p->start_listener < 0) {
		in->awaits_start = true;
		init_send(in, SYNC_READY, 0, -1);
		return;
	}
	/* Once written down we may outlive the runtime; should it die before, the end of its socket tells. */
	prctl(PR_SET_PDEATHSIG, 0);
	init_send(in, SYNC_READY, 0, -1);
	init_await(in, SYNC_RECORDED, NULL, NULL);
	close(in->sock);
	in->sock = -1;
	accept_start(in, p->start_listener);
	close(p->start_listener);
}

static void step_release(struct init *in)
{
	prctl(PR_SET_PDEATHSIG, 0);
}

/* ---- the tables ---- */

struct init_step {
	const char *name;
	void (*run)(struct init *in);
};

static const struct init_step create_steps[] = {
	{ "make namespaces", step_unshare },
	{ "wait for the id mappings", step_mapped },
	{ "join namespaces", step_join },
	{ "become root of the user namespace", step_become_root },
	{ "start a session", step_session },
	{ "bring up the loopback interface", step_loopback },
	{ "set the names", step_names },
	{ "set the clocks", step_time },
	{ "prepare the root", init_step_root },
	{ "mount", init_step_mounts },
	{ "enter the cgroups", step_cgroup },
	{ "make devices", init_step_devices },
	{ "open the console", init_step_console },
	{ "wait for the runtime's hooks", init_step_runtime_hooks },
	{ "run the createContainer hooks", init_step_create_hooks },
	{ "mask paths", init_step_mask },
	{ "mount the cgroups", init_step_late_mounts },
	{ "enter the root", init_step_pivot },
	{ "set kernel parameters", init_step_sysctl },
	{ "finish the root", init_step_finish_root },
	{ "leave for the runtime's mount namespace", init_step_leave },
	{ "hide from others", step_hide },
	{ "find the program", init_step_find_program },
	{ "close descriptors", step_close },
	{ "wait for start", step_await_start },
	{ "run the startContainer hooks", init_step_start_hooks },
	{ "set the limits", init_step_limits },
	{ "set the label", init_step_lsm },
	{ "set the ids", init_step_ids },
	{ "let go of the runtime", step_release },
	{ "execute", init_step_execute },
};

static const struct init_step exec_steps[] = {
	{ "set the label", init_step_lsm },
	{ "enter the cgroups", step_cgroup },
	{ "join namespaces", step_join },
	{ "enter the root", init_step_enter_root },
	{ "become root of the user namespace", step_become_root },
	{ "start a session", step_session },
	{ "open the console", init_step_console },
	{ "find the program", init_step_find_program },
	{ "close descriptors", step_close },
	{ "set the limits", init_step_limits },
	{ "set the ids", init_step_ids },
	{ "let go of the runtime", step_release },
	{ "execute", init_step_execute },
};

_noreturn_ void init_run(const struct init_plan *plan)
{
	const struct init_step *steps = plan->exec ? exec_steps : create_steps;
	size_t count = plan->exec ? ARRAY_SIZE(exec_steps) : ARRAY_SIZE(create_steps);
	struct init in = { .plan = plan,
		.sock = plan->sock,
		.root = -1,
		.proc = -1,
		.tty = -1,
		.hierarchies = -1 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	spawn_reset_signals();
	umask(0022);
	for (size_t i = 0; i < count; i++) {
		in.step = steps[i].name;
		steps[i].run(&in);
	}
	_exit(1); /* not reached: the last step executes the program or fails */
}
