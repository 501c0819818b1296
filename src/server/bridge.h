/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge.h - one WebSocket and the terminal that it shows: bytes and messages between the browser and the shim, in both directions
 * no faster than the slower side takes them, with bounded memory.
 *
 * Course: bridge_new() before the upgrade (everything that can be refused was, unless auth is late: then it is asked again and waited for behind
 * the upgrade), bridge_start() after it asks the broker for the workspace, then attaches. Calls about a bridge that is NULL are errors of the connection (-1).
 */
#ifndef MD_SERVER_BRIDGE_H
#define MD_SERVER_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

struct bridge;
struct lws;
struct request;

/* Remembers what the request asked for: session, ?terminal= ?from= ?rows= ?cols=. NULL: no memory. */
struct bridge *bridge_new(const struct request *q);
/* How many wait to hear from auth whose they are. */
size_t bridge_count_late(void);
/* The client broke the rules of frames; `why` lasts. */
void bridge_broke_protocol(struct bridge *b, const char *why);

void bridge_free(struct bridge *b);

/* The callbacks of libwebsockets; they return -1 to close the connection. */
int bridge_start(struct bridge *b, struct lws *wsi);
int bridge_receive(struct bridge *b, const void *data, size_t len);
int bridge_writeable(struct bridge *b);
int bridge_timer(struct bridge *b);

/* The session or link (its number on the wire) is over: its sockets close with 1008. */
void bridge_revoke(uint64_t session);

/* Auth is another process than before: asks it about every bridge's session. */
void bridge_check_all(void);

#endif
