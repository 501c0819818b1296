/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include "server/limits.h"

static struct limits l;

static int start(void **state _unused_)
{
	memset(&l, 0, sizeof(l));
	return 0;
}

static void five_are_free_then_the_delay_doubles_to_15_minutes(void **state _unused_)
{
	int64_t now = 1000;
	uint32_t expected = 1;

	for (int i = 0; i < LIMITS_FREE; i++)
		assert_int_equal(limits_try(&l, "alice", "192.0.2.1", now), 0);
	for (int i = 0; i < 14; i++) {
		assert_int_equal(limits_try(&l, "alice", "192.0.2.1", now), expected);
		now += expected;
		assert_int_equal(limits_try(&l, "alice", "192.0.2.1", now), 0);
		expected = expected * 2 > 512 ? LIMITS_MAX_DELAY : expected * 2;
	}
}

static void others_and_other_networks_are_not_touched(void **state _unused_)
{
	for (int i = 0; i < 20; i++)
		limits_try(&l, "alice", "192.0.2.1", 1000);
	assert_true(limits_try(&l, "alice", "192.0.2.99", 1000) > 0);
	assert_int_equal(limits_try(&l, "alice", "198.51.100.1", 1000), 0);
	assert_int_equal(limits_try(&l, "bob", "192.0.2.1", 1000), 0);
}

static void success_and_an_hour_of_quiet_forget(void **state _unused_)
{
	for (int i = 0; i < LIMITS_FREE; i++)
		limits_try(&l, "alice", "192.0.2.1", 1000);
	assert_true(limits_try(&l, "alice", "192.0.2.1", 1000) > 0);
	assert_int_equal(limits_try(&l, "alice", "192.0.2.1", 1000 + LIMITS_FORGET), 0);
	for (int i = 0; i < 3; i++)
		limits_try(&l, "alice", "192.0.2.1", 9000);
	limits_success(&l, "alice", "192.0.2.1");
	for (int i = 0; i < LIMITS_FREE; i++)
		assert_int_equal(limits_try(&l, "alice", "192.0.2.1", 9000), 0);
}

static void a_try_that_was_not_made_does_not_count(void **state _unused_)
{
	for (int i = 0; i < 50; i++) {
		assert_int_equal(limits_try(&l, "alice", "192.0.2.1", 1000), 0);
		limits_undo(&l, "alice", "192.0.2.1");
	}
	assert_int_equal(limits_try(&l, "alice", "192.0.2.1", 1000), 0);
}

static void a_flood_of_names_pushes_out_the_oldest(void **state _unused_)
{
	char name[BW_NAME_SIZE];

	for (int i = 0; i < LIMITS_ENTRIES + 10; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		assert_int_equal(limits_try(&l, name, "192.0.2.1", 1000 + i), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(five_are_free_then_the_delay_doubles_to_15_minutes, start),
		cmocka_unit_test_setup(others_and_other_networks_are_not_touched, start),
		cmocka_unit_test_setup(success_and_an_hour_of_quiet_forget, start),
		cmocka_unit_test_setup(a_try_that_was_not_made_does_not_count, start),
		cmocka_unit_test_setup(a_flood_of_names_pushes_out_the_oldest, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
