/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h - the runtime's side of the child: makes it, gives it what only the runtime can, listens to it.
 */
#ifndef MD_RUNTIME_LAUNCH_H
#define MD_RUNTIME_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/init_sync.h"
#include "runtime/plan.h"
#include "sys/idmap.h"

struct launch {
	struct plan *plan;             /* borrowed */
	struct container_state *state; /* borrowed; its pid is filled in. NULL for exec */
	struct cgroup *cgroup;         /* borrowed */
	const struct state_dir *
		dir; /* borrowed; where the state is noted before there is a group to be found again. NULL for exec */
	const struct strv
		*exec_cgroups; /* exec: groups below it, as cgroup_add() has them; or NULL */
	pid_t pid;             /* 0: no child (any more) */
	uint64_t start_time;   /* of the child (proc.h)  ; not for exec */
	int sock;              /* to the child */
	bool noted;            /* the state is in its folder */
	bool cgroup_made;      /* there are groups to remove */
	bool rdt_made;         /* and one of resctrl */
	bool born_in_cgroup;   /* the child is in its group of the unified tree */
	bool hooks_ran;        /* the poststop hooks are due when it fails */
};

#define LAUNCH_INIT                                                                                \
	{                                                                                          \
		.sock = -1                                                                         \
	}

/* Makes the child with its namespaces, mappings and cgroups. On failure there is none. */
int launch_start(struct launch *l, struct md_error *err);

/* Serves the child until it sends `stage`; SYNC_START stands for "it has executed the program" (the socket's end, behind `executes`).
 * If the child failed: what it said. */
int launch_serve(struct launch *l, enum sync_stage stage, struct md_error *err);

int launch_send(struct launch *l, enum sync_stage stage, struct md_error *err);

/* Kills and reaps the child, if there is one. */
void launch_abort(struct launch *l);

/* Frees what belongs to the talk with it. */
void launch_done(struct launch *l);

/* launch_serve.c, also for launch.c: the document's mappings as the kernel wants them (memory of the plan), and one write into a file of /proc/PID (-1 and
 * errno). */
int launch_idmap(struct launch *l, const struct oci_id_maps *uids, const struct oci_id_maps *gids,
	struct idmap *ret, struct md_error *err);
int launch_write_proc(pid_t pid, const char *file, const char *text);

/* The child's failure as an error. */
int launch_child_error(const struct sync_message *m, struct md_error *err);

#endif
