/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook_run.h - one hook of config.json: a program that gets the container's state on stdin. For the runtime and for the forked
 * child alike: no memory, no stdio.
 */
#ifndef MD_RUNTIME_HOOK_RUN_H
#define MD_RUNTIME_HOOK_RUN_H

#include "base/compiler.h"
#include "oci/spec.h"

enum hook_result {
	HOOK_OK,
	HOOK_FAILED_START, /* it could not be executed: errno */
	HOOK_EXITED,       /* with the exit code in *ret_code (128+N: signal N) */
	HOOK_TIMED_OUT,    /* it was killed */
};

/* Runs the hook to its end, in `folder` (NULL, or one that is gone: the caller's). `state_fd` holds the state document, read from its start. What the hook writes goes to the
 * caller's stdout, and to `stderr_fd` (-1: the caller's stderr). */
enum hook_result hook_run(
	const struct oci_hook *h, const char *folder, int state_fd, int stderr_fd, int *ret_code);

#endif
