/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_watch.h - says that a workspace's disk (disk/disk.h) fills: at 80 %, at 95 %, and when it is full, each once until it has
 * become emptier. The kernel tells nobody of that, so it is looked at when a terminal has shown something: a complaint
 * about a write that failed, perhaps.
 */
#ifndef MD_SHIM_DISK_WATCH_H
#define MD_SHIM_DISK_WATCH_H

#include <stddef.h>
#include <sys/statvfs.h>

enum disk_level { DISK_FINE, DISK_FILLING, DISK_NEARLY_FULL, DISK_FULL };

struct disk_watch {
	int fd; /* of a folder on it; -1: it has no limit */
	enum disk_level told;
};

#define DISK_WATCH_INIT                                                                            \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* `folder` NULL: nothing is watched. */
void disk_watch_open(struct disk_watch *w, const char *folder);
void disk_watch_close(struct disk_watch *w);

/* Calls `hit` (as limits_open()'s) if it has become fuller by a level since it was told. */
void disk_watch_look(struct disk_watch *w,
	void (*hit)(unsigned int kind, const char *text, void *data), void *data);

/* Exposed for tests. How full it is, blocks or inodes, whichever is worse, and in words. `told` is what was said before: a
 * level is left only when it is 2 % below. */
enum disk_level disk_level_of(
	const struct statvfs *s, enum disk_level told, char *text, size_t room);

#endif
