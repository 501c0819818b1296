/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/arena.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* The least of a chunk; each is twice the one before, up to the most. */
enum { ARENA_CHUNK = 16384 - 64, ARENA_CHUNK_MOST = 65536 - 64 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char data[];
};

void arena_done(struct arena *a)
{
	if (!a)
		return;
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
}

static struct arena_chunk *add_chunk(struct arena *a, size_t at_least)
{
	bool large = at_least > ARENA_CHUNK;
	size_t before = a->chunks ? a->chunks->size : ARENA_CHUNK / 2;
	size_t size = large ? at_least : MD_MIN(2 * before, (size_t)ARENA_CHUNK_MOST);
	struct arena_chunk *c = malloc(sizeof(*c) + size);

	if (!c)
		return NULL;
	c->used = 0;
	c->size = size;
	/* A large block goes behind the newest chunk, so that the room left in that one is still
	 * used. */
	if (a->chunks && large) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c;
}

void *arena_bytes(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunks;
	size_t bytes;
	void *at;

	if (__builtin_add_overflow(size, _Alignof(max_align_t) - 1, &bytes) ||
		bytes > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	bytes &= ~(_Alignof(max_align_t) - 1);
	if (!c || c->size - c->used < bytes)
		c = add_chunk(a, bytes);
	if (!c)
		return NULL;
	at = c->data + c->used;
	c->used += bytes;
	return at;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	size_t bytes;
	void *at;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	at = arena_bytes(a, bytes);
	if (at)
		memset(at, 0, bytes);
	return at;
}

char *arena_strn(struct arena *a, const char *s, size_t len)
{
	char *to = len < SIZE_MAX ? arena_bytes(a, len + 1) : NULL;

	if (!to)
		return NULL;
	memcpy(to, s, len);
	to[len] = '\0';
	return to;
}

char *arena_str(struct arena *a, const char *s)
{
	return arena_strn(a, s, strlen(s));
}
