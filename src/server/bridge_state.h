/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge_state.h - a bridge, between its files: bridge.c (its course: opened, checked, closed), bridge_shim.c (what comes from the shim),
 * bridge_browser.c (what comes from the browser), bridge_output.c (what waits for the browser).
 */
#ifndef MD_SERVER_BRIDGE_STATE_H
#define MD_SERVER_BRIDGE_STATE_H

#include "base/buf.h"
#include "server/bridge.h"
#include "server/bridge_output.h"
#include "server/ring_view.h"
#include "server/shim_link.h"
#include "wire/broker_wire.h"
#include "wire/shim_wire.h"

enum {
	BRIDGE_SNAPSHOT = 16 << 20, /* most of a screen */
	BRIDGE_WAITING = 128 << 10, /* typed, not yet taken by the shim */
	BRIDGE_ATTACH = 2,          /* the serial of our ATTACH; the broker's HELLO had 1 */
};

/* RFC 6455, 7.4.1; from 4000 on our own, of what will not go another time either */
enum close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_PROTOCOL = 1002,
	CLOSE_POLICY = 1008,
	CLOSE_TOO_BIG = 1009,
	CLOSE_BAD_DATA = 1007,
	CLOSE_FAILED = 1011,
	CLOSE_NO_PICTURES = 4001, /* the wall wants pictures of a shim that is older than them */
};

struct bridge {
	struct bridge *next, **at; /* in web.bridges */
	struct lws *wsi;
	struct shim_link *shim; /* NULL until the workspace is open */
	struct pending *opening, *checking;
	bool plain; /* no subprotocol: bytes only */
	bool late;  /* whose it is, auth has not said yet */
	bool live;  /* attached: what is typed goes to the shim */
	bool came;  /* the audit log was told so, and will be told of the end */
	bool held;  /* the browser is told to wait */
	uint8_t token[BW_TOKEN_SIZE];
	struct bw_session session;
	char address[BW_ADDRESS_SIZE];
	char of[BW_NAME_SIZE]; /* an admin is at this user's terminal; "": at one of the session's own user */
	bool helps;            /* that admin wants to type */
	bool can_type;
	uint64_t visit;  /* to the wall, for which this is a picture; 0: for a page of its own */
	int64_t touched; /* seconds, monotonic: when auth last heard of activity */

	struct shim_attach wanted;
	struct shim_attached attached;
	struct buf snapshot;
	struct ring_view ring;
	uint16_t version;  /* of the shim's protocol; 0: not told yet */
	uint64_t expected; /* the output byte that comes next */
	bool gap;          /* some were lost to the ring: a snapshot is on its way */

	/* From the browser. */
	struct buf waiting; /* typed, not yet sent */
	struct buf text;    /* a text message in parts */
	size_t message_len;

	struct bridge_output out;   /* to the browser */
	enum close_code close_code; /* 0: stays open */
	bool closed;                /* libwebsockets was told to close */
	bool close_now;             /* what is queued isn't sent any more */
	char close_text[124];
};

/* bridge.c */
/* Asks the shim for the terminal. */
void bridge_attach(struct bridge *b);
/* Closes once what is queued was sent, or with `now` without it. The first reason stays. */
void bridge_close(struct bridge *b, enum close_code code, const char *text, bool now);
/* For a callback of libwebsockets: what it returns so that the close frame with the reason is sent. */
int bridge_say_why(struct bridge *b);
/* Queues a text message; nothing for a plain client. */
void bridge_send_text(struct bridge *b, const struct buf *text);
/* Writes what the socket takes; the shim goes on when little is left. -1: the connection is gone. */
int bridge_write(struct bridge *b);
/* Who came to which terminal, or went. */
void bridge_audit(const struct bridge *b, bool came);
/* Typing keeps a login alive; what a program prints doesn't. */
void bridge_note_activity(struct bridge *b);

/* bridge_shim.c */
extern const struct shim_link_events bridge_shim_events;

/* bridge_browser.c */
/* Stops or goes on reading from the browser. */
void bridge_hold(struct bridge *b, bool hold);
/* Sends what was typed and waits; the browser is held while it doesn't go. */
void bridge_flush(struct bridge *b);

#endif
