/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives way when processors are scarce. */
#define _GNU_SOURCE
#include "unit.h"

#include <stdio.h>

#include "engine/fairness.h"

enum { CROWD = 100 };

static struct fairness_share shares[CROWD + 1];

static void start(size_t count)
{
	for (size_t i = 0; i < count; i++)
		shares[i] = (struct fairness_share){ .usage_us = 1000000 };
}

/* One look at which share `i` has used that much more. */
static void use(size_t i, uint64_t us)
{
	fairness_count(&shares[i], shares[i].usage_us + us);
}

static void one_busy_loop_gives_way_to_a_shell(void **state _unused_)
{
	start(2);
	for (int look = 0; look < 10; look++) {
		use(0, 500000);
		use(1, 1000);
		fairness_judge(shares, 2);
		assert_int_equal(shares[0].low, look >= 1);
		assert_false(shares[1].low);
	}
}

static void a_hundred_busy_loops_give_way_although_each_has_little(void **state _unused_)
{
	start(CROWD + 1);
	for (int look = 0; look < 20; look++) {
		for (size_t i = 0; i < CROWD; i++)
			use(i, 2 * 500000 / CROWD);
		use(CROWD, 500);
		fairness_judge(shares, CROWD + 1);
	}
	for (size_t i = 0; i < CROWD; i++)
		assert_true(shares[i].low);
	assert_false(shares[CROWD].low);
}

static void a_short_effort_is_nobodys_loss(void **state _unused_)
{
	start(2);
	use(0, 400000); /* a login: once, then it rests */
	use(1, 1000);
	fairness_judge(shares, 2);
	assert_false(shares[0].low);
}

static void who_rests_is_equal_again(void **state _unused_)
{
	int looks = 0;

	start(2);
	for (int look = 0; look < 4; look++) {
		use(0, 500000);
		fairness_judge(shares, 2);
	}
	assert_true(shares[0].low);
	for (; shares[0].low && looks < 100; looks++) {
		use(0, 0);
		use(1, 2000);
		fairness_judge(shares, 2);
	}
	assert_in_range(looks, 1, 60);
}

static void a_counter_that_went_back_is_of_a_new_run(void **state _unused_)
{
	start(1);
	fairness_count(&shares[0], 10);
	assert_int_equal(shares[0].score_us, 0);
	assert_int_equal(shares[0].usage_us, 10);
}

static void a_processor_is_kept_free_while_somebody_else_works(void **state _unused_)
{
	start(2);
	for (int look = 0; look < 4; look++) {
		use(0, 500000);
		use(1, 0);
		fairness_judge(shares, 2);
	}
	assert_true(shares[0].low);
	assert_false(fairness_someone_works(shares, 2));
	use(1, 150); /* a key */
	fairness_judge(shares, 2);
	assert_true(fairness_someone_works(shares, 2));
	assert_false(fairness_someone_works(shares, 1));
	assert_false(fairness_someone_works(shares, 0));
}

static void who_rests_between_efforts_still_gives_way(void **state _unused_)
{
	start(2);
	for (int look = 0; look < 40; look++) {
		use(0, look % 2 ? 0 : 500000);
		use(1, 1000);
		fairness_judge(shares, 2);
		assert_int_equal(shares[0].low, look >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_busy_loop_gives_way_to_a_shell),
		cmocka_unit_test(a_hundred_busy_loops_give_way_although_each_has_little),
		cmocka_unit_test(a_short_effort_is_nobodys_loss),
		cmocka_unit_test(who_rests_is_equal_again),
		cmocka_unit_test(a_processor_is_kept_free_while_somebody_else_works),
		cmocka_unit_test(who_rests_between_efforts_still_gives_way),
		cmocka_unit_test(a_counter_that_went_back_is_of_a_new_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
