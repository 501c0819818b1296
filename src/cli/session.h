/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - from a workspace to a connection with its shim, and from there to an exit code. */
#ifndef MD_CLI_SESSION_H
#define MD_CLI_SESSION_H

#include "cli/cli.h"
#include "wire/shim_client.h"

/* Connects to the shim of a workspace that should be running; ESRCH with what to do if it isn't. */
int session_open(
	struct engine *e, const struct workspace *w, struct shim_client *c, struct md_error *err);

/* Waits until the shim has ended, as it does after its main command, and with it everything of the
 * run. */
void session_wait_end(struct engine *e, const struct workspace *w);

/* The exit code in the workspace's exit file, or -1. */
int session_exit_code(struct engine *e, const struct workspace *w);

/* "NAME=value" pairs of -e; a bare NAME takes the value that we have, or is left out. */
int session_env(const struct strv *given, struct strv *ret, struct md_error *err);

#endif
