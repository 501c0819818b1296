/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.h - drives an OCI runtime by its command line, without ever waiting for it: each
 * command is a job whose end is told by a callback on the loop. Any runtime will do that has
 * create, start, exec, kill, resume and delete with the options of runc; its errors are read
 * from its --log in JSON.
 *
 * The shim is a child subreaper, so that the container's PID 1 and every exec'd process become
 * its children when the runtime's own process has ended: how they end is known exactly.
 */
#ifndef MD_SHIM_DRIVER_H
#define MD_SHIM_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"

enum driver_verb {
	DRIVER_CREATE,
	DRIVER_START,
	DRIVER_EXEC,
	DRIVER_KILL,
	DRIVER_RESUME,
	DRIVER_DELETE, /* --force */
};

struct driver_job;

struct driver_result {
	struct md_error error; /* its code is 0 if it went well */
	int exit_code;         /* EXEC that failed: 125, 126 or 127, as Docker tells them apart */
	pid_t pid;             /* CREATE, EXEC: the new process, on the host */
	int master;            /* EXEC with tty: the PTY's master, non-blocking, the callee's now */
};

typedef void (*driver_done)(const struct driver_result *r, void *data);

struct driver_request {
	enum driver_verb verb;
	const char *process; /* EXEC: the process document */
	bool tty;            /* EXEC */
	const int *stdio;    /* EXEC without tty: what become 0, 1, 2 (borrowed); NULL: /dev/null */
	int signo;           /* KILL */
	driver_done done;    /* called once, never from within driver_run() */
	void *data;
};

struct driver {
	struct loop *loop;
	const char *id;
	const char *bundle;
	struct strv command; /* the runtime and its global options */
	struct strv env;
	char *folder; /* of small files, made by driver_open() */
	int folder_fd;
	unsigned int last_job;
	TAILQ_HEAD(, driver_job) jobs;
	/* Ended children that nobody knew yet, while a job is under way that may tell whose they
	 * are. */
	struct {
		pid_t pid;
		int status;
	} strangers[32];
	size_t stranger_count;
	/* Tells of an ended child; false if it isn't known. */
	bool (*process_ended)(pid_t pid, int status, void *data);
	void *data;
};

struct driver_options {
	const char *id;
	const char *bundle;
	const char *runtime;
	const char *runtime_root; /* or NULL */
	const struct strv *runtime_options;
	const char *folder; /* to be made, 0700; what is there is removed first */
};

/* Everything of `o` is borrowed for good. */
int driver_open(
	struct driver *d, struct loop *loop, const struct driver_options *o, struct md_error *err);

/* Kills the jobs under way, without their callbacks, and removes the folder. */
void driver_close(struct driver *d);

/* Starts a command. -1 and `err` if not even that was possible; `done` isn't called then. */
int driver_run(struct driver *d, const struct driver_request *q, struct md_error *err);

/* To be called on SIGCHLD: reaps all children. */
void driver_reap(struct driver *d);

/* 125, 126 or 127 for a runtime's message about a process that it could not start. */
int driver_exit_code(const char *message);

#endif
