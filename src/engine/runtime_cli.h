/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_cli.h - the few commands that the engine itself gives to the OCI runtime; creating,
 * starting and exec are the shim's.
 */
#ifndef MD_ENGINE_RUNTIME_CLI_H
#define MD_ENGINE_RUNTIME_CLI_H

#include "base/buf.h"
#include "engine/engine.h"

/* STATE/runtime; heap. */
char *runtime_root(const struct engine *e);

/* Runs `RUNTIME --root STATE/runtime ARGS...` (NULL-terminated) with `input` (may be NULL) as its
 * stdin and waits. Its stdout is added to `output` (may be NULL). Fails with its last line of
 * stderr if it doesn't exit with 0. */
int runtime_run(const struct engine *e, const char *const *args, const char *input,
	struct buf *output, struct md_error *err);

#endif
