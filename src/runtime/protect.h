/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect.h - keeps the runtime's executable out of a container's reach (docs/decisions/runtime-binary.md).
 */
#ifndef MD_RUNTIME_PROTECT_H
#define MD_RUNTIME_PROTECT_H

#include "base/compiler.h"
#include "base/error.h"

/* Makes sure that /proc/self/exe can't be written through, whoever opens it: unless that is so already, executes this program
 * again, with the same arguments, from a read-only mount of it that nobody else sees, or from a sealed copy in memory. To be
 * called before anything was done. Returns 0 in a safe process, and mostly it is one already (oci-cli/entry.c). */
int protect_self(struct md_error *err);

/* The descriptor of that mount while it is still open, or -1; set before the C library starts (oci-cli/entry.c). */
extern int protect_mount __attribute__((visibility("hidden")));

/* Closes it, which takes a while: best when there is nothing else to do. */
void protect_release(void);

#endif
