/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - how a role gives up what it doesn't need, once it has opened what it does.
 */
#ifndef MD_SERVER_SANDBOX_H
#define MD_SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct sandbox {
	uid_t uid;
	gid_t gid;
	const char *root; /* becomes the root folder */
	bool files;       /* may open, make, rename and remove files below it; else none at all */
	bool threads;     /* may start threads */
	bool network;     /* may use the sockets that it was given and accept on them */
};

/* Enters it for good: chroot, other uid and gid, no capability in any set, no_new_privs, no dumps, dies with its parent,
 * Landlock (where the kernel has it: no file access but below `root` and that only with `files`, no TCP of its own), and a
 * seccomp filter that kills the process for any other system call. Needs root; leaves nothing half done: after a failure the
 * process must end. */
int sandbox_enter(const struct sandbox *s, struct md_error *err);

#endif
