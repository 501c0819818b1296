/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

/* Lays the wanted descriptors at 0.. in order. They are first copied above all targets, so that
 * none is overwritten before its turn. */
static int place_fds(const struct spawn *s)
{
	unsigned int targets = 3 + (unsigned int)s->fd_count;
	int high[3 + SPAWN_MAX_FDS];

	for (unsigned int i = 0; i < targets; i++) {
		int from = i < 3 ? s->std[i] : s->fds[i - 3];

		if (from < 0)
			from = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, (int)targets);
		if (high[i] < 0)
			return -1;
	}
	for (unsigned int i = 0; i < targets; i++) {
		if (dup2(high[i], (int)i) < 0)
			return -1;
	}
	return fd_cloexec_from(targets);
}

/* By the system call: the C library keeps 32 to 34 to itself, yet a parent that ignored them hands that on. */
void spawn_reset_signals(void)
{
	static const unsigned long
		default_action[8]; /* all zeros: SIG_DFL, no flags, on every architecture */
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int spawn_die_with(pid_t parent, int sig)
{
	if (prctl(PR_SET_PDEATHSIG, sig) < 0)
		return -1;
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

static _noreturn_ void run_child(const struct spawn *s, pid_t parent, int report)
{
	static char *const no_env[] = { NULL };
	int failed, high;

	if (s->parent_death_signal && spawn_die_with(parent, s->parent_death_signal) < 0)
		goto fail;
	if (s->new_session && setsid() < 0)
		goto fail;
	high = fcntl(report, F_DUPFD_CLOEXEC, 3 + SPAWN_MAX_FDS);
	if (high < 0)
		goto fail;
	report = high;
	if (place_fds(s) < 0)
		goto fail;
	spawn_reset_signals();
	execve(s->path, s->argv, s->envp ? s->envp : no_env);
fail:
	failed = errno;
	fd_write_all(report, &failed, sizeof(failed));
	_exit(127);
}

pid_t spawn_start(const struct spawn *s, int *ret_pidfd)
{
	_auto_close_ int report_read = -1;
	_auto_close_ int report_write = -1;
	int report[2], failed = 0;
	sigset_t all, old;
	ssize_t n;
	pid_t parent = getpid(), pid;

	if (s->fd_count > SPAWN_MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	report_read = report[0];
	report_write = report[1];
	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		run_child(s, parent, report_write);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return -1;
	fd_close(&report_write);
	do {
		n = read(report_read, &failed, sizeof(failed));
	} while (n < 0 && errno == EINTR);
	if (n == 0 && ret_pidfd) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0) {
			failed = errno;
			kill(pid, SIGKILL);
			n = 1;
		}
	}
	if (n != 0) {
		spawn_wait(pid);
		errno = failed ? failed : EIO;
		return -1;
	}
	return pid;
}

int spawn_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return spawn_exit_code(status);
}
