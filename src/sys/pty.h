/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pty.h - pseudo-terminals, pts(4). -1 and errno; the first two are fit for the forked child.
 */
#ifndef MD_SYS_PTY_H
#define MD_SYS_PTY_H

#include "base/compiler.h"

/* Opens a new pair from the `ptmx` of the folder `pts` (a mounted devpts; "" of an O_PATH descriptor is not taken). The slave comes by
 * TIOCGPTPEER from the master itself, so no name that somebody could swap is opened. */
int pty_open(int pts, int *ret_master, int *ret_slave);

/* TIOCSWINSZ, unless both are 0. */
int pty_set_size(int fd, unsigned int rows, unsigned int columns);

/* Puts the terminal `fd` into raw mode; pty_restore() puts back what it was. Only one at a time. */
int pty_make_raw(int fd);
void pty_restore(void);

#endif
