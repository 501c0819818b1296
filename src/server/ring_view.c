/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/ring_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/poison.h"

enum { HEAD = 4096, SIZE_MAX_BYTES = 256 << 20 };

int ring_view_open(struct ring_view *v, int fd, uint64_t size)
{
	/* fstat(3) is a call by path to the kernel, which web's sandbox refuses. */
	off_t has = lseek(fd, 0, SEEK_END);
	int seals = fcntl(fd, F_GET_SEALS);
	void *map;

	/* Memory that can be made shorter kills whoever reads it then. */
	if (seals < 0 || !(seals & F_SEAL_SHRINK)) {
		errno = EPERM;
		return -1;
	}
	if (size == 0 || size > SIZE_MAX_BYTES || has < 0 || (uint64_t)has < size + HEAD) {
		errno = EINVAL;
		return -1;
	}
	map = mmap(NULL, (size_t)size + HEAD, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	ring_view_close(v);
	v->map = map;
	v->size = (size_t)size;
	return 0;
}

void ring_view_close(struct ring_view *v)
{
	if (v->map)
		munmap((void *)v->map, v->size + HEAD);
	*v = (struct ring_view){ 0 };
}

bool ring_view_find(const struct ring_view *v, uint64_t from, uint64_t to, struct iovec ret[2])
{
	size_t at, len, first;

	if (!v->map || from > to || to - from > v->size)
		return false;
	at = (size_t)(from % v->size);
	len = (size_t)(to - from);
	first = MD_MIN(len, v->size - at);
	ret[0] = (struct iovec){ (void *)(v->map + HEAD + at), first };
	ret[1] = (struct iovec){ (void *)(v->map + HEAD), len - first };
	return true;
}

bool ring_view_was_intact(const struct ring_view *v, uint64_t from)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n((const uint64_t *)v->map, __ATOMIC_ACQUIRE) <= from;
}
