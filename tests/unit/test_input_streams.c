/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/compiler.h"

#include "shim/input_streams.h"

static void a_stream_goes_from_connection_to_connection(void **state _unused_)
{
	struct input_streams s = { 0 };
	uint64_t before;
	bool is_new;
	struct input_stream *row = input_streams_adopt(&s, 7, 100, 1, &before, &is_new);

	assert_true(is_new);
	assert_int_equal(before, 0);
	assert_int_equal(row->taken, 100);
	row->taken = 150;
	assert_ptr_equal(input_streams_adopt(&s, 7, 120, 2, &before, &is_new), row);
	assert_false(is_new);
	assert_int_equal(before, 1);
	assert_int_equal(row->taken, 150);
	assert_null(input_streams_of(&s, 1));
	assert_ptr_equal(input_streams_of(&s, 2), row);
	input_streams_leave(&s, 1);
	assert_ptr_equal(input_streams_of(&s, 2), row);
	input_streams_leave(&s, 2);
	assert_null(input_streams_of(&s, 2));
	input_streams_adopt(&s, 7, 0, 3, &before, &is_new);
	assert_int_equal(before, 0);
	assert_int_equal(row->taken, 150);
}

static void no_stream_is_none(void **state _unused_)
{
	struct input_streams s = { 0 };
	uint64_t before;
	bool is_new;

	assert_null(input_streams_adopt(&s, 0, 0, 1, &before, &is_new));
	assert_null(input_streams_of(&s, 1));
	assert_null(input_streams_of(&s, 0));
}

static void the_one_left_longest_ago_makes_room(void **state _unused_)
{
	struct input_streams s = { 0 };
	uint64_t before;
	bool is_new;

	for (uint64_t id = 1; id <= INPUT_STREAMS; id++)
		assert_non_null(input_streams_adopt(&s, id, 0, 100 + id, &before, &is_new));
	assert_null(input_streams_adopt(&s, 99, 0, 200, &before, &is_new));
	input_streams_leave(&s, 103);
	input_streams_leave(&s, 102);
	assert_non_null(input_streams_adopt(&s, 99, 0, 200, &before, &is_new));
	input_streams_adopt(&s, 3, 0, 103, &before, &is_new);
	assert_false(is_new);
	input_streams_leave(&s, 200);
	input_streams_adopt(&s, 2, 0, 102, &before, &is_new);
	assert_true(is_new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_goes_from_connection_to_connection),
		cmocka_unit_test(no_stream_is_none),
		cmocka_unit_test(the_one_left_longest_ago_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
