/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

enum { BLOCK = 1000, BLOCKS = 200 };

/* The allocator gives again what was given back, as it is. */
static void objects_are_zeroed_in_memory_that_was_used_before(void **state _unused_)
{
	for (int round = 0; round < 2; round++) {
		_auto_arena_ struct arena a = ARENA_INIT;

		for (int i = 0; i < BLOCKS; i++) {
			unsigned char *block = arena_alloc(&a, BLOCK, 1);

			assert_non_null(block);
			for (int k = 0; k < BLOCK; k++)
				assert_int_equal(block[k], 0);
			memset(block, 0xff, BLOCK);
			memset(arena_bytes(&a, BLOCK), 0xff, BLOCK);
		}
	}
}

static void blocks_are_aligned_and_do_not_overlap(void **state _unused_)
{
	_auto_arena_ struct arena a = ARENA_INIT;
	unsigned char *small[64];
	char *large;

	for (size_t i = 0; i < 64; i++) {
		small[i] = arena_bytes(&a, i + 1);
		assert_int_equal((uintptr_t)small[i] % _Alignof(max_align_t), 0);
		memset(small[i], (int)i, i + 1);
	}
	large = arena_alloc(&a, 1, 1 << 20);
	memset(large, 0xff, 1 << 20);
	for (size_t i = 0; i < 64; i++) {
		for (size_t k = 0; k <= i; k++)
			assert_int_equal(small[i][k], i);
	}
}

static void texts_end_with_a_nul(void **state _unused_)
{
	_auto_arena_ struct arena a = ARENA_INIT;

	memset(arena_bytes(&a, 64), 0xff, 64);
	assert_string_equal(arena_strn(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_strn(&a, "abcdef", 0), "");
	assert_string_equal(arena_str(&a, "abcdef"), "abcdef");
}

static void what_is_too_large_is_refused(void **state _unused_)
{
	_auto_arena_ struct arena a = ARENA_INIT;
	const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		errno = 0;
		assert_null(arena_bytes(&a, sizes[i]));
		assert_int_equal(errno, ENOMEM);
	}
	errno = 0;
	assert_null(arena_alloc(&a, SIZE_MAX / 8, 16));
	assert_int_equal(errno, ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_in_memory_that_was_used_before),
		cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
		cmocka_unit_test(texts_end_with_a_nul),
		cmocka_unit_test(what_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
