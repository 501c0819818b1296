/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_client.h - a small blocking client of shim.sock: connect, say hello, ask and wait. For
 * the command line; one that serves many connections codes against shim_wire.h.
 */
#ifndef MD_WIRE_SHIM_CLIENT_H
#define MD_WIRE_SHIM_CLIENT_H

#include "base/error.h"
#include "wire/shim_wire.h"

struct shim_client {
	int fd; /* the socket, for poll(2); -1 while closed */
	uint32_t last_serial;
	uint16_t version; /* the shim's */
	char *packet; /* owned: SHIM_MAX_PACKET bytes; the message received last points into it */
};

#define SHIM_CLIENT_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Connects and exchanges HELLO. `flags` are SHIM_HELLO_*, `label` may be NULL. On failure nothing
 * is open. */
int shim_client_open(struct shim_client *c, const char *socket_path, uint16_t flags,
	const char *label, struct md_error *err);
void shim_client_close(struct shim_client *c);
#define _auto_shim_client_ _auto_(shim_client_close)

/* Sends one message, with `fds`; if its serial is 0 it gets the next one, which is also stored in
 * *m. */
int shim_client_send(struct shim_client *c, struct shim_msg *m, const int *fds, size_t fd_count,
	struct md_error *err);

/* Whether that failed because the shim has ended the connection. What it said before that can still be received. */
bool shim_client_is_gone(const struct md_error *err);

/* Waits for the next message, whatever it is, at most `timeout_ms` (-1: for good). 1: *ret is
 * filled (until the next call); 0: the shim closed the connection; -1 with ETIMEDOUT or another
 * failure. Unknown types are skipped. */
int shim_client_receive(
	struct shim_client *c, struct shim_msg *ret, int timeout_ms, struct md_error *err);

/* Sends a request and waits for its answer; messages with other serials are thrown away (not for
 * attached connections). An ERROR is -1 with its errno and text in `err`, and *ret holds it
 * (exit_code). */
int shim_client_ask(struct shim_client *c, struct shim_msg *request, const int *fds,
	size_t fd_count, struct shim_msg *ret, int timeout_ms, struct md_error *err);

#endif
