/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "json/json_read.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json_big.h"
#include "base/poison.h"

/* Of the document that is being parsed. */
static struct arena *parsing;

static void *arena_malloc(size_t size)
{
	return arena_bytes(parsing, size);
}

static void arena_free(void *block)
{
}

/* The library would open /dev/urandom for it. */
static void seed_hashes(void)
{
	static bool seeded;
	size_t seed = 0;

	if (!seeded && getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed) && seed)
		json_object_seed(seed);
	seeded = true;
}

/* A document is thousands of small blocks that go together: so they come from an arena, at once and without a search. Other users of the library in this
 * process (libnftables) keep their allocator. */
static json_t *load(struct arena *memory, const char *text, size_t len, json_error_t *e)
{
	json_malloc_t malloc_before;
	json_free_t free_before;
	json_t *root;

	seed_hashes();
	json_get_alloc_funcs(&malloc_before, &free_before);
	parsing = memory;
	json_set_alloc_funcs(arena_malloc, arena_free);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, e);
	json_set_alloc_funcs(malloc_before, free_before);
	parsing = NULL;
	return root;
}

int json_parse(struct json_doc *d, const char *text, size_t len, struct md_error *err)
{
	json_error_t e;

	d->root = load(&d->memory, text, len, &e);
	if (!d->root && json_error_code(&e) == json_error_numeric_overflow) {
		size_t marked_len = 0;
		_auto_free_ char *marked = json_big_mark(text, len, &marked_len);

		if (!marked) {
			json_done(d);
			return md_fail(err, ENOMEM, "out of memory");
		}
		d->root = load(&d->memory, marked, marked_len, &e);
	}
	if (!d->root) {
		json_done(d);
		return md_fail(err, EINVAL, "line %d, column %d: %s", e.line, e.column, e.text);
	}
	return 0;
}

void json_done(struct json_doc *d)
{
	arena_done(&d->memory);
	*d = (struct json_doc)JSON_DOC_INIT;
}

static void add_path(struct buf *b, const struct json_node *n)
{
	if (!n->parent)
		return;
	add_path(b, n->parent);
	if (n->key)
		buf_addf(b, "%s%s", b->len ? "." : "", n->key);
	else
		buf_addf(b, "[%zu]", n->index);
}

int(json_fail)(const struct json_node *n, struct md_error *err, const char *fmt, ...)
{
	_auto_buf_ struct buf path = BUF_INIT(256);
	char message[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	add_path(&path, n);
	return md_fail(err, EINVAL, "%s: %s", path.len ? buf_str(&path) : "the document", message);
}

int json_root(const struct json_doc *d, struct json_node *ret, struct md_error *err)
{
	*ret = (struct json_node){ .value = d->root };
	return json_as_object(ret, err);
}

bool json_member(const struct json_node *n, const char *key, struct json_node *ret)
{
	json_t *value = json_object_get(n->value, key);

	if (!value || json_is_null(value))
		return false;
	*ret = (struct json_node){ .value = value, .parent = n, .key = key };
	return true;
}

void json_item(const struct json_node *array, size_t i, struct json_node *ret)
{
	*ret = (struct json_node){
		.value = json_array_get(array->value, i), .parent = array, .index = i
	};
}

int json_as_string(const struct json_node *n, const char **ret, struct md_error *err)
{
	const char *s = json_string_value(n->value);

	if (!s || json_big_is(s))
		return json_fail(n, err, "expected a string");
	*ret = s;
	return 0;
}

int json_as_bool(const struct json_node *n, bool *ret, struct md_error *err)
{
	if (!json_is_boolean((json_t *)n->value))
		return json_fail(n, err, "expected true or false");
	*ret = json_is_true((json_t *)n->value);
	return 0;
}

int json_as_i64(
	const struct json_node *n, int64_t min, int64_t max, int64_t *ret, struct md_error *err)
{
	const char *s = json_string_value(n->value);
	json_int_t value;

	if (json_big_is(s))
		return json_fail(
			n, err, "%s is outside %lld..%lld", s + 1, (long long)min, (long long)max);
	if (!json_is_integer((json_t *)n->value))
		return json_fail(n, err, "expected an integer");
	value = json_integer_value(n->value);
	if (value < min || value > max)
		return json_fail(n, err, "%lld is outside %lld..%lld", (long long)value,
			(long long)min, (long long)max);
	*ret = value;
	return 0;
}

int json_as_u64(const struct json_node *n, uint64_t max, uint64_t *ret, struct md_error *err)
{
	const char *s = json_string_value(n->value);
	int64_t value;
	uint64_t big;

	if (json_big_is(s)) {
		if (!json_big_value(s, &big) || big > max)
			return json_fail(
				n, err, "%s is outside 0..%llu", s + 1, (unsigned long long)max);
		*ret = big;
		return 0;
	}
	if (json_as_i64(n, 0, (int64_t)MD_MIN(max, (uint64_t)INT64_MAX), &value, err) < 0)
		return -1;
	*ret = (uint64_t)value;
	return 0;
}

int json_as_object(const struct json_node *n, struct md_error *err)
{
	return json_is_object((json_t *)n->value) ? 0 : json_fail(n, err, "expected an object");
}

int json_as_array(const struct json_node *n, size_t *ret_count, struct md_error *err)
{
	if (!json_is_array((json_t *)n->value))
		return json_fail(n, err, "expected an array");
	*ret_count = json_array_size(n->value);
	return 0;
}

size_t json_member_count(const struct json_node *object)
{
	return json_object_size(object->value);
}

int json_get_string(
	const struct json_node *n, const char *key, const char **ret, struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	return json_as_string(&child, ret, err) < 0 ? -1 : 1;
}

int json_get_bool(const struct json_node *n, const char *key, bool *ret, struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	return json_as_bool(&child, ret, err) < 0 ? -1 : 1;
}

int json_get_i64(const struct json_node *n, const char *key, int64_t min, int64_t max, int64_t *ret,
	struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	return json_as_i64(&child, min, max, ret, err) < 0 ? -1 : 1;
}

int json_get_u64(const struct json_node *n, const char *key, uint64_t max, uint64_t *ret,
	struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	return json_as_u64(&child, max, ret, err) < 0 ? -1 : 1;
}

int json_get_object(
	const struct json_node *n, const char *key, struct json_node *ret, struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	if (json_as_object(&child, err) < 0)
		return -1;
	*ret = child;
	return 1;
}

int json_get_array(const struct json_node *n, const char *key, struct json_node *ret,
	size_t *ret_count, struct md_error *err)
{
	struct json_node child;

	if (!json_member(n, key, &child))
		return 0;
	if (json_as_array(&child, ret_count, err) < 0)
		return -1;
	*ret = child;
	return 1;
}

int json_get_strv(
	const struct json_node *n, const char *key, struct strv *ret, struct md_error *err)
{
	struct json_node array, item;
	size_t count;
	int r = json_get_array(n, key, &array, &count, err);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		const char *s = NULL;

		json_item(&array, i, &item);
		if (json_as_string(&item, &s, err) < 0)
			return -1;
		if (strv_add(ret, s) < 0)
			return json_fail(&item, err, "out of memory");
	}
	return 1;
}

int json_each_member(const struct json_node *object,
	int (*each)(const char *key, const struct json_node *value, void *data), void *data)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object->value, key, value)
	{
		struct json_node n = { .value = value, .parent = object, .key = key };
		int r = each(key, &n, data);

		if (r)
			return r;
	}
	return 0;
}

char *json_text(const struct json_node *n)
{
	char *text = json_dumps(n->value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text)
		json_big_unmark(text);
	return text;
}
