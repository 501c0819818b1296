/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak PROGRAM ARG... - runs it and prints the most memory (KiB) that it or a child it waited for had at once. A program of
 * its own, and a small one, because a child's figure begins with its parent's before the execve.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid = argc > 1 ? fork() : -1;

	if (pid == 0) {
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0)
		return 1;
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}
