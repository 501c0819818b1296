/* SPDX-License-Identifier: Apache-2.0 */
/* The copy that mdocker-runtime has in place of musl's: src/musl/memcpy.c, here beside the C library's own. */
#include "unit.h"

#include <string.h>

#include "base/compiler.h"

enum { MOST = 2100, ROOM = MOST + 64 };

void *__wrap_memcpy(void *restrict dest, const void *restrict src, size_t n);

static void each_length_is_copied_and_nothing_beside_it(void **state _unused_)
{
	unsigned char from[ROOM], to[ROOM], wanted[ROOM];

	for (size_t i = 0; i < ROOM; i++)
		from[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t n = 0; n <= MOST; n++) {
		for (size_t shift = 0; shift < 3; shift++) {
			memset(to, 0xee, ROOM);
			memset(wanted, 0xee, ROOM);
			for (size_t i = 0; i < n; i++)
				wanted[shift + i] = from[2 * shift + i];
			assert_ptr_equal(
				__wrap_memcpy(to + shift, from + 2 * shift, n), to + shift);
			assert_memory_equal(to, wanted, ROOM);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_length_is_copied_and_nothing_beside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
