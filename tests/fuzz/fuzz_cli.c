/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: numbers, sizes, limits, options by a table, each word of the data one argument; the detach keys. */
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/detach.h"
#include "engine/limits.h"
#include "fuzz.h"

enum { MAX_WORDS = 64 };

struct options {
	bool tty, interactive;
	const char *name;
	struct strv env, settings;
	int64_t count;
	uint64_t size;
};

static const struct args_option table[] = {
	{ "tty", 't', ARGS_FLAG, offsetof(struct options, tty), NULL, "" },
	{ "interactive", 'i', ARGS_FLAG, offsetof(struct options, interactive), NULL, "" },
	{ "name", 'n', ARGS_STRING, offsetof(struct options, name), "NAME", "" },
	{ "env", 'e', ARGS_LIST, offsetof(struct options, env), "NAME=VALUE", "" },
	{ "count", 0, ARGS_INT, offsetof(struct options, count), "N", "" },
	{ "memory", 'm', ARGS_SIZE, offsetof(struct options, size), "BYTES", "" },
	{ "pids-limit", 0, ARGS_SETTING, offsetof(struct options, settings), "N", "" },
	ARGS_END,
};

static void parse_words(char *text, bool stop)
{
	struct options o = { .env = STRV_INIT, .settings = STRV_INIT };
	char *argv[MAX_WORDS + 2] = { (char *)"x" };
	int argc = 1, count = 0;

	for (char *word = strtok_r(text, " ", &text); word && argc <= MAX_WORDS;
		word = strtok_r(NULL, " ", &text))
		argv[argc++] = word;
	if (args_parse(table, &o, argc, argv, stop, &count, NULL) == 0) {
		if (count < 0 || count >= argc)
			abort();
		for (int i = 0; i < count; i++)
			(void)!strlen(argv[i]);
	}
	strv_done(&o.env);
	strv_done(&o.settings);
}

static void parse_values(const char *text)
{
	static const char *const names[] = { "memory", "memory-swap", "pids-limit", "cpus", "disk",
		"device-read-bps", "bandwidth", "io-weight" };
	struct limits l = LIMITS_DEFAULT;
	uint64_t u;
	int64_t i;

	if (str_to_i64(text, -5, 5, &i) == 0 && (i < -5 || i > 5))
		abort();
	if (str_to_u64(text, 77, &u) == 0 && u > 77)
		abort();
	(void)str_to_size(text, &u);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		(void)limits_set(&l, names[n], text, NULL);
	(void)limits_check(&l, NULL);
}

static void filter_keys(const char *from, size_t len)
{
	struct detach d = { .held = len & 1 };
	_auto_free_ char *to = malloc(len + 1);
	size_t n = 0;

	if (to && !detach_filter(&d, from, len, to, &n) && n > len + 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_auto_free_ char *text = malloc(len + 1), *words = malloc(len + 1);

	if (!text || !words)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	filter_keys(text, len);
	parse_values(text);
	memcpy(words, text, len + 1);
	parse_words(words, len % 2);
	str_unescape_octal(text);
	if (strlen(text) > len)
		abort();
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"-it --name x -eA=b --env C=d --count=-3 -m 100m --pids-limit 20 image -- sh -c x",
		"--tty=false -name y -mtxt",
		"100m",
		"18446744073709551616",
		"1.25",
		"/a\\040b\\011c\\",
		"a\020\021b\020",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
