/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor ROOTFS net|nonet PROGRAM - the least that any container runtime must do: clone with the namespaces, bind the rootfs,
 * pivot_root, mount proc, execve, wait. No cgroup, no device, no capability, no filter, no state.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call)                                                                                \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			perror(#call);                                                             \
			_exit(125);                                                                \
		}                                                                                  \
	} while (0)

static void child(const char *rootfs, char **argv)
{
	char *const environment[] = { NULL };

	CHECK(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
	CHECK(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	CHECK(chdir(rootfs));
	CHECK(syscall(SYS_pivot_root, ".", "."));
	CHECK(umount2(".", MNT_DETACH));
	CHECK(mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL));
	CHECK(execve(argv[0], argv, environment));
}

int main(int argc, char **argv)
{
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	int status;
	long pid;

	if (argc < 4) {
		fprintf(stderr, "usage: floor ROOTFS net|nonet PROGRAM\n");
		return 125;
	}
	if (strcmp(argv[2], "net") == 0)
		flags |= CLONE_NEWNET;
	pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		child(argv[1], argv + 3);
	CHECK(pid);
	CHECK(waitpid((pid_t)pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
