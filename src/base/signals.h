/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - names of signals as signal(7) has them, without "SIG". Pure. */
#ifndef MD_BASE_SIGNALS_H
#define MD_BASE_SIGNALS_H

/* "KILL"; NULL: no signal, or one of the real-time ones. */
const char *signal_name(int sig);

/* The number, 1..64, of "KILL", "sigkill", "9", "RTMIN+3" or "RTMAX-1", or -1. The kernel's real-time signals begin at 34 for every program, whatever a
 * C library keeps to itself. */
int signal_number(const char *name);

#endif
