/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - notices that the workspace's cgroup has hit its memory or its process limit, and says so in words:
 * "killed by the 100 MiB memory limit: gcc (pid 812)". By the kernel's own events (v2 memory.events and v1, v2
 * pids.events by inotify, v1 memory by an eventfd), not by looking from time to time. All best effort: without
 * readable cgroup files there are no notices.
 */
#ifndef MD_SHIM_LIMITS_H
#define MD_SHIM_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "shim/deadline.h"
#include "shim/victims.h"

struct limits_watch {
	struct loop *loop;
	struct deadlines *deadlines;
	struct deadline look; /* where the kernel tells too early, or not at all */
	int looks_left;
	bool pids_silent; /* v1 tells nothing of its process limit (seen on 6.18) */
	struct loop_source inotify;
	struct loop_source lack, near; /* v1: of memory, eventfds */
	int memory_fd;                 /* the folder of the memory cgroup, -1 */
	int pids_fd;
	bool unified;   /* the memory cgroup is a v2 one */
	bool untold;    /* processes were killed, who is being found out */
	int patience;   /* looks left for that */
	uint64_t kills; /* counters at the last look */
	uint64_t refusals;
	uint64_t oom_ms; /* when processes were killed last, monotonic; 0: never or already told */
	char oom_text[VICTIMS_TEXT + 64];
	struct victims victims;
	/* A limit was hit. `kind` is a SHIM_NOTICE_*. */
	void (*hit)(uint32_t kind, const char *text, void *data);
	void *data;
};

#define LIMITS_WATCH_INIT                                                                          \
	{                                                                                          \
		.inotify = LOOP_SOURCE_INIT, .lack = LOOP_SOURCE_INIT, .near = LOOP_SOURCE_INIT,   \
		.memory_fd = -1, .pids_fd = -1, .victims = VICTIMS_INIT                            \
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

#endif
