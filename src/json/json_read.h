/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.h - reading JSON documents into structs, with errors that name the place:
 * "linux.resources.pids.limit: expected an integer". With json_read.c the only place that sees the
 * JSON library (jansson).
 *
 * A `struct json_node` is a value together with its path; children point at their parent, so that
 * all of them live on the stack of the reader. Strings are borrowed from the document. Duplicate
 * keys, trailing garbage, NUL in strings and nesting past 2,048 are refused; unknown keys are the
 * reader's to ignore.
 */
#ifndef MD_JSON_READ_H
#define MD_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

struct json_doc {
	void *root; /* the library's, in `memory` */
	struct arena memory;
};

struct json_node {
	void *value;
	const struct json_node *parent; /* NULL at the root */
	const char *key;                /* in an object, else NULL */
	size_t index;                   /* in an array */
};

/* Parses `len` bytes. On failure there is nothing to free, and the message has line and column. Not for two threads at once: the library has one
 * allocator for all. */
int json_parse(struct json_doc *d, const char *text, size_t len, struct md_error *err);
void json_done(struct json_doc *d);
#define _auto_json_ _auto_(json_done)
#define JSON_DOC_INIT                                                                              \
	{                                                                                          \
		NULL, ARENA_INIT                                                                   \
	}

/* The root as a node; it must be an object. */
int json_root(const struct json_doc *d, struct json_node *ret, struct md_error *err);

/* Fails with the node's path in front: md_fail(err, EINVAL, "PATH: ..."). Returns -1. */
int json_fail(const struct json_node *n, struct md_error *err, const char *fmt, ...) _printf_(3, 4);

/* The member `key` of an object. true if it is there and not null. */
bool json_member(const struct json_node *n, const char *key, struct json_node *ret);

/* The member as a typed value: 1 if there, 0 if absent or null (*ret untouched), -1 if of another
 * type or outside the range. */
int json_get_string(
	const struct json_node *n, const char *key, const char **ret, struct md_error *err);
int json_get_bool(const struct json_node *n, const char *key, bool *ret, struct md_error *err);
int json_get_i64(const struct json_node *n, const char *key, int64_t min, int64_t max, int64_t *ret,
	struct md_error *err);
int json_get_u64(const struct json_node *n, const char *key, uint64_t max, uint64_t *ret,
	struct md_error *err);
int json_get_object(
	const struct json_node *n, const char *key, struct json_node *ret, struct md_error *err);
/* An array; *ret_count its length. Items by json_item(). */
int json_get_array(const struct json_node *n, const char *key, struct json_node *ret,
	size_t *ret_count, struct md_error *err);
/* An array of strings, added to `ret` as copies. */
int json_get_strv(
	const struct json_node *n, const char *key, struct strv *ret, struct md_error *err);

/* Item `i` < count of an array. */
void json_item(const struct json_node *array, size_t i, struct json_node *ret);

/* The node itself as a typed value; 0 or -1. */
int json_as_string(const struct json_node *n, const char **ret, struct md_error *err);
int json_as_i64(
	const struct json_node *n, int64_t min, int64_t max, int64_t *ret, struct md_error *err);
int json_as_u64(const struct json_node *n, uint64_t max, uint64_t *ret, struct md_error *err);
int json_as_bool(const struct json_node *n, bool *ret, struct md_error *err);
int json_as_array(const struct json_node *n, size_t *ret_count, struct md_error *err);
int json_as_object(const struct json_node *n, struct md_error *err);

size_t json_member_count(const struct json_node *object);

/* Calls `each` for every member of an object, in the document's order, until it returns not 0;
 * returns that. */
int json_each_member(const struct json_node *object,
	int (*each)(const char *key, const struct json_node *value, void *data), void *data);

/* The node's value as compact JSON text, heap, for passing a part of a document through unread.
 * NULL: ENOMEM. */
char *json_text(const struct json_node *n);

#endif
