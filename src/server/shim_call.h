/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_call.h - one question to the shim of the request's user, for handlers: opens the workspace (the broker does), asks over
 * a connection of its own, gives the answers to a callback, closes.
 */
#ifndef MD_SERVER_SHIM_CALL_H
#define MD_SERVER_SHIM_CALL_H

#include "server/http.h"
#include "wire/shim_wire.h"

/* An answer to the question (ERROR is handled here). Replies to `q` and returns true when it was the last one. */
typedef bool (*shim_call_answer)(struct request *q, const struct shim_msg *m);

/* Asks *m (its tail is copied). If anything fails the reply is an error; if the client goes away all is dropped. */
void shim_call(struct request *q, const struct shim_msg *m, shim_call_answer answer);

#endif
