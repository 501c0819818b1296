/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen-driver - the terminal state for the proof: reads commands on stdin, answers on stdout.
 *
 * A command is a letter and a 32-bit length (of the machine's order) of what follows:
 *	n  rows, cols, scrollback, widths (32 bits each): a new screen
 *	f  bytes: feed        r  rows, cols: resize        s  scrollback: snapshot
 *	i  nothing: facts     w  widths: those of all code points, a byte each
 * s, i and w are answered with a 32-bit length and as many bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen/screen.h"
#include "screen/text.h"

#define COMMAND_MAX  (64u << 20)
#define SNAPSHOT_MAX (256u << 20)

static void answer(const void *data, size_t len)
{
	uint32_t len32 = (uint32_t)len;

	fwrite(&len32, sizeof(len32), 1, stdout);
	fwrite(data, 1, len, stdout);
	fflush(stdout);
}

static void fail(const char *what)
{
	fprintf(stderr, "screen-driver: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void answer_snapshot(struct screen *s, uint32_t scrollback)
{
	_auto_buf_ struct buf b = BUF_INIT(SNAPSHOT_MAX);
	struct screen_snapshot_options options = { .scrollback = scrollback };

	if (screen_snapshot(s, &b, &options) == -1)
		fail("snapshot");
	answer(b.data, b.len);
}

static void answer_facts(const struct screen *s)
{
	_auto_buf_ struct buf b = BUF_INIT(65536);

	buf_addf(&b, "%zu %u %lu %d %d %s", screen_memory(s), screen_scrollback_lines(s),
		screen_bells(s), screen_is_alternate(s), screen_is_mid_sequence(s),
		screen_title(s));
	answer(buf_str(&b), b.len);
}

#define CODE_POINTS 0x110000u

static void answer_widths(enum screen_widths table)
{
	unsigned char *widths = malloc(CODE_POINTS);

	if (!widths)
		fail("widths");
	for (uint32_t code = 0; code < CODE_POINTS; code++)
		widths[code] = (unsigned char)text_width(table, code);
	answer(widths, CODE_POINTS);
	free(widths);
}

static struct screen *make(const uint32_t *numbers)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;
	struct screen *s;

	options.rows = numbers[0];
	options.cols = numbers[1];
	options.scrollback = numbers[2];
	options.widths = numbers[3] ? SCREEN_WIDTHS_UNICODE6 : SCREEN_WIDTHS_UNICODE11;
	s = screen_new(&options);
	if (!s)
		fail("new");
	return s;
}

static void run(struct screen **s, char command, char *data, size_t len)
{
	uint32_t numbers[4] = { 0 };

	if (command != 'f')
		memcpy(numbers, data, len < sizeof(numbers) ? len : sizeof(numbers));
	switch (command) {
	case 'n':
		screen_free(*s);
		*s = make(numbers);
		break;
	case 'f':
		screen_feed(*s, data, len);
		break;
	case 'r':
		if (screen_resize(*s, numbers[0], numbers[1]) == -1)
			fail("resize");
		break;
	case 's':
		answer_snapshot(*s, numbers[0]);
		break;
	case 'i':
		answer_facts(*s);
		break;
	case 'w':
		answer_widths(numbers[0] ? SCREEN_WIDTHS_UNICODE6 : SCREEN_WIDTHS_UNICODE11);
		break;
	default:
		errno = EINVAL;
		fail("command");
	}
}

int main(void)
{
	struct screen *s = NULL;
	int command;

	while ((command = getchar()) != EOF) {
		uint32_t len;
		char *data;

		if (fread(&len, sizeof(len), 1, stdin) != 1 || len > COMMAND_MAX)
			fail("length");
		/* Exactly as long as what is in it, so that a sanitizer sees each byte read beyond. */
		data = malloc(len ? len : 1);
		if (!data || fread(data, 1, len, stdin) != len)
			fail("data");
		run(&s, (char)command, data, len);
		free(data);
	}
	screen_free(s);
	return 0;
}
