/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - names of signals: "KILL", "SIGKILL", "9". Pure. */
#ifndef MD_CLI_SIGNALS_H
#define MD_CLI_SIGNALS_H

/* The number, 1..64, or -1. */
int signal_number(const char *name);

#endif
