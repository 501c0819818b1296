/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.h - what a workspace has written: usage and limits of its disk (disk/disk.h).
 */
#ifndef MD_ENGINE_STORAGE_H
#define MD_ENGINE_STORAGE_H

#include "disk/disk.h"
#include "engine/engine.h"
#include "engine/profile.h"

/* Of a running workspace's disk; all zeros for one without a limit. */
int storage_usage(
	struct engine *e, const struct workspace *w, struct disk_usage *ret, struct md_error *err);

/* The devices that a workspace's files are on: that of ROOT and the loop device of its disk, of
 * which `disk` is a folder as the caller reaches it. ENODEV if there is none to limit. */
int storage_devices(const struct engine *e, const struct workspace *w, const char *disk,
	struct limits_ground *ret, struct md_error *err);

/* Says in the log when the host has little left for a workspace's disk in a file: that takes only what is written to it, so that a
 * full host reaches the workspace as errors of its device, not as "no space left". */
void storage_warn_low(const struct engine *e, const struct workspace *w);

/* The folder where the disk of a running workspace is mounted, as this process reaches it. Heap;
 * NULL: errno. */
char *storage_mounted_path(struct engine *e, const struct workspace *w);

/* Gives the disk of a locked workspace other limits, also while it runs; the document is the caller's to
 * save. Where the host doesn't let it grow while it is mounted, that is told in the log, and the next
 * start does it. */
int storage_change(struct engine *e, const struct workspace *w, const struct limits *from,
	const struct limits *to, struct md_error *err);

/* How its disk is held to its limits: "quota", "loop"; "" without a disk (made at the first start). */
const char *storage_kind(const struct engine *e, const struct workspace *w);

/* Before the files of a stopped workspace are removed: see disk_release(). */
void storage_release(struct engine *e, const struct workspace *w);

#endif
