/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"

static void the_ceiling_holds_and_keeps_the_contents(void **state _unused_)
{
	_auto_buf_ struct buf b = BUF_INIT(8);

	assert_int_equal(buf_add_str(&b, "12345678"), 0);
	assert_int_equal(buf_add_char(&b, '9'), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_string_equal(buf_str(&b), "12345678");
	assert_true(b.failed);
	assert_null(buf_take(&b));
	buf_reset(&b);
	assert_int_equal(buf_addf(&b, "%d", 42), 0);
	buf_consume(&b, 1);
	assert_string_equal(buf_str(&b), "2");
}

static void take_gives_an_empty_string_of_nothing(void **state _unused_)
{
	struct buf b = BUF_INIT(8);
	char *s = buf_take(&b);

	assert_string_equal(s, "");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ceiling_holds_and_keeps_the_contents),
		cmocka_unit_test(take_gives_an_empty_string_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
