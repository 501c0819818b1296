/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/args.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/poison.h"

static const struct args_option *find_long(
	const struct args_option *table, const char *name, size_t len)
{
	for (; table->name; table++) {
		if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static const struct args_option *find_letter(const struct args_option *table, char letter)
{
	for (; table->name; table++) {
		if (table->letter == letter)
			return table;
	}
	return NULL;
}

static int set_flag(
	const struct args_option *o, bool *field, const char *value, struct md_error *err)
{
	if (!value || str_eq(value, "true") || str_eq(value, "1"))
		*field = true;
	else if (str_eq(value, "false") || str_eq(value, "0"))
		*field = false;
	else
		return md_fail(
			err, EINVAL, "option --%s is true or false, not '%s'", o->name, value);
	return 0;
}

static int store_setting(
	const struct args_option *o, struct strv *list, const char *value, struct md_error *err)
{
	_auto_free_ char *text = str_format("%s=%s", o->name, value);

	if (!text || strv_add(list, text) < 0)
		return md_fail(err, ENOMEM, "option --%s: out of memory", o->name);
	return 0;
}

/* Stores `value` (NULL only for a flag) where the option's field is. */
static int store(
	const struct args_option *o, void *options, const char *value, struct md_error *err)
{
	void *field = (char *)options + o->offset;

	switch (o->kind) {
	case ARGS_FLAG:
		return set_flag(o, field, value, err);
	case ARGS_STRING:
		*(const char **)field = value;
		return 0;
	case ARGS_LIST:
		if (strv_add(field, value) < 0)
			return md_fail(err, ENOMEM, "option --%s: out of memory", o->name);
		return 0;
	case ARGS_SETTING:
		return store_setting(o, field, value, err);
	case ARGS_INT:
		if (str_to_i64(value, INT64_MIN, INT64_MAX, field) < 0)
			return md_fail(err, EINVAL, "option --%s: '%s' is not a whole number",
				o->name, value);
		return 0;
	case ARGS_SIZE:
		if (str_to_size(value, field) < 0)
			return md_fail(err, EINVAL, "option --%s: '%s' is not a size such as 100m",
				o->name, value);
		return 0;
	}
	return md_fail(err, EINVAL, "option --%s: unknown kind", o->name);
}

struct args_walk {
	const struct args_option *table;
	void *options;
	int argc;
	char **argv;
	int at;
	struct md_error *err;
};

/* The value of option `o`: what is attached, or the next word. */
static int take_value(struct args_walk *w, const struct args_option *o, const char *attached)
{
	if (o->kind == ARGS_FLAG || attached)
		return store(o, w->options, attached, w->err);
	if (w->at + 1 >= w->argc)
		return md_fail(w->err, EINVAL, "option --%s needs a value: --%s %s", o->name,
			o->name, o->argument ? o->argument : "VALUE");
	return store(o, w->options, w->argv[++w->at], w->err);
}

/* `name[=value]` without its dashes. */
static int parse_long(struct args_walk *w, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct args_option *o = find_long(w->table, word, len);

	if (!o)
		return md_fail(w->err, EINVAL, "unknown option --%.*s", (int)len, word);
	return take_value(w, o, equals ? equals + 1 : NULL);
}

/* `-abc`: flags in a row, the last one may take a value: `-eK=V`. */
static int parse_letters(struct args_walk *w, const char *word)
{
	size_t len = strcspn(word, "=");

	if (len > 1 && find_long(w->table, word, len))
		return parse_long(w, word);
	for (const char *at = word; *at; at++) {
		const struct args_option *o = find_letter(w->table, *at);

		if (!o)
			return md_fail(w->err, EINVAL, "unknown option -%c", *at);
		if (o->kind != ARGS_FLAG)
			return take_value(w, o, at[1] ? at + 1 + (at[1] == '=') : NULL);
		if (store(o, w->options, NULL, w->err) < 0)
			return -1;
	}
	return 0;
}

int args_parse(const struct args_option *table, void *options, int argc, char **argv,
	bool stop_at_operand, int *ret_count, struct md_error *err)
{
	struct args_walk w = { table, options, argc, argv, 1, err };
	int operands = 0;

	for (; w.at < argc; w.at++) {
		const char *word = argv[w.at];
		int r;

		if (str_eq(word, "--")) {
			w.at++;
			break;
		}
		if (word[0] != '-' || !word[1]) {
			if (stop_at_operand)
				break;
			argv[operands++] = argv[w.at];
			continue;
		}
		r = word[1] == '-' ? parse_long(&w, word + 2) : parse_letters(&w, word + 1);
		if (r < 0)
			return -1;
	}
	for (; w.at < argc; w.at++)
		argv[operands++] = argv[w.at];
	if (operands < argc)
		argv[operands] = NULL;
	*ret_count = operands;
	return 0;
}

void args_help(const struct args_option *table)
{
	for (const struct args_option *o = table; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
			o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
			o->argument ? " " : "", o->argument ? o->argument : "");
		printf("%-32s %s\n", left, o->help);
	}
}

void args_command_help(const char *program, const struct args_command *c)
{
	printf("Usage: %s %s\n\n%s\n", program, c->usage, c->summary);
	if (c->text)
		printf("\n%s\n", c->text);
	if (c->options && c->options->name) {
		printf("\nOptions:\n");
		args_help(c->options);
	}
}
