/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of shim.sock: whatever is taken must come back the same from the encoder, and its strings must end. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/shim_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t packet[SHIM_MAX_PACKET], again[SHIM_MAX_PACKET];
	struct shim_msg m, back;
	const char *at = NULL;
	ssize_t n, n2;

	if (shim_decode(data, len, &m) < 0)
		return 0;
	if (m.tail_len && m.tail[m.tail_len - 1] == '\0') {
		while (shim_next_string(&m, &at))
			;
		if (m.type == SHIM_NEW_TERMINAL)
			shim_string(&m, 2u + m.new_terminal.argc + m.new_terminal.envc);
	}
	/* A newer sender's further fields are dropped, so it is the second round that must be equal. */
	n = shim_encode(&m, packet, sizeof(packet));
	if (n < 0 || shim_decode(packet, (size_t)n, &back) < 0)
		abort();
	n2 = shim_encode(&back, again, sizeof(again));
	if (n2 != n || memcmp(packet, again, (size_t)n) != 0)
		abort();
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char strings[] = "name\0user\0/cwd\0/bin/sh\0A=b";
	static const uint16_t types[] = { SHIM_HELLO, SHIM_ATTACH, SHIM_INPUT, SHIM_RESIZE,
		SHIM_NEW_TERMINAL, SHIM_RENAME, SHIM_STOP, SHIM_TERMINAL, SHIM_PRESENCE, SHIM_EXIT,
		SHIM_STATE, SHIM_ADVANCE };
	static uint8_t packet[512];
	struct shim_msg m = { .serial = 1, .tail = strings, .tail_len = sizeof(strings) };
	ssize_t n;

	if (index >= ARRAY_SIZE(types))
		return NULL;
	m.type = types[index];
	if (m.type == SHIM_NEW_TERMINAL)
		m.new_terminal = (struct shim_new_terminal){ .argc = 1, .envc = 1 };
	if (m.type == SHIM_RESIZE || m.type == SHIM_ADVANCE)
		m.tail_len = 0;
	n = shim_encode(&m, packet, sizeof(packet));
	*ret_len = n < 0 ? 0 : (size_t)n;
	return packet;
}
