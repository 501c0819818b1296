/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mdocker-init - process 1 of a workspace. It adopts what loses its parent and reaps it, passes signals on to everybody else, and
 * on SIGTERM asks all to end, gives them a moment, and goes; the kernel then takes what is left.
 *
 * Static and alone: it runs in an image that may hold nothing else, and uses of the C library only what needs no memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_SECONDS = 5 };

/* True while there are children, dead ones taken away. */
static bool reap(void)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid == 0;
}

/* kill(-1) spares us; without other processes it is ESRCH. */
static bool signal_all(int sig)
{
	return kill(-1, sig) == 0;
}

/* Waits until nobody is left, at most the grace time. Processes that joined from outside (exec) are not our children: so it is the
 * kernel that is asked whether there is anybody. */
static void wait_for_all(const sigset_t *set)
{
	struct timespec until, now, step = { .tv_nsec = 50 * 1000 * 1000 };

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GRACE_SECONDS;
	do {
		reap();
		if (!signal_all(0))
			return;
		/* A child's end wakes us at once; the end of others is looked for. */
		sigtimedwait(set, NULL, &step);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < until.tv_sec);
}

int main(void)
{
	sigset_t set, child;
	int sig;

	/* sigfillset() leaves out what the C library keeps to itself. */
	memset(&set, 0xff, sizeof(set));
	sigprocmask(SIG_SETMASK, &set, NULL);
	/* What whoever started us had ignored would never arrive; blocked, it waits for sigwaitinfo. */
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	/* As another process than 1 (no pid namespace) orphans come to us only if we ask for them. */
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (;;) {
		reap();
		sig = sigwaitinfo(&set, NULL);
		if (sig < 0 || sig == SIGCHLD)
			continue;
		/* As another process than 1, kill(-1) would reach the whole system. */
		if (getpid() == 1)
			signal_all(sig);
		if (sig != SIGTERM)
			continue;
		if (getpid() == 1)
			wait_for_all(&child);
		return 0;
	}
}
