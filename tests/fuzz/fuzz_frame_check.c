/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket frames of a client: however the stream is cut, the same byte is the first that is wrong. */
#include <stdlib.h>

#include "fuzz.h"
#include "server/frame_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t cut = len ? data[0] % len : 0, found, again;
	struct frame_check whole = { 0 }, parts = { 0 };

	found = frame_check_feed(&whole, data, len);
	again = frame_check_feed(&parts, data, cut);
	if (again == SIZE_MAX) {
		again = frame_check_feed(&parts, data + cut, len - cut);
		again += again == SIZE_MAX ? 0 : cut;
	}
	if (found != again || whole.wrong != parts.wrong || (found != SIZE_MAX && found >= len))
		abort();
	return 0;
}

/* The others are in corpus/frame_check/. */
const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const uint8_t masked[] = { 0x82, 0x81, 1, 2, 3, 4, 5 };

	*ret_len = sizeof(masked);
	return index ? NULL : masked;
}
