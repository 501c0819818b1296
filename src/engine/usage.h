/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - what a running workspace uses, as its runtime tells it (`events --stats`).
 */
#ifndef MD_ENGINE_USAGE_H
#define MD_ENGINE_USAGE_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/storage.h"
#include "engine/workspace.h"

/* What the host doesn't count stays 0. */
struct usage {
	uint64_t cpu_ns, memory, memory_limit, pids, pids_limit;
	/* to and from the device of its own disk, else all devices */
	uint64_t read_bytes, write_bytes, reads, writes;
	struct disk_usage disk; /* zeros without a limit */
	const char *disk_kind;  /* storage_kind() */
};

int workspace_usage(
	struct engine *e, const struct workspace *w, struct usage *ret, struct md_error *err);

#endif
