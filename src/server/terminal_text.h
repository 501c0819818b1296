/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal_text.h - the text frames of the subprotocol mdocker.v1: the client's read, the server's written. Pure.
 */
#ifndef MD_SERVER_TERMINAL_TEXT_H
#define MD_SERVER_TERMINAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/shim_wire.h"

enum { TEXT_MAX_CLIENT = 4096 };

enum text_kind {
	TEXT_RESIZE,
	TEXT_ACK,
	TEXT_PING,
	TEXT_UNKNOWN, /* well formed, of a newer page */
	TEXT_BAD,
};

struct text_message {
	enum text_kind kind;
	uint16_t rows, cols; /* 1..2000 */
	uint64_t offset;
	uint32_t window; /* of an ack; 0: none given */
};

/* Reads what a client sent. kind TEXT_BAD for what is no JSON object with a type, or has values out of range. */
struct text_message text_parse(const char *text, size_t len);

/* Adds {"type":"hello",...}. `snapshot` is the bytes that come first, or -1: none, the stream goes on. */
void text_add_hello(
	struct buf *out, const struct shim_attached *a, uint64_t offset, int64_t snapshot);
void text_add_taken(struct buf *out, uint64_t taken);
/* An exit of a terminal that nobody knows more of than that its workspace was started anew. */
void text_add_restarted(struct buf *out, const char *text);
void text_add_size(struct buf *out, uint16_t rows, uint16_t cols);
/* NOTICE, EXIT, PRESENCE: from the shim's message. */
void text_add_notice(struct buf *out, const struct shim_msg *m);
void text_add_exit(struct buf *out, const struct shim_msg *m);
void text_add_presence(struct buf *out, const struct shim_msg *m);
/* {"type":TYPE}: pong, terminals */
void text_add_plain(struct buf *out, const char *type);

#endif
