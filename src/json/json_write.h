/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write.h - writes JSON straight into a buf; no tree is built. Commas and escapes are its
 * care, the nesting is the caller's. `key` is NULL for items of an array and for the outermost
 * value. Check buf.failed once at the end.
 */
#ifndef MD_JSON_WRITE_H
#define MD_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

struct json_writer {
	struct buf *out; /* borrowed */
	bool need_comma;
};

void json_object_begin(struct json_writer *w, const char *key);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w, const char *key);
void json_array_end(struct json_writer *w);

/* `value` NULL is written as null. Bytes that are no UTF-8 become U+FFFD. */
void json_add_string(struct json_writer *w, const char *key, const char *value);
void json_add_i64(struct json_writer *w, const char *key, int64_t value);
void json_add_u64(struct json_writer *w, const char *key, uint64_t value);
void json_add_bool(struct json_writer *w, const char *key, bool value);
/* `items` is NULL-terminated, or NULL for an empty array. */
void json_add_strv(struct json_writer *w, const char *key, char *const *items);
/* `text` must be JSON itself. */
void json_add_raw(struct json_writer *w, const char *key, const char *text);

#endif
