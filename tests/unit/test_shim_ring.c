/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/ring.h"

enum { SIZE = 64 * 1024 };

/* The byte that stands at an offset in these tests. */
static char byte_at(uint64_t offset)
{
	return (char)(offset * 7 + offset / 251);
}

static void add(struct ring *r, size_t len)
{
	char *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = byte_at(r->end + i);
	ring_add(r, data, len);
	free(data);
}

static void check_all(const struct ring *r)
{
	struct iovec pieces[2];
	uint64_t at = ring_start(r);
	size_t len = ring_get(r, at, SIZE_MAX, pieces);

	assert_int_equal(len, r->end - at);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < pieces[i].iov_len; k++)
			assert_int_equal(((char *)pieces[i].iov_base)[k], byte_at(at++));
	}
}

static void bytes_keep_their_offsets_around_the_end(void **state _unused_)
{
	struct ring r;

	assert_int_equal(ring_open(&r, SIZE), 0);
	for (size_t i = 1; i < 400; i++) {
		add(&r, i * 13 % 1999 + 1);
		check_all(&r);
		assert_true(r.end - ring_start(&r) <= SIZE);
		assert_true(r.end < SIZE || r.end - ring_start(&r) >= SIZE - RING_MAX_ROOM);
	}
	add(&r, 5 * SIZE + 3);
	check_all(&r);
	ring_close(&r);
}

static void a_part_is_what_was_asked_for(void **state _unused_)
{
	struct ring r;
	struct iovec pieces[2];

	assert_int_equal(ring_open(&r, SIZE), 0);
	add(&r, SIZE + 100);
	assert_int_equal(ring_get(&r, SIZE - 10, 30, pieces), 30);
	assert_int_equal(pieces[0].iov_len, 10);
	assert_int_equal(pieces[1].iov_len, 20);
	assert_int_equal(ring_get(&r, r.end, 30, pieces), 0);
	ring_close(&r);
}

static void a_shared_ring_can_be_read_and_not_written(void **state _unused_)
{
	struct ring r;
	const uint64_t *head;
	void *writable;
	int fd;

	assert_int_equal(ring_open(&r, SIZE), 0);
	fd = ring_share(&r);
	assert_true(fd >= 0);
	writable = mmap(NULL, RING_HEAD + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_equal(writable, MAP_FAILED);
	assert_int_equal(ftruncate(fd, 0), -1);
	head = mmap(NULL, RING_HEAD + SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(head, MAP_FAILED);
	add(&r, SIZE * 2);
	assert_int_equal(*head, ring_start(&r));
	assert_int_equal(((const char *)head)[RING_HEAD + (r.end - 1) % SIZE], byte_at(r.end - 1));
	munmap((void *)head, RING_HEAD + SIZE);
	close(fd);
	ring_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_keep_their_offsets_around_the_end),
		cmocka_unit_test(a_part_is_what_was_asked_for),
		cmocka_unit_test(a_shared_ring_can_be_read_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
