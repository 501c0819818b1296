/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assets.h - the page's files, read whole into memory before privileges are given up. Served from this fixed table: a
 * request's path is compared with names, never opened.
 */
#ifndef MD_SERVER_ASSETS_H
#define MD_SERVER_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ASSETS_MAX_FILES = 512, ASSETS_MAX_BYTES = 64 << 20, ASSETS_MAX_DEPTH = 6 };

struct asset {
	char *path; /* "/assets/app-1a2b.js" */
	const char *type;
	char *data;
	size_t len;
	char etag[40];  /* with its quotes */
	bool immutable; /* its name changes with its contents */
};

struct assets {
	struct asset *items; /* sorted by path */
	size_t count;
	size_t bytes;
};

/* Reads a folder tree; regular files with known endings only. There must be an index.html. */
int assets_load(struct assets *a, const char *folder, struct md_error *err);
void assets_done(struct assets *a);

/* "/" is "/index.html". NULL if there is no such file. */
const struct asset *assets_find(const struct assets *a, const char *path);

#endif
