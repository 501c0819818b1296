/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - notices that the workspace's cgroup has hit its memory or its process limit, and says so in words:
 * "killed by the 100 MiB memory limit: gcc". By the kernel's own events (v2 memory.events and v1, v2
 * pids.events by inotify, v1 memory by an eventfd), not by looking from time to time. All best effort: without
 * readable cgroup files there are no notices.
 *
 * Which process it was is read from /dev/kmsg, whose line names the memory cgroup that the victim was in.
 */
#ifndef MD_SHIM_LIMITS_H
#define MD_SHIM_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "shim/deadline.h"

struct limits_watch {
	struct loop *loop;
	struct deadlines *deadlines;
	struct deadline look; /* where the kernel tells too early, or not at all */
	int looks_left;
	bool pids_silent; /* v1 tells nothing of its process limit (seen on 6.18) */
	struct loop_source inotify;
	struct loop_source eventfd; /* v1 memory */
	int memory_fd;              /* the folder of the memory cgroup, -1 */
	int pids_fd;
	int kmsg_fd;
	bool unified;          /* the memory cgroup is a v2 one */
	char memory_path[512]; /* within its hierarchy, as the kernel's log names it */
	uint64_t kills;        /* counters at the last look */
	uint64_t refusals;
	uint64_t oom_ms; /* when processes were killed last, monotonic; 0: never or already told */
	char oom_text[192];
	/* A limit was hit. `kind` is a SHIM_NOTICE_*. */
	void (*hit)(uint32_t kind, const char *text, void *data);
	void *data;
};

#define LIMITS_WATCH_INIT                                                                          \
	{                                                                                          \
		.inotify = LOOP_SOURCE_INIT, .eventfd = LOOP_SOURCE_INIT, .memory_fd = -1,         \
		.pids_fd = -1, .kmsg_fd = -1                                                       \
	}

/* Watches the cgroups that process `pid` is in. */
void limits_open(struct limits_watch *w, struct loop *loop, struct deadlines *deadlines, pid_t pid,
	void (*hit)(uint32_t kind, const char *text, void *data), void *data);
void limits_close(struct limits_watch *w);

/* Looks at the counters now: for where the kernel is silent (pids_silent), after a terminal has shown something, a
 * complaint about a fork that failed perhaps. */
void limits_look(struct limits_watch *w);

/* A process died by SIGKILL: was it the memory limit, just now? Then its text goes to `to`. */
bool limits_take_oom(struct limits_watch *w, char *to, size_t room);

/* Exposed for tests. The cgroup path for `controller` ("" is v2's own line) in the text of /proc/PID/cgroup; false: none. */
bool limits_find_path(const char *cgroups, const char *controller, char *to, size_t room);

/* "task=gcc,pid=812" and the memory cgroup of a kernel message about an out-of-memory kill: true if it is one of cgroup
 * `path` or one below it; the name goes to `name`. */
bool limits_parse_kill(const char *message, const char *path, char *name, size_t room);

#endif
