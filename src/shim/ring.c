/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static _Atomic uint64_t *head_of(const struct ring *r)
{
	return (_Atomic uint64_t *)(void *)r->map;
}

int ring_open(struct ring *r, size_t size)
{
	_auto_close_ int fd = -1;
	void *map;

	size = MD_MAX(size, (size_t)4 * RING_MAX_ROOM);
	size = (size + RING_HEAD - 1) / RING_HEAD * RING_HEAD;
	fd = memfd_create("terminal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)(RING_HEAD + size)) < 0)
		return -1;
	map = mmap(NULL, RING_HEAD + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	/* The mapping above is the last that can write. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) < 0) {
		munmap(map, RING_HEAD + size);
		return -1;
	}
	*r = (struct ring){ .memfd = take_fd(&fd), .map = map, .size = size };
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->map)
		munmap(r->map, RING_HEAD + r->size);
	r->map = NULL;
	fd_close(&r->memfd);
}

uint64_t ring_start(const struct ring *r)
{
	return atomic_load_explicit(head_of(r), memory_order_relaxed);
}

void *ring_room(struct ring *r, size_t *ret_len)
{
	size_t at = (size_t)(r->end % r->size);
	size_t len = MD_MIN(r->size - at, (size_t)RING_MAX_ROOM);

	/* The head moves first, so that whoever reads along sees it before the bytes change. */
	if (r->end + len > r->size && r->end + len - r->size > ring_start(r)) {
		atomic_store_explicit(head_of(r), r->end + len - r->size, memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
	}
	*ret_len = len;
	return r->map + RING_HEAD + at;
}

void ring_grew(struct ring *r, size_t n)
{
	r->end += n;
}

void ring_add(struct ring *r, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		size_t room;
		void *to = ring_room(r, &room);

		room = MD_MIN(room, len);
		memcpy(to, at, room);
		ring_grew(r, room);
		at += room;
		len -= room;
	}
}

size_t ring_get(const struct ring *r, uint64_t from, size_t most, struct iovec ret[2])
{
	size_t at = (size_t)(from % r->size);
	size_t len = (size_t)MD_MIN(r->end - from, (uint64_t)most);
	size_t first = MD_MIN(len, r->size - at);

	ret[0] = (struct iovec){ r->map + RING_HEAD + at, first };
	ret[1] = (struct iovec){ r->map + RING_HEAD, len - first };
	return len;
}

int ring_share(const struct ring *r)
{
	/* Sealed against any further way of writing, so the descriptor itself may go out. */
	return fcntl(r->memfd, F_DUPFD_CLOEXEC, 3);
}
