/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - a fuzz target is one function of bytes, under libFuzzer's name, so that the same source is run by libFuzzer
 * (clang -fsanitize=fuzzer,address) and by fuzz_main.c, which mutates its seeds with a fixed random sequence as a part
 * of the unit tests.
 */
#ifndef MD_TESTS_FUZZ_H
#define MD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Good inputs to begin with: the `index`th, NULL behind the last. For fuzz_main.c. */
const uint8_t *fuzz_seed(size_t index, size_t *ret_len);

#endif
