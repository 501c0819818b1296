/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "json/json_read.h"
#include "json/json_write.h"

static void errors_name_the_path(void **state _unused_)
{
	static const char text[] = "{\"linux\":{\"pids\":{\"limit\":\"x\"},\"list\":[1,true]}}";
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root, linux_node, pids, list, item;
	struct md_error err = MD_ERROR_INIT;
	size_t count;
	int64_t limit;

	assert_int_equal(json_parse(&doc, text, strlen(text), &err), 0);
	assert_int_equal(json_root(&doc, &root, &err), 0);
	assert_int_equal(json_get_object(&root, "linux", &linux_node, &err), 1);
	assert_int_equal(json_get_object(&linux_node, "pids", &pids, &err), 1);
	assert_int_equal(json_get_i64(&pids, "limit", 0, 10, &limit, &err), -1);
	assert_string_equal(err.msg, "linux.pids.limit: expected an integer");
	assert_int_equal(json_get_array(&linux_node, "list", &list, &count, &err), 1);
	json_item(&list, 1, &item);
	assert_int_equal(json_as_i64(&item, 0, 10, &limit, &err), -1);
	assert_string_equal(err.msg, "linux.list[1]: expected an integer");
	assert_int_equal(json_get_i64(&root, "absent", 0, 1, &limit, &err), 0);
}

static void hostile_documents_are_refused(void **state _unused_)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "{} x", "[\"\\u0000\"]",
		"\xff" };
	struct md_error err = MD_ERROR_INIT;
	static char deep[20000];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_doc doc = JSON_DOC_INIT;

		assert_int_equal(json_parse(&doc, bad[i], strlen(bad[i]), &err), -1);
	}
	memset(deep, '[', sizeof(deep));
	{
		struct json_doc doc = JSON_DOC_INIT;

		assert_int_equal(json_parse(&doc, deep, sizeof(deep), &err), -1);
	}
}

static void integers_up_to_2_64_are_kept(void **state _unused_)
{
	_auto_free_ char *again = NULL;
	static const char text[] = "{\"a\":18446744073709551615,\"b\":9223372036854775808,"
				   "\"c\":99999999999999999999,\"s\":\"18446744073709551615\"}";
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root;
	struct md_error err = MD_ERROR_INIT;
	uint64_t value;
	int64_t small;
	const char *s;

	assert_int_equal(json_parse(&doc, text, strlen(text), &err), 0);
	assert_int_equal(json_root(&doc, &root, &err), 0);
	assert_int_equal(json_get_u64(&root, "a", UINT64_MAX, &value, &err), 1);
	assert_true(value == UINT64_MAX);
	assert_int_equal(json_get_i64(&root, "b", 0, INT64_MAX, &small, &err), -1);
	assert_string_equal(err.msg, "b: 9223372036854775808 is outside 0..9223372036854775807");
	assert_int_equal(json_get_u64(&root, "c", UINT64_MAX, &value, &err), -1);
	assert_int_equal(json_get_string(&root, "a", &s, &err), -1);
	assert_int_equal(json_get_string(&root, "s", &s, &err), 1);
	again = json_text(&root);
	assert_string_equal(again, text);
}

static void strings_are_written_safely(void **state _unused_)
{
	_auto_buf_ struct buf b = BUF_INIT(4096);
	struct json_writer w = { .out = &b };
	char *const items[] = { (char *)"a", (char *)"b", NULL };

	json_object_begin(&w, NULL);
	json_add_string(&w, "s", "q\"\\\n\x01\xc2\x9b\xff\xc3\xa9");
	json_add_strv(&w, "v", items);
	json_add_strv(&w, "none", NULL);
	json_add_bool(&w, "b", true);
	json_add_i64(&w, "i", -1);
	json_object_end(&w);
	assert_string_equal(buf_str(&b),
		"{\"s\":\"q\\\"\\\\\\n\\u0001\\u009b\xef\xbf\xbd\xc3\xa9\",\"v\":[\"a\",\"b\"],"
		"\"none\":[],\"b\":true,\"i\":-1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_the_path),
		cmocka_unit_test(hostile_documents_are_refused),
		cmocka_unit_test(integers_up_to_2_64_are_kept),
		cmocka_unit_test(strings_are_written_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
