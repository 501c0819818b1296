/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - `run` and `exec` in the foreground: signals go to the container's process, and between its terminal and ours the bytes.
 */
#ifndef MD_RUNTIME_RELAY_H
#define MD_RUNTIME_RELAY_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

struct notify;

struct relay {
	int signal_fd;
	int master;            /* of the container's terminal; -1: none */
	int tty;               /* our own terminal, in raw mode; -1 */
	struct notify *notify; /* borrowed; NULL: nobody waits for readiness */
	sigset_t old_mask;
	int open;
};

#define RELAY_INIT                                                                                 \
	{                                                                                          \
		.signal_fd = -1, .master = -1, .tty = -1                                           \
	}

/* Blocks the signals that shall go on to the process. With `subreaper` the processes that its children leave behind become ours, not those of the host's
 * init: it is of use where the container has no pid namespace of its own. */
int relay_open(struct relay *r, bool subreaper, struct md_error *err);

/* Receives the master from `console` (our end of the console socket) and puts our own terminal into raw mode. */
int relay_take_terminal(struct relay *r, int console, struct md_error *err);

/* Relays until `pid`, a child of ours, has ended; reaps it, and whatever else was left to us. Its exit code, 128+N for signal N. */
int relay_run(struct relay *r, pid_t pid);

/* Restores the terminal and the signals. */
void relay_close(struct relay *r);

#endif
