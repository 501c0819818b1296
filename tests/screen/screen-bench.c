/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen-bench - what the terminal state costs: bytes a second of processor time by kind of output, the memory of typical
 * terminals, and the size and time of their snapshots. One line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screen/screen.h"

#define PIECE      65536
#define TOTAL      (256u << 20)
#define BUFFER_MAX (64u << 20)

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct screen *new_screen(void)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	struct screen *s = screen_new(&options);

	if (!s)
		abort();
	return s;
}

/* Fills `b` with one line after another until it is a piece long. */
static void fill(struct buf *b, void (*line)(struct buf *b, unsigned int n))
{
	for (unsigned int n = 0; b->len < PIECE; n++)
		line(b, n);
}

static void line_yes(struct buf *b, unsigned int n _unused_)
{
	buf_add_str(b, "y\r\n");
}

static void line_plain(struct buf *b, unsigned int n)
{
	buf_addf(b, "%6u drwxr-xr-x 2 root root 4096 a typical line of text, sixty to eighty\r\n",
		n);
}

static void line_long(struct buf *b, unsigned int n _unused_)
{
	for (int i = 0; i < 40; i++)
		buf_add_str(b, "base64ish+text/without/an/end0123456789");
}

static void line_coloured(struct buf *b, unsigned int n)
{
	buf_addf(b, "\033[0m\033[01;3%um%s\033[0m  \033[38;5;%um%u\033[0m some more text\r\n",
		n % 8, "directory", n % 256, n);
}

static void line_unicode(struct buf *b, unsigned int n)
{
	buf_addf(b, "│ %u ├── naïve → 漢字 かな ✓ ░░░░░░░░\r\n", n);
}

static void line_cursor(struct buf *b, unsigned int n)
{
	buf_addf(b, "\033[%u;%uH%u%%\033[K", n % 24 + 1, n % 60 + 1, n % 100);
}

static const struct {
	const char *name;
	void (*line)(struct buf *b, unsigned int n);
} kinds[] = {
	{ "yes", line_yes },
	{ "lines of text", line_plain },
	{ "one endless line", line_long },
	{ "coloured lines", line_coloured },
	{ "lines, wide and accents", line_unicode },
	{ "cursor addressing", line_cursor },
};

/* As the kernel hands it out. */
static void feed_pieces(struct screen *s, const struct buf *b)
{
	for (size_t at = 0; at < b->len; at += 4096)
		screen_feed(s, b->data + at, MD_MIN(b->len - at, (size_t)4096));
}

static void measure_feed(size_t kind)
{
	_auto_screen_ struct screen *s = new_screen();
	_auto_buf_ struct buf b = BUF_INIT(BUFFER_MAX);
	size_t total = 0;
	double start;

	fill(&b, kinds[kind].line);
	start = seconds();
	while (total < TOTAL && (total < (4u << 20) || seconds() - start < 1)) {
		feed_pieces(s, &b);
		total += b.len;
	}
	printf("feed, %s: %.0f MB/s\n", kinds[kind].name,
		(double)total / 1e6 / (seconds() - start));
}

/*
 * What a hostile program can send: `setup` once, then `text` over and over. `#` in it is a number that is another one each
 * time.
 */
static const struct {
	const char *name, *setup, *text;
} hostile[] = {
	{ "plain text", "",
		"drwxr-xr-x 2 root root 4096 a typical line of text, sixty to eighty\r\n" },
	{ "repeat", "", "x\033[65536b" },
	{ "repeat a cluster", "",
		"e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030d"
		"\u030e\033[65536b" },
	{ "repeat a wide character", "", "\u6f22\033[65536b" },
	{ "insert lines", "", "\033[H\033[99999L" },
	{ "delete half of the lines", "", "\033[H\033[12M" },
	{ "delete half of 500 lines", "", "\033[H\033[250M" },
	{ "scroll up", "", "\033[99999S" },
	{ "scroll down", "", "\033[99999T" },
	{ "scroll up, coloured", "\033[41m", "\033[99999S" },
	{ "reverse index", "\033[H", "\033M" },
	{ "line feeds in a region", "\033[2;1000r\033[1000H", "\n" },
	{ "coloured line feeds", "\033[41m\033[1000H", "\n" },
	{ "insert characters", "\033#8", "\033[99999@" },
	{ "insert one character", "\033#8", "\033[@" },
	{ "insert columns", "\033#8", "\033['}" },
	{ "insert mode", "\033#8\033[4h\033[?7l", "x\r" },
	{ "erase characters", "\033[41m", "\033[99999X" },
	{ "erase the display, coloured", "\033[41m", "\033[2J" },
	{ "erase what isn't protected", "\033[1\"q\033#8", "\033[?2J" },
	{ "erase the scrollback", "", "\n\033[3J" },
	{ "fill with E", "", "\033#8" },
	{ "alternate screen", "", "\033[?47h\033[?47l" },
	{ "reset", "", "\033c" },
	{ "tabs without stops", "\033[3g", "\r\t" },
	{ "tabs forward", "", "\033[9999I" },
	{ "tabs backward", "", "\033[9999Z" },
	{ "colours", "", "\033[1;2;3;4;5;7;8;9;31;42;38;5;3;48;5;4mx" },
	{ "new colours", "", "\033[48;2;#mx" },
	{ "new colours, not drawn", "", "\033[48;2;#m\033[X" },
	{ "new links", "", "\033]8;;#\033\\x" },
	{ "new clusters", "", "e\u0301\u0302\u0303\u0304\u0305\u0306" },
	{ "one cluster", "e", "\u0301" },
	{ "colours reset", "\033]4;1;rgb:1/2/3\a", "\033]104\a" },
	{ "title", "", "\033]0;x\a" },
	{ "bells", "", "\a" },
	{ "a sequence without end", "\033[", "1;" },
	{ "a title without end", "\033]0;", "xxxxxxxx" },
	{ "a device control string without end", "\033Pq", "xxxxxxxx" },
	{ "unknown sequences", "", "\033[~" },
	{ "modes", "", "\033[?6;6;6;6;6;6;6;6;6;6;6;6h" },
	{ "saved cursors", "", "\0337\0338" },
	{ "cut characters", "", "\xe6\xbc" },
};

static void fill_hostile(struct buf *b, const char *text)
{
	for (unsigned int n = 0; b->len < 16 * PIECE; n++) {
		const char *hole = strchr(text, '#');

		if (hole && hole[-1] != '\033')
			buf_addf(b, "%.*s%u;%u;%u%s", (int)(hole - text), text, n >> 16 & 255,
				n >> 8 & 255, n & 255, hole + 1);
		else
			buf_add_str(b, text);
	}
}

static double hostile_cost(size_t kind, unsigned int rows, unsigned int cols)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	_auto_screen_ struct screen *s = NULL;
	_auto_buf_ struct buf b = BUF_INIT(BUFFER_MAX);
	double start;
	size_t at = 0;

	options.rows = rows;
	options.cols = cols;
	s = screen_new(&options);
	if (!s)
		abort();
	fill_hostile(&b, hostile[kind].text);
	screen_feed(s, hostile[kind].setup, strlen(hostile[kind].setup));
	start = seconds();
	while (at < b.len && seconds() - start < 0.2) {
		size_t n = MD_MIN(b.len - at, (size_t)256);

		screen_feed(s, b.data + at, n);
		at += n;
	}
	return (seconds() - start) * 1e9 / (double)at;
}

/* Nanoseconds a byte, on the usual screen and on the greatest that a terminal can have. */
static void measure_hostile(size_t kind)
{
	printf("hostile, %s: %.1f ns a byte, of 500x1000 %.1f\n", hostile[kind].name,
		hostile_cost(kind, 24, 80), hostile_cost(kind, 500, 1000));
}

static void measure_snapshot(struct screen *s, const char *name, uint32_t scrollback)
{
	struct screen_snapshot_options options = { .scrollback = scrollback };
	_auto_buf_ struct buf b = BUF_INIT(BUFFER_MAX);
	double start = seconds(), end;
	int rounds = 0;

	do {
		buf_reset(&b);
		if (screen_snapshot(s, &b, &options) == -1)
			abort();
		rounds++;
		end = seconds();
	} while (end - start < 0.2);
	printf("snapshot, %s: %zu bytes in %.3f ms\n", name, b.len, (end - start) * 1e3 / rounds);
}

static void measure_idle(void)
{
	_auto_screen_ struct screen *s = new_screen();

	screen_feed(s, "prompt$ ", 8);
	printf("memory, idle 80x24: %zu bytes\n", screen_memory(s));
	measure_snapshot(s, "idle 80x24", 0);
}

static void measure_full_screen(void)
{
	_auto_screen_ struct screen *s = new_screen();

	for (unsigned int i = 0; i < 24 * 80; i++) {
		char cell[64];
		int len = snprintf(cell, sizeof(cell), "\033[38;2;%u;%u;%um\033[48;5;%um#", i % 256,
			i * 7 % 256, i * 13 % 256, i % 256);

		screen_feed(s, cell, (size_t)len);
	}
	measure_snapshot(s, "80x24, another colour in every cell", 0);
}

static void measure_scrollback(void (*line)(struct buf *b, unsigned int n), const char *name)
{
	_auto_screen_ struct screen *s = new_screen();
	_auto_buf_ struct buf b = BUF_INIT(BUFFER_MAX);
	size_t before = screen_memory(s);
	double start;

	for (unsigned int n = 0; n < 10100; n++)
		line(&b, n);
	screen_feed(s, b.data, b.len);
	printf("memory, %u %s: %zu bytes\n", screen_scrollback_lines(s), name,
		screen_memory(s) - before);
	measure_snapshot(s, name, SCREEN_ALL_LINES);
	start = seconds();
	screen_resize(s, 24, 60);
	screen_resize(s, 24, 80);
	printf("resize, %s: %.2f ms\n", name, (seconds() - start) * 1e3 / 2);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		measure_feed(i);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		measure_hostile(i);
	measure_idle();
	measure_full_screen();
	measure_scrollback(line_plain, "lines of text");
	measure_scrollback(line_coloured, "coloured lines");
	return 0;
}
