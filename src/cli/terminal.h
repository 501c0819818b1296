/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.h - this terminal joined to a terminal of a workspace: raw mode, keys, output, size,
 * detach keys.
 */
#ifndef MD_CLI_TERMINAL_H
#define MD_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/shim_client.h"

/* The size of the terminal on stdin or stdout; 0 x 0 if neither is one. */
void terminal_size(uint16_t *ret_rows, uint16_t *ret_cols);

struct terminal_session {
	uint32_t terminal; /* of the workspace; 0: the first that lives */
	bool create;       /* start the login shell if none lives */
	bool read_only;
	bool detach_keys;
	bool from_start; /* all its output, without a snapshot that clears our screen: it was just made */
	/* results: */
	bool detached; /* by the keys or a hang-up: it goes on without us */
	int exit_code;
	char reason[256]; /* how it ended, for people */
};

/* Attaches over an open connection and stays until the terminal's process ends or the user
 * detaches. stdin must be a terminal; its settings are restored whatever happens. 0, or -1 where
 * attaching failed: s->exit_code then is 125, 126 or 127. */
int terminal_attach(struct shim_client *c, struct terminal_session *s, struct md_error *err);

#endif
