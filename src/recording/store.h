/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the recordings of one workspace: asciicast v2 files in a folder of root's, which nobody inside sees.
 *
 *	FOLDER/20260131T120000Z-t3.cast		begun at that time (UTC), of terminal 3; a second one of that second ends in -2
 *
 * The name without ".cast" is the recording's name for everybody. A file whose writer lives is locked (flock), so after any
 * crash what nobody writes any more is a finished recording. Contents come from the half of mdocker-shim without privilege
 * and are not trusted here: what is read of them is bounded and checked.
 */
#ifndef MD_RECORDING_STORE_H
#define MD_RECORDING_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum {
	RECORDING_NAME_SIZE = 40, /* with the NUL */
	RECORDING_TITLE_SIZE = 128,
	RECORDINGS_MOST = 500, /* files of one workspace; more than that and the oldest go */
};

/* What is kept of a workspace; what is being recorded comes on top. 0: no limit. */
struct recording_limits {
	uint64_t total; /* bytes */
	uint64_t days;
};

struct recording_info {
	char name[RECORDING_NAME_SIZE];
	char title[RECORDING_TITLE_SIZE]; /* of the terminal when it began; UTF-8, may be "" */
	uint32_t terminal;
	int64_t started; /* seconds since 1970 */
	uint64_t duration_ms;
	uint64_t bytes;
	uint32_t rows, cols; /* at the beginning; 0: the file doesn't say */
	bool live;           /* is being written */
};

struct recordings {
	struct recording_info *items; /* owned, the newest first */
	size_t count;
};

void recordings_done(struct recordings *l);
#define _auto_recordings_ _auto_(recordings_done)

/* Is it a name as above? Nothing else is ever made a path of. */
bool recording_name_valid(const char *name);

/* All of a folder; one that isn't there is empty. */
int recordings_list(const char *folder, struct recordings *ret, struct md_error *err);

/* Makes the folder if needed, removes what is past the limits (a new recording of `room` bytes taken into account), and makes
 * a new file. Returns its locked descriptor, or -1. */
int recording_make(const char *folder, uint32_t terminal, const struct recording_limits *limits,
	uint64_t room, struct md_error *err);

/* Removes finished ones that are too old, then the oldest while all of them and `room` are too much. How many went; -1. */
int recordings_prune(const char *folder, const struct recording_limits *limits, uint64_t room,
	struct md_error *err);

/* A descriptor for reading. EINVAL: no name; ENOENT. */
int recording_open(const char *folder, const char *name, struct md_error *err);

/* EBUSY while it is being written. */
int recording_remove(const char *folder, const char *name, struct md_error *err);

#endif
