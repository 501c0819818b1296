/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the last bytes of a terminal's output, each with its offset from the terminal's
 * beginning.
 *
 * The bytes lie in a sealed memfd that a client may map read-only (shim_wire.h, RING): a page
 * of head, whose first u64 is the offset of the oldest intact byte, then the ring. Pages are
 * used only once bytes come to lie in them.
 */
#ifndef MD_SHIM_RING_H
#define MD_SHIM_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/compiler.h"

enum { RING_HEAD = 4096, RING_MAX_ROOM = 16384 };

struct ring {
	int memfd;
	char *map;    /* NULL while closed */
	size_t size;  /* bytes of ring */
	uint64_t end; /* offset behind the newest byte */
};

#define RING_INIT                                                                                  \
	{                                                                                          \
		.memfd = -1                                                                        \
	}

/* `size` is rounded up to whole pages, at least 4 * RING_MAX_ROOM. -1 and errno. */
int ring_open(struct ring *r, size_t size);
void ring_close(struct ring *r);

/* The offset of the oldest byte that is still there. */
uint64_t ring_start(const struct ring *r);

/* Where the next bytes may be written, at most RING_MAX_ROOM of them: what lay there is lost with
 * this call. Then ring_grew(). */
void *ring_room(struct ring *r, size_t *ret_len);
void ring_grew(struct ring *r, size_t n);

/* Adds bytes; of more than fit the last ones stay. */
void ring_add(struct ring *r, const void *data, size_t len);

/* The bytes from `from` (between start and end) on, at most `most`, as one or two pieces. Returns
 * their number. */
size_t ring_get(const struct ring *r, uint64_t from, size_t most, struct iovec ret[2]);

/* A descriptor of the memfd that can't be written through, the caller's. -1 and errno. */
int ring_share(const struct ring *r);

#endif
