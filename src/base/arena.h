/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is freed as a whole: what a parsed document is made of. Blocks
 * stay where they are; allocation failure is NULL and ENOMEM.
 */
#ifndef MD_BASE_ARENA_H
#define MD_BASE_ARENA_H

#include <stddef.h>

#include "base/compiler.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned; the newest first */
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		NULL                                                                               \
	}

void arena_done(struct arena *a);
#define _auto_arena_ _auto_(arena_done)

/* `count` zeroed objects of `size` bytes, aligned for any type; an overflow is ENOMEM. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* `size` bytes as they come, not zeroed. */
void *arena_bytes(struct arena *a, size_t size);
char *arena_str(struct arena *a, const char *s);
char *arena_strn(struct arena *a, const char *s, size_t len);

#define arena_new(a, type, count) ((type *)arena_alloc((a), (count), sizeof(type)))

#endif
