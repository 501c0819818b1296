/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/compiler.h"
#include "base/utc.h"

/* The C library's own answer, which needs no time zone with "UTC0". */
static void assert_like_libc(time_t second)
{
	struct timespec when = { .tv_sec = second };
	char ours[UTC_TEXT], theirs[UTC_TEXT];
	struct tm tm;

	gmtime_r(&second, &tm);
	strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
	assert_string_equal(utc_text(ours, &when, 0), theirs);
}

static void dates_are_those_of_the_c_library(void **state _unused_)
{
	assert_like_libc(0);
	for (int64_t day = 0; day < 200 * 366; day++) {
		assert_like_libc(day * 86400);
		assert_like_libc(day * 86400 + 86399);
	}
}

static void fractions_have_the_digits_asked_for_and_are_cut(void **state _unused_)
{
	struct timespec when = { .tv_sec = 951782399, .tv_nsec = 12999999 };
	char to[UTC_TEXT];

	assert_string_equal(utc_text(to, &when, 0), "2000-02-28T23:59:59Z");
	assert_string_equal(utc_text(to, &when, 3), "2000-02-28T23:59:59.012Z");
	assert_string_equal(utc_text(to, &when, 9), "2000-02-28T23:59:59.012999999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_those_of_the_c_library),
		cmocka_unit_test(fractions_have_the_digits_asked_for_and_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
