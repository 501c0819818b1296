/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's own small parsers. */
#define _GNU_SOURCE
#include "unit.h"

#include <signal.h>

#include "base/compiler.h"
#include "cli/detach.h"
#include "base/signals.h"

/* Feeds the pieces one after the other; returns what came through. */
static bool feed(const char *const *pieces, char *to, size_t *ret_len)
{
	struct detach d = { false };
	bool found = false;
	size_t total = 0, len;

	for (; *pieces && !found; pieces++) {
		found = detach_filter(&d, *pieces, strlen(*pieces), to + total, &len);
		total += len;
	}
	*ret_len = total;
	return found;
}

static void detach_keys_are_found_across_reads(void **state)
{
	static const char *const together[] = { "ab\x10\x11zz", NULL };
	static const char *const apart[] = { "ab\x10", "\x11", NULL };
	static const char *const twice[] = { "\x10\x10\x11", NULL };
	char to[64];
	size_t len;

	assert_true(feed(together, to, &len));
	assert_int_equal(len, 2);
	assert_true(feed(apart, to, &len));
	assert_int_equal(len, 2);
	assert_true(feed(twice, to, &len));
	assert_int_equal(len, 1);
	assert_int_equal(to[0], 0x10);
}

static void other_keys_pass_unchanged(void **state)
{
	static const char *const keys[] = { "\x10", "x\x11\x10", "y", NULL };
	char to[64];
	size_t len;

	assert_false(feed(keys, to, &len));
	assert_int_equal(len, 5);
	assert_memory_equal(to, "\x10x\x11\x10y", 5);
}

static void signals_by_name_and_number(void **state)
{
	assert_int_equal(signal_number("KILL"), SIGKILL);
	assert_int_equal(signal_number("SIGTERM"), SIGTERM);
	assert_int_equal(signal_number("sigusr1"), SIGUSR1);
	assert_int_equal(signal_number("9"), 9);
	assert_int_equal(signal_number("64"), 64);
	assert_int_equal(signal_number("RTMIN"), 34);
	assert_int_equal(signal_number("SIGRTMIN+3"), 37);
	assert_int_equal(signal_number("rtmax-1"), 63);
	assert_int_equal(signal_number("IO"), SIGIO);
	assert_int_equal(signal_number("RTMIN-1"), -1);
	assert_int_equal(signal_number("RTMIN+31"), -1);
	assert_int_equal(signal_number("RTMINX"), -1);
	assert_int_equal(signal_number("0"), -1);
	assert_int_equal(signal_number("65"), -1);
	assert_int_equal(signal_number("-9"), -1);
	assert_int_equal(signal_number(""), -1);
	assert_int_equal(signal_number("SIG"), -1);
	assert_int_equal(signal_number("NOPE"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detach_keys_are_found_across_reads),
		cmocka_unit_test(other_keys_pass_unchanged),
		cmocka_unit_test(signals_by_name_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
