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

static void measure_feed(size_t kind)
{
	_auto_screen_ struct screen *s = new_screen();
	_auto_buf_ struct buf b = BUF_INIT(BUFFER_MAX);
	size_t total = 0;
	double start;

	fill(&b, kinds[kind].line);
	start = seconds();
	while (total < TOTAL && (total < (4u << 20) || seconds() - start < 1)) {
		/* As the kernel hands it out. */
		for (size_t at = 0; at < b.len; at += 4096)
			screen_feed(s, b.data + at, b.len - at < 4096 ? b.len - at : 4096);
		total += b.len;
	}
	printf("feed, %s: %.0f MB/s\n", kinds[kind].name,
		(double)total / 1e6 / (seconds() - start));
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
	measure_idle();
	measure_full_screen();
	measure_scrollback(line_plain, "lines of text");
	measure_scrollback(line_coloured, "coloured lines");
	return 0;
}
