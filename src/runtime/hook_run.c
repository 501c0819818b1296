/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/hook_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "sys/kernel.h"
#include "base/poison.h"

static _noreturn_ void run_child(const struct oci_hook *h, const char *folder, pid_t parent,
	int state_fd, int stderr_fd, int report)
{
	static char *no_args[2];
	sigset_t none;
	int code;

	if (spawn_die_with(parent, SIGKILL) < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	no_args[0] = (char *)h->path;
	if (folder)
		(void)!chdir(folder);
	if (dup2(state_fd, STDIN_FILENO) >= 0 &&
		(stderr_fd < 0 || dup2(stderr_fd, STDERR_FILENO) >= 0))
		execve(h->path, h->args.count ? h->args.items : no_args,
			h->env_set ? h->env.items : environ);
	code = errno;
	(void)!write(report, &code, sizeof(code));
	_exit(127);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True once `pid` has ended, false at the end of the time. Without pidfds the clock is all there is. */
static bool wait_ended(pid_t pid, int64_t deadline)
{
	_auto_close_ int pidfd = sys_pidfd_open(pid);
	struct timespec step = { .tv_nsec = 5000000 };

	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == pid)
			return true;
		if (left <= 0)
			return false;
		if (pidfd >= 0)
			poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		else
			nanosleep(&step, NULL);
	}
}

static enum hook_result wait_hook(const struct oci_hook *h, pid_t pid, int *ret_code)
{
	enum hook_result result = HOOK_OK;
	int status;

	if (h->timeout.set && !wait_ended(pid, now_ms() + h->timeout.value * 1000)) {
		kill(pid, SIGKILL);
		result = HOOK_TIMED_OUT;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return HOOK_FAILED_START;
	}
	*ret_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (result == HOOK_OK && *ret_code != 0)
		result = HOOK_EXITED;
	return result;
}

enum hook_result hook_run(
	const struct oci_hook *h, const char *folder, int state_fd, int stderr_fd, int *ret_code)
{
	_auto_close_ int report_read = -1;
	_auto_close_ int report_write = -1;
	enum hook_result result;
	int report[2], code = 0;
	pid_t parent = getpid(), pid;

	*ret_code = 0;
	if (lseek(state_fd, 0, SEEK_SET) < 0 || pipe2(report, O_CLOEXEC) < 0)
		return HOOK_FAILED_START;
	report_read = report[0];
	report_write = report[1];
	pid = sys_clone(0, -1);
	if (pid == 0)
		run_child(h, folder, parent, state_fd, stderr_fd, report_write);
	if (pid < 0)
		return HOOK_FAILED_START;
	fd_close(&report_write);
	if (fd_read_exactly(report_read, &code, sizeof(code)) == 0) {
		wait_hook(h, pid, ret_code);
		errno = code;
		return HOOK_FAILED_START;
	}
	result = wait_hook(h, pid, ret_code);
	return result;
}
