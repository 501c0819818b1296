/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - folders and files of the host in a workspace: `-v SRC:DST[:ro|:rw]`. Pure.
 */
#ifndef MD_ENGINE_VOLUME_H
#define MD_ENGINE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

struct volume {
	char *source; /* absolute, on the host */
	char *target; /* absolute, in the workspace, without "." and ".." */
	bool read_only;
};

struct volumes {
	struct volume *items; /* owned */
	size_t count;
};

enum { VOLUMES_MAX = 64 };

void volumes_done(struct volumes *v);
#define _auto_volumes_ _auto_(volumes_done)

/* Adds one. Both paths must be absolute; the target is cleaned and may not be / or lie in /proc,
 * /sys or /dev. Two volumes with one target are refused. On failure *v is as before. */
int volumes_add(struct volumes *v, const char *source, const char *target, bool read_only,
	struct md_error *err);

/* The same from `SRC:DST[:ro|:rw]`. */
int volumes_add_text(struct volumes *v, const char *text, struct md_error *err);

#endif
