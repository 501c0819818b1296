/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victims.h - whom the memory limit killed: "gcc (pid 812)", with the pid that the workspace knows.
 *
 * The kernel's log (/dev/kmsg) has the name of each victim and its pid in the machine's first pid namespace, and its memory cgroup
 * unless there were many kills of late. When a victim is named it is often gone already; so who is there is looked at when
 * memory gets short and nobody was killed yet. Where this pid namespace is the first one, the log's pid leads to the process.
 * Elsewhere they are those who died by SIGKILL under a name of the log, if they are as many as were killed. Who can't be told
 * apart remains a name, or nobody: there is never a wrong pid.
 */
#ifndef MD_SHIM_VICTIMS_H
#define MD_SHIM_VICTIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { VICTIMS_SEEN = 128, VICTIMS_MOST = 16, VICTIMS_TEXT = 160 };

struct victim {
	char name[32];
	pid_t pid;   /* in the machine's first namespace */
	pid_t inner; /* in the workspace; 0: not known */
	bool ours;   /* of the workspace; false: not known */
};

struct victims {
	int kmsg_fd;
	bool global;      /* ours is the first pid namespace */
	size_t depth;     /* how many pid namespaces know the workspace's processes */
	char cgroup[512]; /* the memory cgroup's path, as the log names it */
	struct victim_seen {
		pid_t pid, inner;
		int pidfd;   /* -1: needs none */
		bool killed; /* as far as victims_resolve() saw */
		char name[16];
	} seen[VICTIMS_SEEN];
	size_t seen_count;
	uint64_t seen_ms, look_after_ms;    /* monotonic */
	struct victim killed[VICTIMS_MOST]; /* of the whole machine's */
	size_t killed_count;
	uint64_t kills; /* in the workspace, as its counter has it */
};

#define VICTIMS_INIT                                                                               \
	{                                                                                          \
		.kmsg_fd = -1                                                                      \
	}

/* `init` is the workspace's PID 1; `v->cgroup` has been set. Without a log that may be read, nobody is ever named. */
void victims_open(struct victims *v, pid_t init);
void victims_close(struct victims *v);

/* Memory gets short, and nobody was killed for it yet: looks who is in the cgroup (a folder). Cheap enough for each event of the
 * kernel. */
void victims_look(struct victims *v, int cgroup_fd);

/* The cgroup counts `kills` more: reads from the log who it may have been. */
void victims_read(struct victims *v, uint64_t kills);

/* Finds who of them was ours, and the pids. False: perhaps more are known in a moment. */
bool victims_resolve(struct victims *v);

/* Writes their names, "gcc (pid 812), cc1"; "" if there is nobody. Forgets them, and who was seen. */
void victims_take(struct victims *v, char *to, size_t room);

/* Exposed for tests. One of the kernel's two messages about a kill; `path` is the workspace's cgroup. False: another message, or another's
 * victim for sure. */
bool victims_parse_kill(const char *message, const char *path, struct victim *ret);

struct victims_status {
	char name[16];
	pid_t inner;  /* as the namespace number `depth` knows it; 0: that one doesn't */
	bool killed;  /* SIGKILL is on its way to it */
	size_t depth; /* namespaces that know it */
};
/* /proc/PID/status, proc_pid_status(5). */
void victims_parse_status(const char *text, size_t depth, struct victims_status *ret);

#endif
