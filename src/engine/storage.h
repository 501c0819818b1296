/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.h - what a workspace has written: usage and growth of its disk (disk/disk.h).
 */
#ifndef MD_ENGINE_STORAGE_H
#define MD_ENGINE_STORAGE_H

#include "disk/disk.h"
#include "engine/engine.h"
#include "engine/profile.h"

/* Of a running workspace's disk; all zeros for one without a limit. */
int storage_usage(
	struct engine *e, const struct workspace *w, struct disk_usage *ret, struct md_error *err);

/* The devices that a workspace's files are on: that of ROOT and, with a disk, its loop device, of
 * which `disk` is a folder as the caller reaches it. ENODEV if there is none to limit. */
int storage_devices(const struct engine *e, const struct workspace *w, const char *disk,
	struct limits_ground *ret, struct md_error *err);

/* Says in the log when the host has little left for a workspace's disk: the disk takes only what is written to it, so that a
 * full host reaches the workspace as errors of its device, not as "no space left". */
void storage_warn_low(const struct engine *e, const struct workspace *w);

/* The folder where the disk of a running workspace is mounted, as this process reaches it. Heap;
 * NULL: errno. */
char *storage_mounted_path(struct engine *e, const struct workspace *w);

/* Makes the disk of a locked workspace larger, also while it runs; the document is the caller's to
 * save. Where the host doesn't let it grow while it is mounted, that is told in the log, and the next
 * start does it. */
int storage_grow(struct engine *e, const struct workspace *w, uint64_t bytes, struct md_error *err);

#endif
