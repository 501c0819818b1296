/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/args.h"

struct options {
	bool tty, detach;
	const char *name;
	struct strv env;
	int64_t pids;
	uint64_t memory;
};

static const struct args_option table[] = {
	{ "tty", 't', ARGS_FLAG, offsetof(struct options, tty), NULL, "" },
	{ "detach", 'd', ARGS_FLAG, offsetof(struct options, detach), NULL, "" },
	{ "name", 0, ARGS_STRING, offsetof(struct options, name), "NAME", "" },
	{ "env", 'e', ARGS_LIST, offsetof(struct options, env), "K=V", "" },
	{ "pids-limit", 0, ARGS_INT, offsetof(struct options, pids), "N", "" },
	{ "memory", 'm', ARGS_SIZE, offsetof(struct options, memory), "SIZE", "" },
	ARGS_END,
};

#define PARSE(stop, ...)                                                                           \
	char *argv[] = { (char *)"cmd", __VA_ARGS__, NULL };                                       \
	struct options o = { 0 };                                                                  \
	struct md_error err = MD_ERROR_INIT;                                                       \
	int count = -1, r;                                                                         \
	r = args_parse(table, &o, (int)ARRAY_SIZE(argv) - 1, argv, stop, &count, &err)

static void every_spelling_is_read(void **state _unused_)
{
	PARSE(true, (char *)"-td", (char *)"--name=web", (char *)"-eA=1", (char *)"-e",
		(char *)"B=2", (char *)"--pids-limit", (char *)"-1", (char *)"-m=100m",
		(char *)"image", (char *)"-x");

	assert_int_equal(r, 0);
	assert_true(o.tty && o.detach);
	assert_string_equal(o.name, "web");
	assert_int_equal(o.env.count, 2);
	assert_string_equal(o.env.items[0], "A=1");
	assert_int_equal(o.pids, -1);
	assert_true(o.memory == 100ULL << 20);
	assert_int_equal(count, 2);
	assert_string_equal(argv[0], "image");
	assert_string_equal(argv[1], "-x");
	assert_null(argv[2]);
	strv_done(&o.env);
}

static void options_may_stand_among_operands(void **state _unused_)
{
	PARSE(false, (char *)"a", (char *)"--tty=false", (char *)"b", (char *)"--", (char *)"-d");

	assert_int_equal(r, 0);
	assert_false(o.tty);
	assert_false(o.detach);
	assert_int_equal(count, 3);
	assert_string_equal(argv[2], "-d");
}

static void go_style_long_options_with_one_dash(void **state _unused_)
{
	PARSE(false, (char *)"-name", (char *)"x");

	assert_int_equal(r, 0);
	assert_string_equal(o.name, "x");
	assert_int_equal(count, 0);
}

static void bad_words_are_named(void **state _unused_)
{
	static const struct {
		const char *word, *message;
	} bad[] = {
		{ "--foo", "unknown option --foo" },
		{ "--foo=1", "unknown option --foo" },
		{ "-z", "unknown option -z" },
		{ "--name", "option --name needs a value: --name NAME" },
		{ "--memory=lots", "option --memory: 'lots' is not a size such as 100m" },
		{ "--pids-limit=1x", "option --pids-limit: '1x' is not a whole number" },
		{ "--tty=maybe", "option --tty is true or false, not 'maybe'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		PARSE(false, (char *)bad[i].word);

		assert_int_equal(r, -1);
		assert_int_equal(count, -1);
		assert_string_equal(err.msg, bad[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_read),
		cmocka_unit_test(options_may_stand_among_operands),
		cmocka_unit_test(go_style_long_options_with_one_dash),
		cmocka_unit_test(bad_words_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
