/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_check.h - the headers of a client's WebSocket frames, as they come: RFC 6455, 5.1 to 5.5. Pure: bytes in, a verdict out.
 * Payloads, close codes and UTF-8 are libwebsockets' to check.
 */
#ifndef MD_SERVER_FRAME_CHECK_H
#define MD_SERVER_FRAME_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at the beginning of the stream. */
struct frame_check {
	uint8_t at;      /* how many bytes of the header have come */
	uint8_t size;    /* how long it is, with length and mask; known after two */
	uint8_t first;   /* its first byte */
	bool in_message; /* a message of several frames has begun */
	uint64_t length; /* of the payload; while that comes, what is left of it */
	const char *wrong;
};

/* Looks at the bytes that come next, until one is against the rules: its index, and f->wrong says what it is. SIZE_MAX: none. */
size_t frame_check_feed(struct frame_check *f, const uint8_t *data, size_t len);

#endif
