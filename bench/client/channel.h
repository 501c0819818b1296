/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - one terminal as bench-client reads it: a shell on a PTY of its own, or one behind a WebSocket of mdockerd or ttyd.
 * All of them through the same buffer and the same calls, so that what differs between them is not the client.
 *
 * A channel is named by a word:
 *	pty                     /bin/bash on a PTY
 *	mdocker:PORT:QUERY:COOKIE   GET /ws QUERY of mdockerd, subprotocol mdocker.v1, acknowledging as the page does
 *	ttyd:PORT               GET /ws of ttyd, subprotocol tty
 */
#ifndef MD_BENCH_CHANNEL_H
#define MD_BENCH_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum channel_kind { CHANNEL_PTY, CHANNEL_MDOCKER, CHANNEL_TTYD };

struct channel {
	enum channel_kind kind;
	int fd;
	pid_t pid; /* of the shell on the PTY */

	char *buffer; /* what was received, from `at` to `len` not yet looked at */
	size_t at, len;
	uint64_t wire; /* bytes received, heads included, from the upgrade's reply on */

	int opcode; /* of the frame being read; -1: none */
	uint64_t left;
	size_t skip;      /* ttyd: bytes before the payload */
	char text[65536]; /* the text frame, or ping, being gathered */
	size_t text_len;

	bool greeted; /* hello has come */
	uint64_t offset, acknowledged;
	uint64_t snapshot; /* bytes of it yet to come; they have no offset */
};

/* Opens it; ends the program with a message if that fails. The descriptor blocks. */
void channel_open(struct channel *c, const char *name);
void channel_close(struct channel *c);

/* Resets the connection instead of closing it: the server learns of it by an error. */
void channel_abandon(struct channel *c);

void channel_send(struct channel *c, const void *data, size_t len);

/* The next terminal bytes of what was received, valid until the next call; 0: receive first. */
size_t channel_next(struct channel *c, const char **ret);

/* Waits at most `ms` (-1: for good) for bytes and receives them. False: none came, or with *ended the other side has closed. */
bool channel_receive(struct channel *c, int ms, bool *ended);

_Noreturn void fail(const char *what);

#endif
