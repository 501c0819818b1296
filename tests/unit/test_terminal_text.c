/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>

#include "server/terminal_text.h"

static struct text_message parse(const char *text)
{
	return text_parse(text, strlen(text));
}

static void client_messages_are_read(void **state _unused_)
{
	struct text_message m = parse("{\"type\":\"resize\",\"rows\":24,\"cols\":80}");

	assert_int_equal(m.kind, TEXT_RESIZE);
	assert_int_equal(m.rows, 24);
	assert_int_equal(m.cols, 80);
	m = parse("{\"offset\":9007199254740991,\"type\":\"ack\"}");
	assert_int_equal(m.kind, TEXT_ACK);
	assert_true(m.offset == 9007199254740991u);
	assert_int_equal(parse("{\"type\":\"ping\"}").kind, TEXT_PING);
	assert_int_equal(parse("{\"type\":\"dance\"}").kind, TEXT_UNKNOWN);
}

static void bad_ones_are_told_apart(void **state _unused_)
{
	static const char *const bad[] = { "", "x", "[]", "{}", "{\"type\":1}",
		"{\"type\":\"resize\"}", "{\"type\":\"resize\",\"rows\":0,\"cols\":80}",
		"{\"type\":\"resize\",\"rows\":24,\"cols\":2001}",
		"{\"type\":\"resize\",\"rows\":-1,\"cols\":80}",
		"{\"type\":\"resize\",\"rows\":\"24\",\"cols\":80}", "{\"type\":\"ack\"}",
		"{\"type\":\"ack\",\"offset\":-1}", "{\"type\":\"ack\",\"offset\":1.5}",
		"{\"type\":\"ping\",\"type\":\"ping\"}", "{\"type\":\"ping\"} {}" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i]).kind, TEXT_BAD);
}

static void server_messages_are_what_the_page_reads(void **state _unused_)
{
	_auto_buf_ struct buf out = BUF_INIT(4096);
	struct shim_attached a = {
		.terminal = 3, .flags = SHIM_ATTACHED_READ_ONLY, .rows = 24, .cols = 80
	};
	static const char text[] = "killed";
	struct shim_msg m = { .tail = text, .tail_len = sizeof(text) };

	text_add_hello(&out, &a, 42, -1);
	assert_string_equal(buf_str(&out),
		"{\"type\":\"hello\",\"terminal\":\"3\",\"offset\":42,\"rows\":24,\"cols\":80,"
		"\"read_only\":true,\"recorded\":false,\"may_record\":false,\"created\":false,"
		"\"snapshot\":null,"
		"\"life\":null,\"input\":null,\"input_new\":false}");
	buf_reset(&out);
	a = (struct shim_attached){ .terminal = 3,
		.flags = SHIM_ATTACHED_COUNTED | SHIM_ATTACHED_NEW_INPUT,
		.rows = 24,
		.cols = 80,
		.life = UINT64_MAX,
		.input_taken = 7 };
	text_add_hello(&out, &a, 42, 9);
	assert_string_equal(buf_str(&out),
		"{\"type\":\"hello\",\"terminal\":\"3\",\"offset\":42,\"rows\":24,\"cols\":80,"
		"\"read_only\":false,\"recorded\":false,\"may_record\":false,\"created\":false,"
		"\"snapshot\":9,"
		"\"life\":\"18446744073709551615\",\"input\":7,\"input_new\":true}");
	buf_reset(&out);
	text_add_taken(&out, 12);
	assert_string_equal(buf_str(&out), "{\"type\":\"taken\",\"input\":12}");
	buf_reset(&out);
	text_add_restarted(&out, "anew");
	assert_string_equal(buf_str(&out), "{\"type\":\"exit\",\"code\":null,\"signal\":null,"
					   "\"cause\":\"restarted\",\"reason\":\"anew\"}");
	buf_reset(&out);
	m.exit = (struct shim_exit){ .terminal = 3, .code = 137, .signal = SIGKILL, .reason = 4 };
	text_add_exit(&out, &m);
	assert_string_equal(buf_str(&out), "{\"type\":\"exit\",\"code\":137,\"signal\":\"SIGKILL\","
					   "\"cause\":\"memory\",\"reason\":\"killed\"}");
	buf_reset(&out);
	m.exit = (struct shim_exit){ .code = 0, .reason = 99 };
	text_add_exit(&out, &m);
	assert_non_null(strstr(buf_str(&out), "\"signal\":null,\"cause\":\"ended\""));
	buf_reset(&out);
	m.notice = (struct shim_notice){ .kind = SHIM_NOTICE_RECORDING, .on = 1 };
	text_add_notice(&out, &m);
	assert_string_equal(buf_str(&out), "{\"type\":\"notice\",\"kind\":\"recording\",\"text\":"
					   "\"killed\",\"recorded\":true}");
	buf_reset(&out);
	m.presence = (struct shim_presence){ .terminal = 3, .count = 4 };
	m.tail = "Walice\0rguest\0lroot\0Sroot";
	m.tail_len = sizeof("Walice\0rguest\0lroot\0Sroot");
	text_add_presence(&out, &m);
	assert_string_equal(buf_str(&out), "{\"type\":\"presence\",\"clients\":["
					   "{\"name\":\"alice\",\"read_only\":false,\"self\":true,"
					   "\"admin\":false,\"wall\":false},"
					   "{\"name\":\"guest\",\"read_only\":true,\"self\":false,"
					   "\"admin\":false,\"wall\":false},"
					   "{\"name\":\"root\",\"read_only\":true,\"self\":false,"
					   "\"admin\":true,\"wall\":false},"
					   "{\"name\":\"root\",\"read_only\":true,\"self\":true,"
					   "\"admin\":true,\"wall\":true}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_messages_are_read),
		cmocka_unit_test(bad_ones_are_told_apart),
		cmocka_unit_test(server_messages_are_what_the_page_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
