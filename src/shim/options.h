/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - how mdocker-shim is started. The engine is its only caller.
 *
 *	mdocker-shim --id ID --name NAME --bundle DIR --runtime PATH --runtime-root DIR
 *		--socket PATH --log FILE --process-template FILE
 *		[--output-log FILE] [--ready-fd N] [--main] ...
 *
 * The caller makes the mount namespace, the rootfs and the bundle; the shim is started in that
 * namespace. It leaves the caller (fork, setsid, stdio on /dev/null, nothing else inherited but
 * --ready-fd and --stdio), creates and starts the container, listens, and then tells on the
 * ready descriptor, in one JSON line and the end of the stream:
 *
 *	{"stage":"ready","pid":SHIM,"init":PID1}
 *	{"stage":"create","error":"runtime create: ...","exit":126}     and nothing of it is left
 *
 * The stages are `options`, `daemon`, `listen`, `create`, `start`, `main`, `ready`. The end of
 * the stream without a line is a shim that was killed. The process that was started (the
 * caller's child) exits 0 at once when the shim is on its own feet; the shim's own pid is in
 * the line, and in --pid-file.
 *
 * Started with --main, terminal 1 runs the template's argv, and its end stops the container and
 * the shim: the exit status stands in --exit-file as
 * {"code","signal","reason","text","ended_ms"} before the socket is gone. Without it the
 * container stays until STOP, and the first ATTACH with CREATE starts the template's argv (the
 * login shell).
 *
 * The container and everything of the runtime's is gone when the shim ends by itself. After a
 * kill -9 of the shim the container is left over (its terminals are hung up): `RUNTIME --root
 * ROOT delete --force ID` by the next start cleans it.
 */
#ifndef MD_SHIM_OPTIONS_H
#define MD_SHIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct shim_options {
	const char *id;           /* of the workspace, and of the container for the runtime */
	const char *name;         /* for people; default: the id */
	const char *bundle;       /* its process is mdocker-init, without a terminal */
	const char *runtime;      /* a path */
	const char *runtime_root; /* or NULL */
	struct strv runtime_options;
	const char *socket; /* made 0600 */
	const char *pid_file;
	const char *exit_file;
	const char *log;          /* appended to; the runtime's errors too */
	const char *output_log;   /* JSON lines {"log","stream","time"} of main and LOG terminals */
	uint64_t output_log_size; /* past it: renamed to FILE.1 */
	const char *process_template; /* an OCI process object, or a config.json that has one */
	const char *disk;       /* a folder of the writable layer's disk; NULL: that has no limit */
	const char *record_dir; /* NULL: no recordings */
	uint64_t record_size;   /* of one recording */
	uint64_t record_total;  /* of all that are kept; 0: no limit */
	int64_t record_days;    /* kept so long; 0: no limit */
	int64_t record_again; /* s from the begin of a required one that was full to the next one */
	bool record;          /* every terminal, and no user ends it */
	bool main;
	bool main_tty;
	bool main_wait; /* main starts with the first ATTACH or WAIT for it: nothing is missed */
	bool stdio;     /* main without tty gets the descriptors 0, 1, 2 of this command line */
	int64_t rows;
	int64_t cols;
	uint64_t ring; /* 64 KiB to 64 MiB */
	int64_t scrollback;
	int64_t uid;        /* --uid: of the half that reads what the container prints; 65534 */
	int64_t client_uid; /* -1: root alone */
	int64_t stop_signal;
	int64_t ready_fd; /* -1: none */
	int64_t lock_fd; /* a lock against who would start another shim, until the pid file keeps him from it; -1: none */
	int std[3]; /* what --stdio kept, by main.c; -1: none */
	bool foreground;
};

/* Reads the command line; the strings are borrowed from argv. */
int shim_options_parse(struct shim_options *o, int argc, char **argv, struct md_error *err);
void shim_options_done(struct shim_options *o);

#endif
