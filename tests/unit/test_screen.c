/* SPDX-License-Identifier: Apache-2.0 */
/* What the proof against xterm.js (tests/screen) can't see: ceilings, counters, hostile input, refusals. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "screen/history.h"
#include "screen/intern.h"
#include "screen/screen.h"

#define SNAPSHOT_MAX (4u << 20)

static struct screen *make(unsigned int rows, unsigned int cols, unsigned int scrollback)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	struct screen *s;

	options.rows = rows;
	options.cols = cols;
	options.scrollback = scrollback;
	s = screen_new(&options);
	assert_non_null(s);
	return s;
}

static void feed(struct screen *s, const char *text)
{
	screen_feed(s, text, strlen(text));
}

static void snapshot(struct screen *s, uint32_t scrollback, struct buf *b)
{
	struct screen_snapshot_options options = { .scrollback = scrollback };

	buf_reset(b);
	assert_int_equal(screen_snapshot(s, b, &options), 0);
}

static void assert_has(const struct buf *b, const char *text)
{
	if (!memmem(b->data, b->len, text, strlen(text)))
		fail_msg("no %s in the snapshot", text);
}

static void a_snapshot_begins_with_a_full_reset_and_shows_the_text(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(4, 20, 10);
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);

	feed(s, "one\r\n\033[31mtwo\033[m");
	snapshot(s, 0, &b);
	assert_memory_equal(b.data, "\033c", 2);
	assert_has(&b, "one\r\n\033[0;31mtwo");
}

static void a_sequence_that_has_only_begun_ends_the_snapshot(void **state _unused_)
{
	static const char *const begun[] = { "\033", "\033[38;5;1", "\033]2;half a ti", "\033P1$r",
		"\xe6\xbc" };
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
		_auto_screen_ struct screen *s = make(4, 20, 10);
		size_t len = strlen(begun[i]);

		assert_false(screen_is_mid_sequence(s));
		feed(s, begun[i]);
		assert_true(screen_is_mid_sequence(s));
		snapshot(s, 0, &b);
		assert_memory_equal(b.data + b.len - len, begun[i], len);
	}
}

static void a_sequence_without_end_costs_no_more_than_its_ceiling(void **state _unused_)
{
	static const char *const begun[] = { "\033]2;", "\033P", "\033_", "\033[", "\033[1;" };
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);
	char junk[4096];

	memset(junk, '1', sizeof(junk));
	for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
		_auto_screen_ struct screen *s = make(4, 20, 10);

		feed(s, begun[i]);
		for (int n = 0; n < 1000; n++)
			screen_feed(s, junk, sizeof(junk));
		assert_in_range(screen_memory(s), 1, 200000);
		snapshot(s, 0, &b);
		assert_in_range(b.len, 1, 100000);
		/* It has no effect, and what comes behind it is understood. */
		feed(s, "\030\033\\\033[2J\033[Hafter");
		assert_string_equal(screen_title(s), "");
		snapshot(s, 0, &b);
		assert_has(&b, "after");
	}
}

static void the_ceiling_of_memory_drops_the_oldest_lines(void **state _unused_)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	_auto_screen_ struct screen *s = NULL;
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);

	options.memory_ceiling = 200000;
	s = screen_new(&options);
	for (int i = 0; i < 20000; i++) {
		char line[100];

		snprintf(line, sizeof(line), "\033[3%dmline %d of many that are longer\033[m\r\n",
			i % 8, i);
		feed(s, line);
		assert_in_range(screen_memory(s), 1, options.memory_ceiling + 40000);
	}
	assert_in_range(screen_scrollback_lines(s), 1000, 9000);
	snapshot(s, SCREEN_ALL_LINES, &b);
	assert_has(&b, "line 19999 of");
	assert_has(&b, "line 19000 of");
}

static void ten_thousand_typical_lines_take_less_than_a_mebibyte(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 10000);
	size_t before = screen_memory(s);

	assert_in_range(before, 1, 20000);
	for (int i = 0; i < 10100; i++) {
		char line[120];

		snprintf(line, sizeof(line),
			"%6d \033[1;3%dmfile%d.c\033[0m  a typical line of sixty to eighty\r\n", i,
			i % 8, i);
		feed(s, line);
	}
	assert_int_equal(screen_scrollback_lines(s), 10000);
	assert_in_range(screen_memory(s) - before, 1, 1 << 20);
}

static void a_snapshot_without_scrollback_stays_small(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 10000);
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);

	for (int i = 0; i < 100 * 80; i++) {
		char cell[64];

		snprintf(cell, sizeof(cell), "\033[38;2;%d;%d;%dm\033[48;5;%dm#", i % 256,
			i * 7 % 256, i * 13 % 256, i % 256);
		feed(s, cell);
	}
	snapshot(s, 0, &b);
	assert_in_range(b.len, 1, 65536);
}

static void attributes_without_end_are_forgotten_again(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(10, 40, 0);
	char cell[96];

	for (int i = 0; i < 300000; i++) {
		snprintf(cell, sizeof(cell),
			"\033[38;2;%d;%d;%dme\xcc\x81\xcc\x82\033]8;;http://x/%d\033\\", i & 255,
			i >> 8 & 255, i >> 16, i);
		feed(s, cell);
	}
	assert_in_range(screen_memory(s), 1, 400000);
}

/* More than there are numbers for attributes, and for what is shown. */
static void the_scrollback_keeps_its_own_attributes(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(5, 50, 6000);
	_auto_buf_ struct buf b = BUF_INIT(16u << 20);
	char text[64];

	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "\033[38;2;%d;%d;%dmx%s", i & 255, i >> 8 & 255,
			i >> 16, i % 40 ? "" : "\r\n");
		feed(s, text);
	}
	for (int turn = 0; turn < 2; turn++) {
		snapshot(s, SCREEN_ALL_LINES, &b);
		for (int i = 1; i < 100000; i += 997) {
			snprintf(text, sizeof(text), "\033[0;38;2;%d;%d;%dmx", i & 255,
				i >> 8 & 255, i >> 16);
			assert_has(&b, text);
		}
		assert_in_range(screen_memory(s), 1, 2000000);
		assert_int_equal(screen_resize(s, 5, 31), 0);
		assert_int_equal(screen_resize(s, 5, 50), 0);
	}
}

static void numbers_out_of_every_range_change_nothing_else(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(3, 5, 10);
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);
	static const char finals[] = "@ABCDEFGHIJKLMPSTXZ`abdefgrm";
	char sequence[64];

	for (size_t i = 0; i < sizeof(finals) - 1; i++) {
		snprintf(sequence, sizeof(sequence), "x\033[99999999999;2147483647;4294967296%c",
			finals[i]);
		feed(s, sequence);
	}
	feed(s, "\033[c\033c\033[2;2Hok");
	snapshot(s, 0, &b);
	assert_has(&b, "ok");
}

static void sizes_are_brought_inside_of_the_limits(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(0, 0, 10);

	assert_int_equal(screen_rows(s), SCREEN_MIN_ROWS);
	assert_int_equal(screen_cols(s), SCREEN_MIN_COLS);
	assert_int_equal(screen_resize(s, 100000, 100000), 0);
	assert_int_equal(screen_rows(s), SCREEN_MAX_ROWS);
	assert_int_equal(screen_cols(s), SCREEN_MAX_COLS);
	feed(s, "\033[3g\033[9999;9999H\033H\twide\r\n\t\033[20Iend");
	assert_int_equal(screen_resize(s, 1, 1), 0);
	assert_int_equal(screen_resize(s, 24, 80), 0);
}

static void the_title_is_cut_between_characters(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(3, 5, 10);

	feed(s, "\033]0;short\a");
	assert_string_equal(screen_title(s), "short");
	assert_int_equal(screen_title_changes(s), 1);
	feed(s, "\033]2;");
	for (int i = 0; i < 1000; i++)
		feed(s, "\xe6\xbc\xa2");
	feed(s, "\a");
	assert_int_equal(strlen(screen_title(s)), SCREEN_TITLE_MAX / 3 * 3);
	assert_int_equal(screen_title_changes(s), 2);
}

static void bells_are_counted_but_not_those_that_end_a_title(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(3, 5, 10);

	feed(s, "\a\a\033]0;x\a");
	assert_int_equal(screen_bells(s), 2);
}

static void the_alternate_screen_costs_nothing_once_left(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 10);
	size_t before = screen_memory(s);

	feed(s, "\033[?1049hfull");
	assert_true(screen_is_alternate(s));
	assert_true(screen_memory(s) > before);
	feed(s, "\033[?1049l");
	assert_false(screen_is_alternate(s));
	/* But for the room to remember a sequence in. */
	assert_in_range(screen_memory(s), before, before + 256);
}

static void a_buffer_that_is_too_small_is_left_as_it_was(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 10);
	_auto_buf_ struct buf b = BUF_INIT(20);
	struct screen_snapshot_options options = { 0 };

	feed(s, "text");
	buf_add_str(&b, "before");
	assert_int_equal(screen_snapshot(s, &b, &options), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(b.len, 6);
}

static void a_repeat_of_a_milliard_ends(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 100);

	for (int i = 0; i < 10; i++)
		feed(s, "x\033[2147483647b");
	assert_int_equal(screen_scrollback_lines(s), 100);
}

/* As if the character had been sent so often; only the scrollback may be shorter. */
static void a_long_repeat_leaves_the_screen_that_the_characters_would(void **state _unused_)
{
	static const char *const letters[] = { "x", "\xc3\xa9", "\xe6\xbc\xa2" };
	static const char *const before[] = { "", "\033[3;5r\033[4;3H", "\033[3;5r\033[8;3H",
		"\033[?7l", "\033[4h" };
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX), wanted = BUF_INIT(SNAPSHOT_MAX);
	static const int counts[] = { 1, 100, 143, 144, 145, 1003, 4099 };

	for (size_t i = 0; i < ARRAY_SIZE(letters) * ARRAY_SIZE(before) * ARRAY_SIZE(counts); i++) {
		const char *letter = letters[i % ARRAY_SIZE(letters)];
		const char *begin = before[i / ARRAY_SIZE(letters) % ARRAY_SIZE(before)];
		int n = counts[i / ARRAY_SIZE(letters) / ARRAY_SIZE(before)];
		_auto_screen_ struct screen *s = make(8, 17, 0), *other = make(8, 17, 0);
		char repeat[32];

		feed(s, begin);
		feed(other, begin);
		snprintf(repeat, sizeof(repeat), "%s\033[%db", letter, n);
		feed(s, repeat);
		for (int k = 0; k <= n; k++)
			feed(other, letter);
		feed(other, "\033[m");
		snapshot(s, 0, &b);
		snapshot(other, 0, &wanted);
		assert_string_equal(b.data, wanted.data);
	}
}

static void a_repeat_of_characters_of_many_codes_is_no_more_work_than_a_screen(
	void **state _unused_)
{
	_auto_screen_ struct screen *s = make(24, 80, 10000);

	feed(s, "e\xcc\x81\xcc\x82\xcc\x83\033[2147483647b");
	assert_int_equal(screen_scrollback_lines(s), 0);
	feed(s, "\033[H\xe6\xbc\xa2\033[2147483647b");
	assert_in_range(screen_scrollback_lines(s), 1, 3);
}

static double processor_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for one of `text`, the least of a few measurements. */
static double cost(unsigned int rows, unsigned int cols, const char *text)
{
	_auto_screen_ struct screen *s = make(rows, cols, 100);
	double least = 1e9;

	for (int turn = 0; turn < 5; turn++) {
		double start = processor_time(), took;

		for (int i = 0; i < 20; i++)
			feed(s, text);
		took = (processor_time() - start) / 20;
		least = MD_MIN(least, took);
	}
	return least;
}

/* However great its numbers. Wide margins: what isn't bounded costs hundreds of times more. */
static void no_sequence_costs_much_more_than_to_colour_the_screen(void **state _unused_)
{
	static const struct {
		unsigned int rows, cols;
		const char *text;
	} sequences[] = {
		{ 24, 80, "\033[H\033[2147483647I" },
		{ 24, 80, "\033[999G\033[2147483647Z" },
		{ 500, 1000,
			"e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87\033["
			"2147483647b" },
		{ 500, 1000, "\xe6\xbc\xa2\033[2147483647b" },
		{ 500, 1000, "x\033[2147483647b" },
		{ 500, 1000, "\033[H\033[2147483647L" },
		{ 500, 1000, "\033[H\033[2147483647M" },
		{ 500, 1000, "\033[2147483647S" },
		{ 500, 1000, "\033[250T" },
		{ 500, 1000, "\033[2147483647@" },
		{ 500, 1000, "\033[2147483647P" },
		{ 500, 1000, "\033[2147483647X" },
		{ 500, 1000, "\033#8" },
		{ 500, 1000, "\033[?47h\033[?47l" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		unsigned int rows = sequences[i].rows, cols = sequences[i].cols;
		double colour = cost(rows, cols, "\033[41m\033[2J\033[m"),
		       took = cost(rows, cols, sequences[i].text);

		if (took > 6 * colour + 5e-6)
			fail_msg("ESC%s costs %.0f us, to colour the screen %.0f",
				sequences[i].text + 1, took * 1e6, colour * 1e6);
	}
}

/* As many as there are numbers for them, and all of them shown. */
static void new_colours_are_drawn_again_when_the_old_ones_are_gone(void **state _unused_)
{
	_auto_screen_ struct screen *s = make(300, 250, 0);
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);
	char cell[64];

	for (int i = 0; i < 70000; i++) {
		snprintf(
			cell, sizeof(cell), "\033[48;2;%d;%d;%dmx", i & 255, i >> 8 & 255, i >> 16);
		feed(s, cell);
	}
	feed(s, "\033[m\033[2J\033[H");
	for (int i = 0; i < 1000; i++) {
		snprintf(cell, sizeof(cell), "\033[48;2;7;%d;%dmx", i & 255, i >> 8 & 255);
		feed(s, cell);
	}
	snapshot(s, 0, &b);
	assert_has(&b, "48;2;7;188;2m");
}

/* 160,000 cells, of which each could point to a link of 8 KB. */
static void links_of_a_full_screen_stay_below_the_ceiling(void **state _unused_)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX), link = BUF_INIT(SNAPSHOT_MAX);
	_auto_screen_ struct screen *s = NULL;
	char address[8001] = "";

	options.rows = options.cols = 400;
	options.memory_ceiling = 8 << 20;
	s = screen_new(&options);
	memset(address, 'u', sizeof(address) - 1);
	for (int i = 0; i < 3000; i++) {
		buf_reset(&link);
		buf_addf(&link, "\033]8;;%d%s\033\\x", i, address);
		feed(s, link.data);
	}
	assert_in_range(screen_memory(s), 1, options.memory_ceiling);
	feed(s, "\033[2J\033[H\033]8;;first\033\\x\033]8;;second\033\\y");
	snapshot(s, 0, &b);
	assert_non_null(strstr(b.data, ";second\033\\y"));
}

/* A line of 2 MB, two hundred columns wide, in the narrowest rows: a million of them, of which ten thousand are kept. */
static void a_wide_line_made_narrow_costs_no_more_than_what_is_kept(void **state _unused_)
{
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);
	_auto_screen_ struct screen *s = make(24, 200, 10000);
	struct rusage before, after;
	char text[10001] = "";

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 200; i++)
		feed(s, text);
	feed(s, "last\r\n");
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(screen_resize(s, 24, 2), 0);
	getrusage(RUSAGE_SELF, &after);
#ifndef __SANITIZE_ADDRESS__ /* keeps for a while what was freed */
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 64 << 10);
#endif
	assert_int_equal(screen_scrollback_lines(s), 10000);
	snapshot(s, SCREEN_ALL_LINES, &b);
	assert_non_null(strstr(b.data, "xxlast"));

	/* And back, into much wider ones: a few rows, not ten thousand. */
	assert_int_equal(screen_resize(s, 24, 2000), 0);
	getrusage(RUSAGE_SELF, &after);
#ifndef __SANITIZE_ADDRESS__
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 64 << 10);
#endif
	buf_reset(&b);
	snapshot(s, SCREEN_ALL_LINES, &b);
	assert_non_null(strstr(b.data, "xxlast"));
}

static void history_gives_lines_back_in_order(void **state _unused_)
{
	struct history h = { 0 };
	struct history_line line;
	struct history_cursor c;
	unsigned int n;

	for (n = 0; n < 5000; n++) {
		size_t len = n % 300;
		unsigned char *body = history_add(&h, len, n % 3 == 0);

		assert_non_null(body);
		memset(body, (int)(n % 251), len);
	}
	for (n = 0; n < 1234; n++)
		history_drop_first(&h);
	history_end_wrap(&h, 2);
	c = history_start(&h);
	for (; history_next(&c, &line); n++) {
		assert_int_equal(line.len, n % 300);
		assert_int_equal(line.wrapped, n % 3 == 0 && n != 1236);
		if (line.len)
			assert_int_equal(line.body[line.len - 1], n % 251);
	}
	assert_int_equal(n, 5000);
	history_done(&h);
}

static void interned_numbers_survive_a_collection(void **state _unused_)
{
	struct intern t;
	uint32_t a, b;

	intern_init(&t, 10, SIZE_MAX);
	a = intern_add(&t, "a", 1);
	b = intern_add(&t, "bb", 2);
	assert_int_equal(intern_add(&t, "a", 1), a);
	for (char c = '0'; c < '8'; c++)
		assert_int_not_equal(intern_add(&t, &c, 1), 0);
	assert_int_equal(intern_add(&t, "none left", 9), 0);
	intern_unmark(&t);
	intern_mark(&t, b);
	intern_sweep(&t);
	assert_int_equal(intern_add(&t, "bb", 2), b);
	assert_int_equal(intern_add(&t, "new", 3), a);
	intern_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_begins_with_a_full_reset_and_shows_the_text),
		cmocka_unit_test(a_sequence_that_has_only_begun_ends_the_snapshot),
		cmocka_unit_test(a_sequence_without_end_costs_no_more_than_its_ceiling),
		cmocka_unit_test(the_ceiling_of_memory_drops_the_oldest_lines),
		cmocka_unit_test(ten_thousand_typical_lines_take_less_than_a_mebibyte),
		cmocka_unit_test(a_snapshot_without_scrollback_stays_small),
		cmocka_unit_test(attributes_without_end_are_forgotten_again),
		cmocka_unit_test(the_scrollback_keeps_its_own_attributes),
		cmocka_unit_test(numbers_out_of_every_range_change_nothing_else),
		cmocka_unit_test(sizes_are_brought_inside_of_the_limits),
		cmocka_unit_test(the_title_is_cut_between_characters),
		cmocka_unit_test(bells_are_counted_but_not_those_that_end_a_title),
		cmocka_unit_test(the_alternate_screen_costs_nothing_once_left),
		cmocka_unit_test(a_buffer_that_is_too_small_is_left_as_it_was),
		cmocka_unit_test(a_repeat_of_a_milliard_ends),
		cmocka_unit_test(a_long_repeat_leaves_the_screen_that_the_characters_would),
		cmocka_unit_test(
			a_repeat_of_characters_of_many_codes_is_no_more_work_than_a_screen),
		cmocka_unit_test(no_sequence_costs_much_more_than_to_colour_the_screen),
		cmocka_unit_test(new_colours_are_drawn_again_when_the_old_ones_are_gone),
		cmocka_unit_test(links_of_a_full_screen_stay_below_the_ceiling),
		cmocka_unit_test(a_wide_line_made_narrow_costs_no_more_than_what_is_kept),
		cmocka_unit_test(history_gives_lines_back_in_order),
		cmocka_unit_test(interned_numbers_survive_a_collection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
