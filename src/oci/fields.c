/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci/fields.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/poison.h"

void *oci_parse_alloc(struct oci_parse *p, const struct json_node *n, size_t count, size_t size)
{
	void *at = arena_alloc(p->arena, count, size);

	if (!at)
		json_fail(n, p->err, "out of memory");
	return at;
}

static bool find_word(const struct oci_word *words, const char *word, uint64_t *ret)
{
	for (; words->word; words++) {
		if (str_eq(words->word, word)) {
			*ret = words->value;
			return true;
		}
	}
	return false;
}

int oci_read_word(
	struct oci_parse *p, const struct json_node *n, const struct oci_word *words, uint64_t *ret)
{
	_auto_buf_ struct buf known = BUF_INIT(200);
	const char *word;

	if (json_as_string(n, &word, p->err) < 0)
		return -1;
	if (find_word(words, word, ret))
		return 0;
	for (; words->word; words++) {
		if (words->word[0])
			buf_addf(&known, "%s%s", known.len ? ", " : "", words->word);
	}
	return json_fail(n, p->err, "'%s' is not one of %s", word, buf_str(&known));
}

static int read_path(struct oci_parse *p, const struct json_node *n, const char **ret)
{
	const char *path;

	if (json_as_string(n, &path, p->err) < 0)
		return -1;
	if (path[0] != '/')
		return json_fail(n, p->err, "'%s' is not an absolute path", path);
	*ret = path;
	return 0;
}

static int read_strs(struct oci_parse *p, const struct json_node *n, struct oci_strs *ret)
{
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	ret->items = oci_parse_alloc(p, n, count + 1, sizeof(*ret->items));
	if (!ret->items)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *s;

		json_item(n, i, &item);
		if (json_as_string(&item, &s, p->err) < 0)
			return -1;
		ret->items[i] = (char *)s;
	}
	ret->count = count;
	return 0;
}

struct pairs_walk {
	struct oci_parse *p;
	struct oci_pairs *pairs;
};

static int add_pair(const char *key, const struct json_node *value, void *data)
{
	struct pairs_walk *w = data;
	struct oci_pair *pair = &w->pairs->items[w->pairs->count];

	if (json_as_string(value, &pair->value, w->p->err) < 0)
		return -1;
	pair->key = key;
	w->pairs->count++;
	return 0;
}

static int read_pairs(struct oci_parse *p, const struct json_node *n, struct oci_pairs *ret)
{
	struct pairs_walk w = { p, ret };
	size_t count;

	if (json_as_object(n, p->err) < 0)
		return -1;
	count = json_member_count(n);
	ret->items = oci_parse_alloc(p, n, count + 1, sizeof(*ret->items));
	return ret->items ? json_each_member(n, add_pair, &w) : -1;
}

static int read_object(
	struct oci_parse *p, const struct json_node *n, const struct oci_field *f, void *to)
{
	if (f->fields) {
		if (json_as_object(n, p->err) < 0 || oci_read_fields(p, n, f->fields, to) < 0)
			return -1;
	}
	return f->custom ? f->custom(p, n, to) : 0;
}

static int read_list(
	struct oci_parse *p, const struct json_node *n, const struct oci_field *f, void *to)
{
	/* Every list of spec.h has this shape. */
	struct list {
		void *items;
		size_t count;
	} *list = to;
	struct json_node item;
	size_t count;
	char *items;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	items = oci_parse_alloc(p, n, count + 1, f->size);
	if (!items)
		return -1;
	for (size_t i = 0; i < count; i++) {
		json_item(n, i, &item);
		if (read_object(p, &item, f, items + i * f->size) < 0)
			return -1;
	}
	list->items = items;
	list->count = count;
	return 0;
}

static int read_signed(
	struct oci_parse *p, const struct json_node *n, const struct oci_field *f, void *to)
{
	bool any = f->min == 0 && f->max == 0;
	int64_t value;

	if (json_as_i64(n, any ? INT64_MIN : f->min, any ? INT64_MAX : (int64_t)f->max, &value,
		    p->err) < 0)
		return -1;
	if (f->kind == FIELD_INT)
		*(int32_t *)to = (int32_t)value;
	else
		*(struct oci_i64 *)to = (struct oci_i64){ true, value };
	return 0;
}

static int read_unsigned(
	struct oci_parse *p, const struct json_node *n, const struct oci_field *f, void *to)
{
	uint64_t most = f->max ? f->max : f->kind == FIELD_UINT ? UINT32_MAX : UINT64_MAX;
	uint64_t value;

	if (json_as_u64(n, most, &value, p->err) < 0)
		return -1;
	if (f->kind == FIELD_UINT)
		*(uint32_t *)to = (uint32_t)value;
	else if (f->kind == FIELD_ULONG)
		*(uint64_t *)to = value;
	else
		*(struct oci_u64 *)to = (struct oci_u64){ true, value };
	return 0;
}

static int read_flag(struct oci_parse *p, const struct json_node *n, struct oci_i64 *ret)
{
	bool value;

	if (json_as_bool(n, &value, p->err) < 0)
		return -1;
	*ret = (struct oci_i64){ true, value };
	return 0;
}

static int read_field(
	struct oci_parse *p, const struct json_node *n, const struct oci_field *f, void *to)
{
	switch (f->kind) {
	case FIELD_STRING:
		return json_as_string(n, to, p->err);
	case FIELD_PATH:
		return read_path(p, n, to);
	case FIELD_BOOL:
		return json_as_bool(n, to, p->err);
	case FIELD_FLAG:
		return read_flag(p, n, to);
	case FIELD_STRS:
		return read_strs(p, n, to);
	case FIELD_I64:
	case FIELD_INT:
		return read_signed(p, n, f, to);
	case FIELD_U64:
	case FIELD_UINT:
	case FIELD_ULONG:
		return read_unsigned(p, n, f, to);
	case FIELD_WORD:
		return oci_read_word(p, n, f->words, to);
	case FIELD_OBJECT:
		return read_object(p, n, f, to);
	case FIELD_LIST:
		return read_list(p, n, f, to);
	case FIELD_PAIRS:
		if (read_pairs(p, n, to) < 0)
			return -1;
		return f->custom ? f->custom(p, n, to) : 0;
	case FIELD_CUSTOM:
		return f->custom(p, n, to);
	}
	return json_fail(n, p->err, "a field of unknown kind");
}

int oci_read_fields(struct oci_parse *p, const struct json_node *object,
	const struct oci_field *table, void *to)
{
	for (const struct oci_field *f = table; f->key; f++) {
		struct json_node value;

		if (json_member(object, f->key, &value)) {
			if (read_field(p, &value, f, (char *)to + f->offset) < 0)
				return -1;
		} else if (f->required) {
			value = (struct json_node){ .parent = object, .key = f->key };
			return json_fail(&value, p->err, "missing");
		}
	}
	return 0;
}
