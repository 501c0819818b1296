/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target on files, or on `count` mutations of its seeds: fuzz_NAME [COUNT | FILE...] */
#define _GNU_SOURCE
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

static int run_mutations(uint64_t count)
{
	static uint8_t data[MOST];
	size_t seeds = 0, len;

	while (fuzz_seed(seeds, &len))
		run_one(fuzz_seed(seeds++, &len), len);
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *seed = fuzz_seed(i % seeds, &len);

		memcpy(data, seed, len);
		run_one(data, mutate(data, len));
	}
	printf("1..1\nok 1 - %llu mutations of %zu seeds\n", (unsigned long long)count, seeds);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t count = 20000;

	if (argc < 2 || str_to_u64(argv[1], UINT32_MAX, &count) == 0)
		return run_mutations(count);
	for (int i = 1; i < argc; i++) {
		_auto_free_ char *text = NULL;
		size_t len;

		if (file_read(AT_FDCWD, argv[i], 1 << 24, &text, &len) < 0) {
			perror(argv[i]);
			return 1;
		}
		run_one((const uint8_t *)text, len);
	}
	return 0;
}
