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

/* Waits for the answer to a question to auth, which comes from its database in well under a millisecond: until *question, which `done`
 * sets to NULL, is that. A quarter of a second at most, for meanwhile nothing else is served, and not at all while auth is known to be
 * late: it has let such a question wait and said nothing since. */
void peers_await(struct pending *const *question);

#endif
