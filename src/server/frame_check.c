/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/frame_check.h"

#include "base/mem.h"
#include "base/poison.h"

enum {
	FIN = 0x80,
	RESERVED = 0x70,
	OPCODE = 0x0f,
	CONTINUATION = 0,
	BINARY = 2,
	CONTROL = 8, /* from here on */
	PONG = 10,
	MASKED = 0x80,
	LENGTH = 0x7f,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
	MASK_BYTES = 4,
};

static const char *judge_first(struct frame_check *f, uint8_t byte)
{
	unsigned int opcode = byte & OPCODE;
	bool control = opcode >= CONTROL;

	f->first = byte;
	if (byte & RESERVED)
		return "a reserved bit is set";
	if (opcode > PONG || (opcode > BINARY && !control))
		return "an unknown kind of frame";
	if (control)
		return byte & FIN ? NULL : "a control frame in parts";
	if ((opcode == CONTINUATION) != f->in_message)
		return opcode == CONTINUATION ? "a continuation of nothing"
					      : "a message within a message";
	f->in_message = !(byte & FIN);
	return NULL;
}

static const char *judge_second(struct frame_check *f, uint8_t byte)
{
	f->length = byte & LENGTH;
	f->size = 2 + MASK_BYTES;
	if (!(byte & MASKED))
		return "a client's frames are masked";
	if (f->length < LENGTH_16)
		return NULL;
	if ((f->first & OPCODE) >= CONTROL)
		return "a long control frame";
	f->size += f->length == LENGTH_16 ? 2 : 8;
	return NULL;
}

/* A byte of the longer forms of the length; at their end it must have been too long for the shorter ones. */
static const char *judge_length(struct frame_check *f, uint8_t byte)
{
	bool is_64 = f->size == 2 + 8 + MASK_BYTES;

	f->length = (f->at == 2 ? 0 : f->length << 8) | byte;
	if (is_64 && f->at == 2 && byte & 0x80)
		return "a length beyond all bounds";
	if (f->at != f->size - MASK_BYTES - 1)
		return NULL;
	return f->length < (is_64 ? 1U << 16 : LENGTH_16) ? "a length in more bytes than it needs"
							  : NULL;
}

static const char *judge(struct frame_check *f, uint8_t byte)
{
	if (f->at == 0)
		return judge_first(f, byte);
	if (f->at == 1)
		return judge_second(f, byte);
	return f->at < f->size - MASK_BYTES ? judge_length(f, byte) : NULL;
}

size_t frame_check_feed(struct frame_check *f, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (f->at > 1 && f->at == f->size) {
			uint64_t skip = MD_MIN(f->length, (uint64_t)(len - i));

			f->length -= skip;
			i += (size_t)skip;
			if (f->length)
				break;
			f->at = 0;
			if (i == len)
				break;
		}
		f->wrong = judge(f, data[i]);
		if (f->wrong)
			return i;
		f->at++;
	}
	return SIZE_MAX;
}
