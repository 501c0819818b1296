/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - recordings of terminals as asciicast v2 files (a JSON line of head, then [time, "o", text] and
 * [time, "r", "COLSxROWS"] lines), bounded in size. What is typed isn't recorded, only what is shown.
 */
#ifndef MD_SHIM_RECORD_H
#define MD_SHIM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct recording;

/* What stands in its first line. */
struct recording_head {
	uint16_t rows, cols;
	const char *title, *command; /* "": left out */
};

/* Begins one on `fd` (taken over). NULL: ENOMEM, or errno of the first write. */
struct recording *recording_new(int fd, const struct recording_head *head, uint64_t limit);

/* All take NULL. Past the limit, or when the disk is full, the recording ends with a marker line if that still fits. */
void recording_output(struct recording *r, const void *data, size_t len);
void recording_size(struct recording *r, uint16_t rows, uint16_t cols);
void recording_close(struct recording *r);

/* Events are gathered; this writes them. */
void recording_flush(struct recording *r);

/* Why it has ended by itself, an errno: EFBIG at the limit; 0 while it goes on. */
int recording_ended(const struct recording *r);

/* ms since it began. */
uint64_t recording_age(const struct recording *r);

#endif
