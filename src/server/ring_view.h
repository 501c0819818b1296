/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_view.h - a terminal's ring of output, shared by its shim and mapped read-only (shim_wire.h, RING and ADVANCE): bytes
 * go from there straight into the frame for the browser instead of through a socket.
 */
#ifndef MD_SERVER_RING_VIEW_H
#define MD_SERVER_RING_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct ring_view {
	const char *map; /* NULL: none */
	size_t size;     /* of the ring itself */
};

/* Maps the memfd (borrowed). -1 and errno; EINVAL for a size that can't be, or that the file doesn't have. */
int ring_view_open(struct ring_view *v, int fd, uint64_t size);
void ring_view_close(struct ring_view *v);

/* Where the bytes from..to stand: one piece or two. False if such a stretch can't be. They may be overwritten at any time:
 * copy first, then ask ring_view_was_intact(). */
bool ring_view_find(const struct ring_view *v, uint64_t from, uint64_t to, struct iovec ret[2]);

/* Were all bytes from `from` on still there when they had been copied? */
bool ring_view_was_intact(const struct ring_view *v, uint64_t from);

#endif
