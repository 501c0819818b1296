/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal_io.h - what terminal.c, terminal_io.c and terminal_input.c share and nobody else needs.
 */
#ifndef MD_SHIM_TERMINAL_IO_H
#define MD_SHIM_TERMINAL_IO_H

#include "shim/terminal.h"

/* The loop's callback for a terminal's descriptors. */
void terminal_ready(struct loop_source *s, uint32_t events);

/* Takes what the PTY or the pipes still hold, as far as the window allows; notices their end. */
void terminal_read_rest(struct terminal *t);

/* One of its descriptors came to its end. */
void terminal_output_ended(struct terminal *t);

/* Tells the PTY its size. */
void terminal_apply_size(struct terminal *t);

/* The PTY takes input again: goes on writing what is queued. */
void terminal_write_input(struct terminal *t);

/* Whether something waits for the PTY to take it. */
bool terminal_has_input(const struct terminal *t);

/* Sets the events of the PTY to what is wanted now. */
void terminal_update_events(struct terminal *t);

#endif
