/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intern.h - byte strings kept once and named by a small number: attributes, hyperlinks, characters
 * that are made of several code points. Number 0 is "none" and is never stored. What is no longer
 * used is found by mark and sweep: intern_unmark(), intern_mark() for each number in use, then
 * intern_sweep(). Numbers in use never change.
 */
#ifndef MD_SCREEN_INTERN_H
#define MD_SCREEN_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern_entry;

struct intern {
	struct intern_entry **entries; /* [number - 1]; NULL where free */
	uint32_t *slots;               /* open addressing; number, or 0 */
	uint32_t slot_count;           /* a power of two */
	uint32_t used, room;           /* of `entries` */
	uint32_t live;
	uint32_t hint;       /* no free number below this index */
	uint32_t limit;      /* the greatest number */
	uint32_t collect_at; /* when `live` gets here it is worth to collect */
	uint32_t refused;    /* for want of bytes, or of numbers */
	size_t bytes, most_bytes;
};

#define INTERN_COLLECT_MIN 256

void intern_init(struct intern *t, uint32_t limit, size_t most_bytes);
void intern_done(struct intern *t);

/* The number of these bytes; 0 when there is no memory, no number left, or more than `most_bytes` would be held. */
uint32_t intern_add(struct intern *t, const void *data, size_t len);

/* The bytes of a number that is in use. Borrowed until it is swept. */
const void *intern_get(const struct intern *t, uint32_t number, size_t *ret_len);

static inline bool intern_wants_collect(const struct intern *t)
{
	return t->live >= t->collect_at;
}

void intern_unmark(struct intern *t);
void intern_mark(struct intern *t, uint32_t number);
void intern_sweep(struct intern *t);

#endif
