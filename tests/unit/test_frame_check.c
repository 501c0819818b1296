/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/mem.h"
#include "server/frame_check.h"

#define MASK "\1\2\3\4"
#define TEN  "0123456789"

struct sample {
	const char *bytes;
	size_t len, wrong_at;
};
#define GOOD(text)                                                                                 \
	{                                                                                          \
		(text), sizeof(text) - 1, SIZE_MAX                                                 \
	}
#define BAD(text, at)                                                                              \
	{                                                                                          \
		(text), sizeof(text) - 1, (at)                                                     \
	}

/* clang-format off */
static const struct sample samples[] = {
	GOOD("\x82\x80" MASK), GOOD("\x82\x8a" MASK TEN), GOOD("\x81\x80" MASK "\x88\x80" MASK),
	GOOD("\x89\x8a" MASK TEN "\x8a\x80" MASK),
	GOOD("\x02\x80" MASK "\x89\x80" MASK "\x00\x80" MASK "\x80\x80" MASK "\x82\x80" MASK),
	GOOD("\x82\xfe\x00\x7e" MASK), GOOD("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00" MASK),
	BAD("\x82\x00", 1), BAD("\x82\x0a" TEN, 1), BAD("\x89\x00", 1), BAD("\x88\x02", 1),
	BAD("\x82\x8a" MASK TEN "\x82\x0a", 17), BAD("\x82\x7e\x00\x7e", 1),
	BAD("\xc2\x80", 0), BAD("\xa2\x80", 0), BAD("\x92\x80", 0),
	BAD("\x83\x80", 0), BAD("\x87\x80", 0), BAD("\x8b\x80", 0), BAD("\x8f\x80", 0),
	BAD("\x09\x80", 0), BAD("\x08\x80", 0), BAD("\x89\xfe", 1), BAD("\x88\xff", 1),
	BAD("\x80\x80", 0), BAD("\x00\x80", 0), BAD("\x02\x80" MASK "\x82", 6), BAD("\x02\x80" MASK "\x01", 6),
	BAD("\x82\xfe\x00\x7d", 3), BAD("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 9), BAD("\x82\xff\x80", 2),
};
/* clang-format on */

static void whole_and_byte_by_byte_the_same_byte_is_wrong(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		const uint8_t *bytes = (const uint8_t *)s->bytes;
		struct frame_check whole = { 0 }, piece = { 0 };
		size_t at = 0;

		assert_int_equal(frame_check_feed(&whole, bytes, s->len), s->wrong_at);
		assert_int_equal(whole.wrong != NULL, s->wrong_at != SIZE_MAX);
		while (at < s->len && frame_check_feed(&piece, bytes + at, 1) == SIZE_MAX)
			at++;
		assert_int_equal(at == s->len ? SIZE_MAX : at, s->wrong_at);
	}
}

static void payloads_are_not_looked_at(void **state _unused_)
{
	static const uint8_t head[] = { 0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4 };
	static uint8_t part[1 << 16];
	struct frame_check f = { 0 };

	assert_int_equal(frame_check_feed(&f, head, sizeof(head)), SIZE_MAX);
	memset(part, 0xff, sizeof(part));
	for (uint64_t left = 1ULL << 32; left; left -= sizeof(part))
		assert_int_equal(frame_check_feed(&f, part, sizeof(part)), SIZE_MAX);
	assert_int_equal(frame_check_feed(&f, part, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_byte_by_byte_the_same_byte_is_wrong),
		cmocka_unit_test(payloads_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
