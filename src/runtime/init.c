/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/init.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "sys/kernel.h"
#include "base/poison.h"

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
	if (in->awaits_start && !in->start_told)
		init_await(in, SYNC_START, NULL, NULL);
	in->awaits_start = false;
}

/* With `run` it is a matter of the state file only: there is time for that until something can't be taken back. */
static void step_await_start(struct init *in)
{
	const struct init_plan *p = in->plan;

	if (p->start_listener < 0) {
		in->awaits_start = true;
		if (!p->skips_ready)
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
	{ "make namespaces", init_step_unshare },
	{ "wait for the id mappings", init_step_mapped },
	{ "join namespaces", init_step_join },
	{ "become root of the user namespace", init_step_become_root },
	{ "start a session", step_session },
	{ "bring up the loopback interface", init_step_loopback },
	{ "set the names", init_step_names },
	{ "set the clocks", init_step_time },
	{ "prepare the root", init_step_root },
	{ "mount", init_step_mounts },
	{ "make devices", init_step_devices },
	{ "open the console", init_step_console },
	/* On v1 the device rules are written one by one meanwhile, the first of which denies all. */
	{ "enter the cgroups", init_step_cgroup },
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
	{ "enter the cgroups", init_step_cgroup },
	{ "join namespaces", init_step_join },
	{ "enter the root", init_step_enter_root },
	{ "become root of the user namespace", init_step_become_root },
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
