/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - what /proc tells of processes. -1 and errno. Not procfs.h, which <signal.h> includes from the C library on arm64: src/ comes first.
 */
#ifndef MD_SYS_PROC_H
#define MD_SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

struct proc_stat {
	char state;          /* 'R', 'S', 'Z', ... */
	uint64_t start_time; /* clock ticks since boot: with the pid it names a process for good */
	int cpu;             /* where it runs, waits to run or ran last; -1: not said */
};

/* proc_pid_stat(5). ENOENT or ESRCH: there is no such process. */
int proc_read_stat(pid_t pid, struct proc_stat *ret);

/* Parses the contents of /proc/PID/stat; the command's name may hold any byte. EINVAL. */
int proc_parse_stat(const char *text, struct proc_stat *ret);

/* The place of a mount, still escaped, if it is on the mount with the id `parent`, from a line of /proc/PID/mountinfo, which is cut into
 * pieces. NULL: it is on another, or it is the root. Fit for the forked child. */
char *proc_mount_on(char *line, const char *parent);

/* True while the process lives: there, started at `start_time`, and no zombie. */
bool proc_alive(pid_t pid, uint64_t start_time);

/* A pidfd of exactly that process. ESRCH if it is gone or the pid is another's now; ENOSYS: this kernel has no
 * pidfds. */
int proc_open_pidfd(pid_t pid, uint64_t start_time);

/* Signals exactly that process. ESRCH if it is gone. */
int proc_signal(pid_t pid, uint64_t start_time, int sig);

/* Waits until that process has ended (its parent needn't have reaped it), at most `timeout_ms` (-1: for good). ETIMEDOUT. */
int proc_wait_gone(pid_t pid, uint64_t start_time, int timeout_ms);

/* A mount of proc that nobody else sees, of the caller's pid namespace: nothing in a container can stand in front of it.
 * Fit for the forked child. */
int proc_mount_private(void);

/* True if `fd` lies on a proc file system. */
bool proc_is_proc(int fd);

#endif
