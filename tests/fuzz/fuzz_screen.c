/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program writes to its terminal. Besides not falling over: the same bytes in one piece and one by one lead to the
 * same snapshot, and a snapshot is understood by the state that wrote it: fed to a fresh one it gives itself again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "screen/screen.h"

#define SNAPSHOT_MAX (64u << 20)

static struct screen *make(void)
{
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;

	options.rows = 6;
	options.cols = 20;
	options.scrollback = 50;
	return screen_new(&options);
}

static void take_snapshot(struct screen *s, struct buf *b)
{
	static const struct screen_snapshot_options all = { .scrollback = SCREEN_ALL_LINES };

	if (screen_snapshot(s, b, &all) == -1)
		abort();
}

/* From a block that ends where the bytes do, so that a sanitizer sees each byte read beyond. */
static void feed_exactly(struct screen *s, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	screen_feed(s, copy, len);
	free(copy);
}

/* A byte in the data gives the sizes: the stream is cut in two, with another size from there on. */
static void feed(struct screen *s, const uint8_t *data, size_t len, size_t piece)
{
	size_t middle = len / 2;

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (at < middle && at + n > middle)
			n = middle - at;
		feed_exactly(s, data + at, n);
		if (at + n == middle && data[0] % 4 == 0)
			screen_resize(s, 1 + data[0] % 9, 2 + data[0] % 50);
		at = at + n - piece;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_auto_screen_ struct screen *whole = make(), *bytewise = make();
	_auto_buf_ struct buf a = BUF_INIT(SNAPSHOT_MAX), b = BUF_INIT(SNAPSHOT_MAX);

	if (!whole || !bytewise || !len)
		return 0;
	feed(whole, data, len, len);
	feed(bytewise, data, len, 1);
	take_snapshot(whole, &a);
	take_snapshot(bytewise, &b);
	if (a.len != b.len || memcmp(a.data, b.data, a.len))
		abort();
	screen_feed(bytewise, a.data, a.len);
	screen_resize(bytewise, 3, 7);
	screen_resize(bytewise, 9, 90);
	buf_reset(&b);
	take_snapshot(bytewise, &b);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"a\r\nb\r\n\r\nand one that is "
		"longer\r\nc\r\nd\r\ne\r\nf\r\ng\r\n1234567\r\n12345678\r\n123456789\r\n",
		"line one\r\nline "
		"two\r\nthree\r\nfour\r\nfive\r\nsix\r\nseven\r\neight\r\nnine\r\nten\r\n",
		"\033[1;38;2;1;2;3mcolour\033[0;4:3;58;5;9mcurly\033[m "
		"\033]8;id=a;http://x/\033\\link\033]8;;\033\\\a",
		"\033[?1049h\033[2;4r\033[?6h\033[2J\033[3;5Hword\033[2L\033[P\033[4@\033[?"
		"1049l\0337\0338",
		"\346\274\242\345\255\227 e\314\201 \360\237\231\202\360\237\217\275 wide "
		"\343\201\213 and so on, to the edge and over it",
		"\033(0lqqk\033(B\016\017\033[3g\033H\t\033[20h\033[4hinsert\033[4l\033[5b\033#"
		"8\033[!p",
		"\033]0;title\a\033]4;1;rgb:ff/00/"
		"00\033\\\033]11;#123\033\\\033]104\033\\\033P1$r0m\033\\\033_x\033\\",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
