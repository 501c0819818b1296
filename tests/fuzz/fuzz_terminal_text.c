/* SPDX-License-Identifier: Apache-2.0 */
/* The text frames of a browser, and the JSON made of what a shim says. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json/json_read.h"
#include "server/terminal_text.h"

static void must_be_json(const struct buf *out)
{
	struct json_doc doc = JSON_DOC_INIT;

	if (!out->failed && json_parse(&doc, buf_str(out), out->len, NULL) < 0)
		abort();
	json_done(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const writers[])(struct buf *, const struct shim_msg *) = { text_add_notice,
		text_add_exit, text_add_presence };
	struct text_message t = text_parse((const char *)data, len);
	char *tail = malloc(len + 1);
	struct shim_msg m = { .tail = tail, .tail_len = len + 1 };

	if (t.kind == TEXT_RESIZE && (t.rows == 0 || t.cols == 0))
		abort();
	if (!tail)
		return 0;
	memcpy(tail, data, len);
	tail[len] = '\0';
	m.exit.signal = len ? data[0] : 0;
	m.exit.reason = len;
	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		_auto_buf_ struct buf out = BUF_INIT(1 << 20);

		writers[i](&out, &m);
		must_be_json(&out);
	}
	free(tail);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"{\"type\":\"resize\",\"rows\":24,\"cols\":80}",
		"{\"type\":\"ack\",\"offset\":123456789}",
		"{\"type\":\"ping\"}",
		"Walice@\xc3\xa9\x80\"\\",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
