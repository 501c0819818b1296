/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_watch.h - what clients send is looked at before libwebsockets reads it, over TLS too. libwebsockets 4.1 takes frames
 * without a mask, and has no callback in which that could be seen; docs/decisions/frames-without-a-mask.md.
 */
#ifndef MD_SERVER_FRAME_WATCH_H
#define MD_SERVER_FRAME_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "server/frame_check.h"

struct conn;

/* Of a connection. */
struct frame_watch {
	int fd;        /* -1: not watched */
	uint32_t last; /* the last four bytes that came before the upgrade */
	struct frame_check check;
};

/* Watches what comes from `fd` until frame_watch_end(). -1: no memory. */
int frame_watch_begin(struct conn *c, int fd);
void frame_watch_end(struct conn *c);

/* A client waits for the answer before it sends frames (RFC 6455, 4.1): has nothing come behind the request's headers? */
bool frame_watch_is_quiet(const struct conn *c);

#endif
