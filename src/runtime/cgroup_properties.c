/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_properties.c - annotations "org.systemd.property.NAME" as properties of the container's unit. Their values are in GVariant's text
 * form: true, 'text', ['a', 'b'], 5, uint64 5.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

#define PREFIX "org.systemd.property."

static const struct {
	const char *word, *signature;
} number_types[] = {
	{ "uint64 ", "t" },
	{ "uint32 ", "u" },
	{ "int64 ", "x" },
	{ "int32 ", "i" },
	{ "byte ", "y" },
	{ "", "i" },
};

static int add(struct strv *v, const char *signature, const char *value)
{
	return strv_add(v, signature) < 0 ? -1 : strv_add(v, value);
}

/* A quoted text, without escapes. Returns what follows it; NULL: there is none. */
static const char *read_text(const char *at, char **ret)
{
	const char *end = *at == '\'' || *at == '"' ? strchr(at + 1, *at) : NULL;

	if (!end || memchr(at, '\\', (size_t)(end - at)))
		return NULL;
	*ret = strndup(at + 1, (size_t)(end - at - 1));
	return *ret ? end + 1 : NULL;
}

static int add_list(struct strv *v, const char *at)
{
	_auto_strv_ struct strv items = STRV_INIT;

	for (at++; *at != ']'; at += strspn(at, ", ")) {
		_auto_free_ char *text = NULL;

		at = read_text(at, &text);
		if (!at || strv_add(&items, text) < 0)
			return -1;
	}
	if (at[1] || strv_add(v, "as") < 0 || strv_addf(v, "%zu", items.count) < 0)
		return -1;
	return items.count ? strv_add_all(v, items.items) : 0;
}

/* Times in seconds are microseconds on the bus: TimeoutStopSec is TimeoutStopUSec. */
static int add_number(struct strv *v, const char *value, bool seconds)
{
	size_t type = 0;
	char *end;

	while (!str_starts(value, number_types[type].word))
		type++;
	value += strlen(number_types[type].word);
	errno = 0;
	if (value[0] == '-')
		(void)strtoll(value, &end, 10);
	else
		(void)strtoull(value, &end, 10);
	if (errno || end == value || *end)
		return -1;
	if (seconds)
		return strv_add(v, "t") < 0 ? -1 : strv_addf(v, "%s000000", value);
	return add(v, number_types[type].signature, value);
}

static int add_value(struct strv *v, const char *value, bool seconds)
{
	_auto_free_ char *text = NULL;
	const char *rest;

	if (str_eq(value, "true") || str_eq(value, "false"))
		return add(v, "b", value);
	if (value[0] == '[')
		return add_list(v, value);
	if (value[0] != '\'' && value[0] != '"')
		return add_number(v, value, seconds);
	rest = read_text(value, &text);
	return rest && !*rest ? add(v, "s", text) : -1;
}

static int add_property(struct strv *v, const char *name, const char *value)
{
	bool seconds = str_ends(name, "Sec") && !str_ends(name, "USec");

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c))
			return -1;
	}
	if (!isupper((unsigned char)name[0]) ||
		strv_addf(v, "%.*s%s", (int)(strlen(name) - (seconds ? 3 : 0)), name,
			seconds ? "USec" : "") < 0)
		return -1;
	return add_value(v, value, seconds);
}

int cgroup_property_words(const struct oci_pairs *annotations, struct strv *ret,
	unsigned int *ret_count, struct md_error *err)
{
	*ret_count = 0;
	for (size_t i = 0; annotations && i < annotations->count; i++) {
		const struct oci_pair *a = &annotations->items[i];

		if (!str_starts(a->key, PREFIX))
			continue;
		if (add_property(ret, a->key + strlen(PREFIX), a->value) < 0)
			return md_fail(err, EINVAL,
				"annotations.%s: '%s' is no value of a property", a->key, a->value);
		(*ret_count)++;
	}
	return 0;
}
