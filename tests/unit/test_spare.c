/* SPDX-License-Identifier: Apache-2.0 */
/* Which processor is kept free of busy workspaces. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/spare.h"

static cpu_set_t cpus(const char *text)
{
	cpu_set_t set;

	assert_int_equal(spare_parse(text, &set), 0);
	return set;
}

static int chosen(const char *all, const char *own)
{
	const cpu_set_t a = cpus(all), o = cpus(own);

	return spare_choose(&a, &o);
}

static void a_list_is_read_and_written(void **state _unused_)
{
	static const char *const lists[][2] = { { "0-1\n", "0,1" }, { "0", "0" }, { "", "" },
		{ "\n", "" }, { "0-2,8,1022-1023\n", "0,1,2,8,1022,1023" } };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const cpu_set_t set = cpus(lists[i][0]);
		char *text = spare_format(&set);

		assert_string_equal(text, lists[i][1]);
		free(text);
	}
}

static void what_is_no_list_is_refused(void **state _unused_)
{
	static const char *const wrong[] = { "x", "-1", "1-", "3-1", "0,", ",1", "1 2", "1024",
		"0-99999999999999999999", "1-2-3" };
	cpu_set_t set;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		errno = 0;
		assert_int_equal(spare_parse(wrong[i], &set), -1);
		assert_int_equal(errno, EINVAL);
	}
}

static void the_last_one_that_the_server_may_use_is_spared(void **state _unused_)
{
	assert_int_equal(chosen("0-1", "0-1"), 1);
	assert_int_equal(chosen("0-7", "0-7"), 7);
	assert_int_equal(chosen("0-7", "0-3"), 3);
	assert_int_equal(chosen("2-3", "0-2"), 2);
}

static void there_is_none_to_spare(void **state _unused_)
{
	assert_int_equal(chosen("0", "0-7"), -1);
	assert_int_equal(chosen("", "0-7"), -1);
	assert_int_equal(chosen("0-1", "2-3"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read_and_written),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(the_last_one_that_the_server_may_use_is_spared),
		cmocka_unit_test(there_is_none_to_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
