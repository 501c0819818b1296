/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - web's questions to auth and to the broker.
 */
#ifndef MD_SERVER_PEERS_H
#define MD_SERVER_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/broker_wire.h"

struct pending;

/* Called with the answer; `fd` (-1: none) is the callee's. NULL: whoever was asked is gone. */
typedef void (*peers_done)(const union bw_message *answer, int fd, void *data);

/* Starts watching the sockets (already in web.broker_fd and web.auth_fd). */
int peers_open(struct md_error *err);

/* Sends *m and has `done` called later, once. Returns a handle for peers_cancel(), or NULL if it could not be sent (done is not
 * called then). */
struct pending *peers_ask_auth(union bw_message *m, peers_done done, void *data);
struct pending *peers_ask_broker(union bw_message *m, peers_done done, void *data);
/* The asker is gone: done will not be called; a descriptor that comes is closed. */
void peers_cancel(struct pending *p);

/* Sends without an answer. */
void peers_audit(
	enum bw_event event, bool failed, const char *user, const char *address, const char *text);

/* Whose token is it? Waits for auth, which answers from its database in well under a millisecond, at most 2 s. BW_OK and
 * *ret, BW_DENIED, or BW_FAILED when auth can't be asked. */
enum bw_status peers_check(
	const uint8_t token[BW_TOKEN_SIZE], bool is_link, bool touch, struct bw_session *ret);

#endif
