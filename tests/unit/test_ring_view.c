/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/compiler.h"
#include "server/ring_view.h"

enum { HEAD = 4096, SIZE = 8192 };

static int make_ring(uint64_t oldest)
{
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char bytes[SIZE];

	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)(i / 64);
	assert_int_equal(ftruncate(fd, HEAD + SIZE), 0);
	assert_int_equal(pwrite(fd, &oldest, sizeof(oldest), 0), sizeof(oldest));
	assert_int_equal(pwrite(fd, bytes, SIZE, HEAD), SIZE);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

static void stretches_are_found_in_one_or_two_pieces(void **state _unused_)
{
	struct ring_view v = { 0 };
	struct iovec p[2];
	int fd = make_ring(0);

	assert_int_equal(ring_view_open(&v, fd, SIZE), 0);
	assert_true(ring_view_find(&v, 64, 192, p));
	assert_int_equal(p[0].iov_len, 128);
	assert_int_equal(((char *)p[0].iov_base)[0], 1);
	assert_int_equal(p[1].iov_len, 0);
	assert_true(ring_view_find(&v, SIZE * 5 - 64, SIZE * 5 + 64, p));
	assert_int_equal(p[0].iov_len, 64);
	assert_int_equal(p[1].iov_len, 64);
	assert_int_equal(((char *)p[1].iov_base)[0], 0);
	assert_true(ring_view_find(&v, 7, 7, p));
	assert_int_equal(p[0].iov_len + p[1].iov_len, 0);
	assert_false(ring_view_find(&v, 8, 7, p));
	assert_false(ring_view_find(&v, 0, SIZE + 1, p));
	assert_false(ring_view_find(&v, 0, UINT64_MAX, p));
	ring_view_close(&v);
	assert_false(ring_view_find(&v, 0, 1, p));
	close(fd);
}

static void what_was_overwritten_is_void(void **state _unused_)
{
	struct ring_view v = { 0 };
	int fd = make_ring(100);

	assert_int_equal(ring_view_open(&v, fd, SIZE), 0);
	assert_true(ring_view_was_intact(&v, 100));
	assert_false(ring_view_was_intact(&v, 99));
	ring_view_close(&v);
	close(fd);
}

static void sizes_that_the_file_does_not_have_are_refused(void **state _unused_)
{
	struct ring_view v = { 0 };
	int fd = make_ring(0);

	assert_int_equal(ring_view_open(&v, fd, SIZE + 1), -1);
	assert_int_equal(ring_view_open(&v, fd, 0), -1);
	assert_int_equal(ring_view_open(&v, fd, UINT64_MAX), -1);
	assert_int_equal(ring_view_open(&v, -1, SIZE), -1);
	assert_null(v.map);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stretches_are_found_in_one_or_two_pieces),
		cmocka_unit_test(what_was_overwritten_is_void),
		cmocka_unit_test(sizes_that_the_file_does_not_have_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
