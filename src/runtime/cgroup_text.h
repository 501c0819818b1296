/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_text.h - what the kernel's files about cgroups say. Pure: text in (NUL-terminated; a `char *` is cut into pieces), values out. Lines of another form are left
 * out, numbers that don't fit are the largest.
 */
#ifndef MD_RUNTIME_CGROUP_TEXT_H
#define MD_RUNTIME_CGROUP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/cgroup.h"

/* CTL_* (cgroup_impl.h) of a comma- or space-separated list of the kernel's names. */
unsigned int cgroup_controllers_of(const char *list);

/* A tree that is mounted somewhere. */
struct cgroup_mount {
	const char *point; /* in the line */
	char name[256];    /* its controllers, or name=X; of the unified one "" */
	bool unified;
};

/* A line of /proc/PID/mountinfo. False: no cgroups. */
bool cgroup_text_mount(char *line, struct cgroup_mount *ret);

/* The number that the text begins with ("max": UINT64_MAX; 0: none), and the one behind "KEY " in lines of such. */
uint64_t cgroup_text_u64(const char *text);
uint64_t cgroup_text_key(const char *text, const char *key);

/* cgroup.procs: appended to *pids, the caller's. Pid 0 is of a namespace that this one doesn't see. -1: ENOMEM. */
int cgroup_text_pids(const char *text, pid_t **pids, size_t *count);

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." a line. */
void cgroup_text_io(char *text, struct cgroup_stats *ret);

/* blkio.*: "8:0 Read 4096" or "8:0 4096" a line, "Total N" last. */
void cgroup_text_blkio(char *text, struct cgroup_io_stats *ret);

/* cpuacct.usage_percpu: a number for each. Returns how many, at most CGROUP_STAT_CPUS. */
size_t cgroup_text_cpus(char *text, uint64_t *ret);

/* cpuacct.usage_all: "0 USER KERNEL" a line, behind one of words. Returns how many, at most CGROUP_STAT_CPUS. */
size_t cgroup_text_cpu_times(char *text, uint64_t *ret_user, uint64_t *ret_kernel);

/* cpuset.cpus, cpuset.mems: "0-3,7". Returns how many numbers that is, at most CGROUP_STAT_CPUS. */
size_t cgroup_text_list(const char *text, uint64_t *ret);

#endif
