/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/shim_wire.h"

static void bytes_stand_on_the_wire_as_the_header_says(void **state _unused_)
{
	static const uint8_t expected[] = { 4, 0, 4, 0, 7, 0, 0, 0, 24, 0, 80, 0 };
	struct shim_msg m = { .type = SHIM_RESIZE, .serial = 7, .resize = { 24, 80 } };
	uint8_t packet[64];

	assert_int_equal(shim_encode(&m, packet, sizeof(packet)), sizeof(expected));
	assert_memory_equal(packet, expected, sizeof(expected));
}

static void every_type_comes_back_as_it_was_sent(void **state _unused_)
{
	static const char strings[] = "a\0bb\0\0d";

	for (uint16_t type = 0; type < 100; type++) {
		uint8_t packet[256], again[256];
		struct shim_msg m = { .type = type, .serial = 0x01020304 }, back;
		size_t tail;
		ssize_t len;

		if (strcmp(shim_type_name(type), "?") == 0) {
			assert_int_equal(shim_encode(&m, packet, sizeof(packet)), -1);
			continue;
		}
		memset(&m.hello, 0x5a, sizeof(struct shim_terminal));
		if (type == SHIM_NEW_TERMINAL)
			m.new_terminal.argc = m.new_terminal.envc = 0;
		if (type == SHIM_PRESENCE)
			m.presence.count = 2;
		m.tail = strings;
		m.tail_len = sizeof(strings);
		len = shim_encode(&m, packet, sizeof(packet));
		assert_true(len > 0);
		tail = sizeof(strings);
		if (shim_decode(packet, (size_t)len, &back) < 0) { /* a type without a tail */
			tail = 0;
			len -= (ssize_t)sizeof(strings);
			assert_int_equal(shim_decode(packet, (size_t)len, &back), 0);
		}
		assert_int_equal(back.serial, m.serial);
		assert_int_equal(back.tail_len, tail);
		assert_int_equal(shim_encode(&back, again, sizeof(again)), len);
		assert_memory_equal(packet, again, (size_t)len);
	}
}

static void a_longer_message_of_a_newer_sender_is_taken(void **state _unused_)
{
	static const uint8_t packet[] = { 3, 0, 2, 0, 1, 0, 0, 0, 0xee, 0xee, 'h', 'i' };
	struct shim_msg m;

	assert_int_equal(shim_decode(packet, sizeof(packet), &m), 0);
	assert_int_equal(m.type, SHIM_INPUT);
	assert_int_equal(m.tail_len, 2);
	assert_memory_equal(m.tail, "hi", 2);
}

static void malformed_messages_are_refused(void **state _unused_)
{
	static const struct {
		const char *why;
		size_t len;
		uint8_t packet[32];
		int code;
	} rows[] = {
		{ "empty", 0, { 0 }, EBADMSG },
		{ "half a header", 7, { 6, 0, 0, 0 }, EBADMSG },
		{ "fixed part past the end", 10, { 4, 0, 4, 0 }, EBADMSG },
		{ "fixed part too long", 32, { 4, 0, 249, 0 }, EBADMSG },
		{ "shorter than version 1", 10, { 4, 0, 2, 0 }, EBADMSG },
		{ "a tail where none belongs", 13, { 4, 0, 4, 0 }, EBADMSG },
		{ "a string without its end", 13, { 9, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x' },
			EBADMSG },
		{ "no string", 12, { 9, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0 }, EBADMSG },
		{ "fewer strings than argc", 27, { 7, 0, 16, 0, 0, 0, 0, 0, [20] = 1 }, EBADMSG },
		{ "unknown type", 8, { 0xff, 0xff, 0, 0 }, ENOSYS },
		{ "type 0", 8, { 0 }, ENOSYS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shim_msg m;

		errno = 0;
		if (shim_decode(rows[i].packet, rows[i].len, &m) == 0)
			fail_msg("%s was taken", rows[i].why);
		if (errno != rows[i].code)
			fail_msg("%s: errno %d", rows[i].why, errno);
	}
}

static void a_tail_past_the_limit_is_refused(void **state _unused_)
{
	struct shim_msg m = { .type = SHIM_INPUT, .tail_len = SHIM_MAX_TAIL }, back;
	char *packet = calloc(1, SHIM_MAX_PACKET + 1), *bytes = calloc(1, SHIM_MAX_TAIL + 1);

	m.tail = bytes;
	assert_int_equal(shim_encode(&m, packet, SHIM_MAX_PACKET), SHIM_HEADER + SHIM_MAX_TAIL);
	assert_int_equal(shim_decode(packet, SHIM_HEADER + SHIM_MAX_TAIL, &back), 0);
	assert_int_equal(shim_decode(packet, SHIM_HEADER + SHIM_MAX_TAIL + 1, &back), -1);
	m.tail_len++;
	assert_int_equal(shim_encode(&m, packet, SHIM_MAX_PACKET), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(packet);
	free(bytes);
}

static void strings_are_walked_to_the_end_and_no_further(void **state _unused_)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct shim_msg m = { .type = SHIM_HELLO };
	const char *at = NULL;

	shim_add_string(&tail, "one");
	shim_add_string(&tail, NULL);
	shim_add_string(&tail, "three");
	m.tail = tail.data;
	m.tail_len = tail.len;
	assert_string_equal(shim_next_string(&m, &at), "one");
	assert_string_equal(shim_next_string(&m, &at), "");
	assert_string_equal(shim_next_string(&m, &at), "three");
	assert_null(shim_next_string(&m, &at));
	assert_null(shim_next_string(&m, &at));
	assert_string_equal(shim_string(&m, 2), "three");
	assert_string_equal(shim_string(&m, 3), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_stand_on_the_wire_as_the_header_says),
		cmocka_unit_test(every_type_comes_back_as_it_was_sent),
		cmocka_unit_test(a_longer_message_of_a_newer_sender_is_taken),
		cmocka_unit_test(malformed_messages_are_refused),
		cmocka_unit_test(a_tail_past_the_limit_is_refused),
		cmocka_unit_test(strings_are_walked_to_the_end_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
