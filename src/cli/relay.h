/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - a process of a workspace without a terminal: its stdin, stdout and stderr are pipes,
 * and bytes are copied between them and ours. The caller's own descriptors never get into the
 * workspace: with a descriptor of a host file or terminal a stranger could do more than read and
 * write.
 */
#ifndef MD_CLI_RELAY_H
#define MD_CLI_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/shim_client.h"

enum { RELAY_STREAMS = 3 };

struct relay_pipe {
	int from, to; /* -1: that side is closed */
	char *data;   /* owned; what was read and not yet written */
	size_t start, len;
};

struct relay {
	int theirs[RELAY_STREAMS]; /* for the process, to be closed here after it was started */
	struct relay_pipe pipes[RELAY_STREAMS];
};

/* With `input` our stdin is copied, else the process finds /dev/null there. */
int relay_open(struct relay *r, bool input, struct md_error *err);
void relay_close(struct relay *r);
#define _auto_relay_ _auto_(relay_close)

/* Call once the process has its ends. */
void relay_given(struct relay *r);

/* Copies until the process of terminal `terminal` ended and its output came through. SIGINT,
 * SIGTERM, SIGHUP, SIGQUIT are sent on to it. *ret_exit is its exit code; -1 if the shim was gone
 * before it could tell (its exit file knows). A client that isn't open stands for a shim that is
 * gone: what is in the pipes is copied. */
int relay_run(struct relay *r, struct shim_client *c, uint32_t terminal, int *ret_exit,
	struct md_error *err);

#endif
