/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

static void numbers_are_whole_strings_in_range(void **state _unused_)
{
	uint64_t u;
	int64_t i;

	assert_int_equal(str_to_u64("18446744073709551615", UINT64_MAX, &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(str_to_u64("18446744073709551616", UINT64_MAX, &u), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(str_to_u64("1 ", 10, &u), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(str_to_u64("", 10, &u), -1);
	assert_int_equal(str_to_u64("+1", 10, &u), -1);
	assert_int_equal(str_to_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(str_to_i64("-1", 0, 10, &i), -1);
	assert_int_equal(errno, ERANGE);
}

static void sizes_have_units(void **state _unused_)
{
	uint64_t u;

	assert_int_equal(str_to_size("100m", &u), 0);
	assert_true(u == 100ULL << 20);
	assert_int_equal(str_to_size("1G", &u), 0);
	assert_true(u == 1ULL << 30);
	assert_int_equal(str_to_size("1x", &u), -1);
	assert_int_equal(str_to_size("1mm", &u), -1);
	assert_int_equal(str_to_size("9999999999g", &u), -1);
	assert_int_equal(errno, ERANGE);
}

static void environment_replaces_by_name(void **state _unused_)
{
	_auto_strv_ struct strv v = STRV_INIT;

	assert_int_equal(strv_env_set(&v, "A", "1"), 0);
	assert_int_equal(strv_env_set(&v, "AB", "2"), 0);
	assert_int_equal(strv_env_set(&v, "A", "3"), 0);
	assert_int_equal(v.count, 2);
	assert_string_equal(strv_env_get(&v, "A"), "3");
	assert_null(strv_env_get(&v, "B"));
}

static void octal_escapes_are_whole_ones(void **state _unused_)
{
	static const char *const rows[][2] = { { "/a\\040b\\011", "/a b\t" }, { "\\134", "\\" },
		{ "\\0\xff\xff", "\\0\xff\xff" }, { "\\08 1", "\\08 1" }, { "\\04", "\\04" },
		{ "\\", "\\" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%s", rows[i][0]);
		str_unescape_octal(text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void sequences_of_utf8_are_whole_and_shortest(void **state _unused_)
{
	assert_int_equal(str_utf8_length("a"), 1);
	assert_int_equal(str_utf8_length("\xc3\xa4z"), 2);
	assert_int_equal(str_utf8_length("\xe2\x82\xac"), 3);
	assert_int_equal(str_utf8_length("\xf0\x9f\x99\x82"), 4);
	assert_int_equal(str_utf8_length("\x9b"
					 "31m"),
		0);
	assert_int_equal(str_utf8_length("\xe2\x82"), 0);
	assert_int_equal(str_utf8_length("\xc0\x80"), 0);
	assert_int_equal(str_utf8_length("\xed\xa0\x80"), 0);
}

static void a_line_of_the_log_holds_no_control_sequence(void **state _unused_)
{
	static const char *const lines[] = {
		"x: error: \\x1b[2J \\x9b \\x9bm \xc3\xa4 \\xc3 \"\n",
		"\"msg\":\"\\u001b[2J \\u009b \\ufffdm \xc3\xa4 \\ufffd \\\"\"",
	};

	log_init("x");
	for (int json = 0; json < 2; json++) {
		_auto_close_ int fd = memfd_create("log", MFD_CLOEXEC);
		char text[200] = "";

		log_open(fd, LOG_INFO, json);
		log_error("\033[2J \xc2\x9b \x9bm \xc3\xa4 \xc3 \"");
		assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
		if (!strstr(text, lines[json]))
			fail_msg("%s", text);
	}
	log_open(STDERR_FILENO, LOG_WARNING, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_strings_in_range),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(environment_replaces_by_name),
		cmocka_unit_test(octal_escapes_are_whole_ones),
		cmocka_unit_test(sequences_of_utf8_are_whole_and_shortest),
		cmocka_unit_test(a_line_of_the_log_holds_no_control_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
