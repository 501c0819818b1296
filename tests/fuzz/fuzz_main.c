/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer:
 *   fuzz_NAME [COUNT [FOLDER]]   on its seeds, the files of FOLDER, and COUNT mutations of both
 *   fuzz_NAME FILE...            on files, those that made it fall over for example
 *   fuzz_NAME --write FOLDER     writes its seeds there, for libFuzzer to begin with
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz.h"

enum { MOST = 70000 };

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A heap block of exactly this length, so that a sanitizer sees each byte past its end. */
static void run_one(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static size_t mutate(uint8_t *data, size_t len)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '"', ':' };

	for (uint64_t n = next_random() % 8; len && n-- > 0;) {
		size_t at = next_random() % len;

		switch (next_random() % 5) {
		case 0:
			data[at] ^= (uint8_t)(1u << next_random() % 8);
			break;
		case 1:
			data[at] = odd[next_random() % sizeof(odd)];
			break;
		case 2:
			len = at;
			break;
		case 3:
			memmove(data + at, data, len - at);
			break;
		default:
			if (len < MOST)
				data[len++] = (uint8_t)next_random();
			break;
		}
	}
	return len;
}

enum { MOST_INPUTS = 1000 };

struct input {
	uint8_t *data; /* for the rest of the program's life */
	size_t len;
};

static struct input inputs[MOST_INPUTS];
static size_t input_count;

static void add_input(const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy || input_count == MOST_INPUTS || len > MOST)
		abort();
	memcpy(copy, data, len);
	inputs[input_count++] = (struct input){ copy, len };
}

static int read_input(const char *path)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, MOST, &text, &len) < 0) {
		perror(path);
		return -1;
	}
	add_input(text, len);
	return 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, NULL, compare_names), result = 0;

	for (int i = 0; i < count; i++) {
		_auto_free_ char *path = str_format("%s/%s", folder, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.' && (!path || read_input(path) < 0))
			result = -1;
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int run_inputs(uint64_t mutations)
{
	static uint8_t data[MOST];

	for (size_t i = 0; i < input_count; i++)
		run_one(inputs[i].data, inputs[i].len);
	for (uint64_t i = 0; i < mutations; i++) {
		const struct input *in = &inputs[i % input_count];

		memcpy(data, in->data, in->len);
		run_one(data, mutate(data, in->len));
	}
	printf("1..1\nok 1 - %zu inputs and %llu mutations\n", input_count,
		(unsigned long long)mutations);
	return 0;
}

static int write_inputs(const char *folder)
{
	for (size_t i = 0; i < input_count; i++) {
		_auto_free_ char *path = str_format("%s/seed-%zu", folder, i);

		if (!path ||
			file_write_atomic(AT_FDCWD, path, inputs[i].data, inputs[i].len, 0644) < 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t count = 20000;
	const uint8_t *seed;
	size_t len;

	if (argc > 1 && !str_eq(argv[1], "--write") &&
		str_to_u64(argv[1], UINT32_MAX, &count) < 0) {
		for (int i = 1; i < argc; i++) {
			if (read_input(argv[i]) < 0)
				return 1;
		}
		return run_inputs(0);
	}
	while ((seed = fuzz_seed(input_count, &len)))
		add_input(seed, len);
	if (argc == 3 && str_eq(argv[1], "--write"))
		return write_inputs(argv[2]);
	if (argc > 2 && read_folder(argv[2]) < 0)
		return 1;
	return run_inputs(count);
}
