/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DETAIL_SIZE = 256, SECONDS = 10 };

static char **arguments;

const char *canary(const char *name)
{
	size_t len = strlen(name);

	for (char **a = arguments; *a; a++) {
		if (strncmp(*a, name, len) == 0 && (*a)[len] == '=')
			return *a + len + 1;
	}
	return NULL;
}

void say(char *detail, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, DETAIL_SIZE, fmt, ap);
	va_end(ap);
}

enum verdict judge(long result)
{
	return result >= 0 ? LEAK : BLOCKED;
}

struct report {
	enum verdict verdict;
	int error;
	char detail[DETAIL_SIZE];
};

static void run_child(const struct technique *t, int to)
{
	struct report r = { .verdict = BLOCKED };

	alarm(SECONDS);
	errno = 0;
	r.verdict = t->run(r.detail, t->arg);
	r.error = errno;
	_exit(write(to, &r, sizeof(r)) == sizeof(r) ? 0 : 1);
}

/* A child that was killed on the way (SIGSYS by a filter, say) did not get through. */
static void run(const struct technique *t)
{
	static const char *const verdicts[] = { "BLOCKED", "ABSENT", "LEAK" };
	struct report r;
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(pipes) < 0 || (pid = fork()) < 0) {
		printf("%s LEAK the probe itself failed: %s\n", t->name, strerror(errno));
		return;
	}
	if (pid == 0)
		run_child(t, pipes[1]);
	close(pipes[1]);
	n = read(pipes[0], &r, sizeof(r));
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (n == sizeof(r) && r.verdict == BLOCKED)
		printf("%s BLOCKED %s %s\n", t->name, r.error ? strerrorname_np(r.error) : "-",
			r.detail);
	else if (n == sizeof(r))
		printf("%s %s %s\n", t->name, verdicts[r.verdict], r.detail);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("%s LEAK no answer in %d s\n", t->name, SECONDS);
	else
		printf("%s BLOCKED signal-%d\n", t->name, WTERMSIG(status));
}

static void run_list(struct technique_list l)
{
	for (size_t i = 0; i < l.count; i++)
		run(&l.items[i]);
}

int main(int argc, char **argv)
{
	(void)argc;
	arguments = argv + 1;
	signal(SIGPIPE, SIG_IGN);
	run_list(syscall_techniques);
	run_list(list_file_techniques());
	run_list(state_techniques);
	run_list(canary_techniques);
	puts("done");
	return 0;
}
