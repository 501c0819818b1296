/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_link.h - web's end of a connection to a shim, on the libuv loop. The broker has connected it, said HELLO and fixed there
 * what it is good for.
 */
#ifndef MD_SERVER_SHIM_LINK_H
#define MD_SERVER_SHIM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/shim_wire.h"

struct shim_link;

struct shim_link_events {
	/* One message. `fd` (-1: none) came with it and is the callee's. May call shim_link_free(). */
	void (*message)(const struct shim_msg *m, int fd, void *data);
	/* After a round of messages: nothing more is there for now. Not called after shim_link_free(). */
	void (*quiet)(void *data);
	/* The shim is gone or broke the protocol. */
	void (*ended)(void *data);
	/* There is room again after shim_link_send() had none. */
	void (*writable)(void *data);
};

/* Takes `fd` over, on failure (NULL) too. `events` must live as long. */
struct shim_link *shim_link_new(int fd, const struct shim_link_events *events, void *data);
void shim_link_free(struct shim_link *l);

/* Sends a message. 1: sent; 0: no room now, `writable` will be called; -1: broken, `ended` will be called. */
int shim_link_send(struct shim_link *l, const struct shim_msg *m);

/* Stops or goes on reading: how a slow browser holds the shim back. */
void shim_link_pause(struct shim_link *l, bool paused);

#endif
