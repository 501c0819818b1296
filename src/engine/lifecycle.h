/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.h - starting, stopping and looking at workspaces. What runs is asked of the shim, by
 * its socket; what a dead shim left is cleaned by the next start, stop or removal.
 *
 * "locked" means that the caller has the workspace's lock (engine_find_locked).
 */
#ifndef MD_ENGINE_LIFECYCLE_H
#define MD_ENGINE_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/engine.h"

enum workspace_state {
	WORKSPACE_CREATED, /* never ran */
	WORKSPACE_RUNNING,
	WORKSPACE_STOPPED,
	WORKSPACE_REMOVING,
};

/* "created", "running", "stopped", "removing" */
const char *workspace_state_name(enum workspace_state s);

struct workspace_status {
	enum workspace_state state;
	pid_t shim_pid; /* these two only while running */
	pid_t init_pid;
	bool has_exit; /* the last run's main command ended: */
	int exit_code;
	int64_t ended; /* seconds since 1970 */
	char *text;    /* how, for people: "exited with code 3"; owned */
};

void workspace_status_done(struct workspace_status *s);
#define _auto_status_ _auto_(workspace_status_done)

/* Looks, changes nothing, needs no lock. */
int workspace_status(struct engine *e, const struct workspace *w, struct workspace_status *ret,
	struct md_error *err);

/* Just: does its shim serve? */
bool workspace_is_running(struct engine *e, const struct workspace *w);

/* Does it serve, and isn't about to end? A shim whose container has ended takes connections for a moment yet, until all have heard of
 * it. */
bool workspace_stays(struct engine *e, const struct workspace *w);

/* A pidfd of the workspace's shim, or -1 and errno if none serves. The caller closes it. */
int workspace_shim_pidfd(struct engine *e, const struct workspace *w);

/* The pid of the shim that shim.pid names, without asking it; -1 if there is none. */
pid_t workspace_shim_pid(const struct engine *e, const char *id);

/* Is that process one of the shim's two? What a container's process calls itself may look so, too. */
bool workspace_is_shim(pid_t pid, const char *id);

/* shim.sock of a workspace; heap. */
char *workspace_socket(const struct engine *e, const struct workspace *w);

struct start_options {
	bool main;      /* the main command is run, and the workspace ends with it */
	bool main_wait; /* not before somebody attaches */
	int std[3]; /* without a terminal: its stdin, stdout, stderr (pipes); -1: a log takes the output */
	uint16_t rows, cols;
	int lock; /* the workspace's: the shim keeps it until shim.pid names it, whatever becomes of the caller */
};

#define START_OPTIONS_INIT                                                                         \
	{                                                                                          \
		.std = { -1, -1, -1 }, .lock = -1                                                  \
	}

/* Starts a locked workspace that is stopped, or about to be, whose end is waited for; returns when the container runs. On failure nothing of it
 * runs and nothing is left but the workspace itself. *ret_exit (may be NULL): 125, or 126/127 where
 * the command can't be executed. */
int workspace_start(struct engine *e, struct workspace *w, const struct start_options *o,
	int *ret_exit, struct md_error *err);

/* Stops a locked workspace: TERM, KILL after `timeout_ms`, and the shim itself if it doesn't
 * answer. Fine if it isn't running. `who` is told to its terminals. */
int workspace_stop(struct engine *e, struct workspace *w, uint32_t timeout_ms, const char *who,
	struct md_error *err);

/* Sends a signal to the main command, or to all of a user's workspace if it has none. */
int workspace_kill(struct engine *e, const struct workspace *w, int sig, struct md_error *err);

/* Gives a locked workspace other limits, at once if it runs, and saves them. On failure the
 * document is as before. */
int workspace_update(
	struct engine *e, struct workspace *w, const struct limits *limits, struct md_error *err);

/* Removes what a dead shim left of a locked workspace: container, cgroups, state folder. Fine if
 * there is nothing. */
int workspace_sweep(struct engine *e, const struct workspace *w, struct md_error *err);

/* Who runs a command in the foreground attends its workspace, as long as the descriptor that this returns is open: one of `run --rm`
 * is that command's to remove, not of who finds it ended, for its exit status is in there. */
int workspace_attend(struct engine *e, const struct workspace *w, struct md_error *err);

/* Has the last run of a `run --rm` ended, with nobody attending who would remove it? */
bool workspace_is_forsaken(struct engine *e, const struct workspace *w);

/* Stops (with `force`, else it is EBUSY to be running) and deletes a locked workspace. */
int workspace_remove(struct engine *e, struct workspace *w, bool force, struct md_error *err);

#endif
