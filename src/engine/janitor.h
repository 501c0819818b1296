/* SPDX-License-Identifier: Apache-2.0 */
/*
 * janitor.h - finds and removes what crashes left: of this ROOT and STATE only, and only what
 * provably is nobody's. No file of a workspace is touched that `mdocker ps -a` lists, but those of
 * `run --rm` that ended and of half-done removals.
 */
#ifndef MD_ENGINE_JANITOR_H
#define MD_ENGINE_JANITOR_H

#include <stdbool.h>

#include "engine/engine.h"

struct janitor {
	bool dry; /* only tell */
	/* Told of each thing found, before it is removed: "half-made workspace", ... */
	void (*found)(const char *what, void *data);
	void *data;
};

/* Goes on after an error; -1 with the last one. */
int janitor_run(struct engine *e, const struct janitor *j, struct md_error *err);

#endif
