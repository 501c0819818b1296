/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - takes from the holder what it doesn't need: it parses what hostile programs print.
 */
#ifndef MD_SHIM_CONFINE_H
#define MD_SHIM_CONFINE_H

#include <sys/types.h>

#include "base/error.h"

/* Another uid without groups, no capability, no core dumps, no ptrace by its like. For root; else nothing to drop. */
int confine_identity(uid_t uid, struct md_error *err);

/* For good: no new privileges, no path of any file system (Landlock, where the kernel has it), and only the system
 * calls that serving terminals needs (seccomp; others fail with EPERM). All descriptors must be open by now. */
int confine(struct md_error *err);

#endif
