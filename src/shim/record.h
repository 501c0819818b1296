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

/* Makes FOLDER/TIME-tN.cast, TIME being UTC as 20260131T120000Z. A descriptor; -1, also where `folder` is NULL. */
int recording_make_file(const char *folder, uint32_t terminal, struct md_error *err);

/* Begins one on `fd` (taken over). NULL: ENOMEM, or errno of the first write. */
struct recording *recording_new(
	int fd, uint16_t rows, uint16_t cols, const char *command, uint64_t limit);

/* All take NULL. Past the limit, or when the disk is full, the recording ends with a marker line if that still fits. */
void recording_output(struct recording *r, const void *data, size_t len);
void recording_size(struct recording *r, uint16_t rows, uint16_t cols);
void recording_close(struct recording *r);

#endif
