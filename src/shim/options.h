/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - how mdocker-shim is started. The engine is its only caller.
 *
 *	mdocker-shim --id ID --name NAME --bundle DIR --runtime PATH --runtime-root DIR --socket
 *PATH
 *		--log FILE --process-template FILE [--output-log FILE] [--ready-fd N] [--main] ...
 *
 * The caller makes the mount namespace, the rootfs and the bundle; the shim is started in that
 *namespace. It leaves the caller (fork, setsid, stdio on /dev/null, nothing else inherited but
 *--ready-fd and --stdio), creates and starts the container, listens, and then tells on the ready
 *descriptor, in one JSON line and the end of the stream:
 *
 *	{"stage":"ready","pid":SHIM,"init":PID1}
 *	{"stage":"create","error":"runtime create: ...","exit":126}     and nothing of it is left
 *
 * The stages are `options`, `daemon`, `listen`, `create`, `start`, `main`, `ready`. The end of the
 *stream without a line is a shim that was killed. The process that was started (the caller's child)
 *exits 0 at once when the shim is on its own feet; the shim's own pid is in the line, and in
 *--pid-file.
 *
 * Started with --main, terminal 1 runs the template's argv, and its end stops the container and the
 *shim: the exit status stands in
 * --exit-file as {"code","signal","reason","text","ended_ms"} before the socket is gone. Without it
 *the container stays until STOP, and the first ATTACH with CREATE starts the template's argv (the
 *login shell).
 *
 * The container and everything of the runtime's is gone when the shim ends by itself. After a kill
 *-9 of the shim the container is left over (its terminals are hung up): `RUNTIME --root ROOT delete
 *--force ID` by the next start cleans it.
 */
#ifndef MD_SHIM_OPTIONS_H
#define MD_SHIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct shim_options {
	const char *id;      /* --id: of the workspace, and of the container for the runtime */
	const char *name;    /* --name: for people; default: the id */
	const char *bundle;  /* --bundle: with config.json; its process is mdocker-init, without a
				terminal */
	const char *runtime; /* --runtime: any OCI runtime, a path */
	const char *runtime_root; /* --runtime-root: given to it as --root; may be absent */
	struct strv
		runtime_options; /* --runtime-option: further global options of it, each one word */
	const char *socket;      /* --socket: made 0600 */
	const char *pid_file;    /* --pid-file: of the shim; optional */
	const char *exit_file;   /* --exit-file: see above; optional */
	const char *log;         /* --log: appended to; the runtime's own errors too */
	const char *output_log;  /* --output-log: JSON lines {"log","stream","time"} of terminals
				    made with LOG and of main */
	uint64_t output_log_size; /* --output-log-size: rotated to FILE.1 past it; default 10 MiB */
	const char *process_template; /* --process-template: an OCI process object, or a config.json
					 (its `process`) */
	const char *record_dir; /* --record-dir: asciicast files go there; absent: no recording */
	uint64_t record_size;   /* --record-size: of one recording at most; default 64 MiB */
	bool record;            /* --record: record every terminal from its start */
	bool main;              /* --main */
	bool main_tty;          /* --main-tty: main gets a terminal */
	bool main_wait; /* --main-wait: main starts with the first ATTACH (or WAIT), not before:
			   nothing is missed */
	bool stdio;     /* --stdio: main without tty gets the descriptors 0, 1, 2 that the shim was
			   started with */
	int64_t rows;   /* --rows, --cols: of main and of terminals whose clients name none; default
			   24 x 80 */
	int64_t cols;
	uint64_t ring; /* --ring: bytes of output kept per terminal; default 2 MiB, 64 KiB to 64 MiB
			*/
	int64_t scrollback;  /* --scrollback: lines of it in a snapshot; default 10,000 */
	int64_t client_uid;  /* --client-uid: may connect besides root; default none */
	int64_t stop_signal; /* --stop-signal: for STOP without one; default SIGTERM */
	int64_t ready_fd;    /* --ready-fd: default none */
	bool foreground; /* --foreground: stay the caller's child, for tests and service managers */
};

/* Reads the command line; the strings are borrowed from argv. */
int shim_options_parse(struct shim_options *o, int argc, char **argv, struct md_error *err);
void shim_options_done(struct shim_options *o);

#endif
