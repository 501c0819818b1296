/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.h - what a workspace has written: usage and growth of its disk (disk/disk.h).
 */
#ifndef MD_ENGINE_STORAGE_H
#define MD_ENGINE_STORAGE_H

#include "disk/disk.h"
#include "engine/engine.h"

/* Of a running workspace's disk; all zeros for one without a limit. */
int storage_usage(
	struct engine *e, const struct workspace *w, struct disk_usage *ret, struct md_error *err);

/* Makes the disk of a locked workspace larger, also while it runs; the document is the caller's to
 * save. */
int storage_grow(struct engine *e, const struct workspace *w, uint64_t bytes, struct md_error *err);

#endif
