/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web.h - the state of the network-facing role, between its files:
 *   web.c (start, TLS, end)  web_accept.c (connections, their limit per address)  http.c (libwebsockets' callbacks, requests,
 *   replies)  routes.c (the table, the checks before a handler)  api_*.c (handlers)  peers.c (questions to auth and broker)
 *   shim_link.c (a connection to a shim)  bridge.c (WebSocket <-> shim)  assets.c (the page's files)
 * Everything runs on one libuv loop; nothing blocks but the look-up of a session, for a moment (peers_await()).
 */
#ifndef MD_SERVER_WEB_H
#define MD_SERVER_WEB_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "server/assets.h"
#include "server/frame_watch.h"
#include "wire/broker_wire.h"

struct bridge;
struct pending;
struct request;
struct shim_link;

enum { WEB_ADDRESS_BUCKETS = 1024, WEB_SOCKET_NAME_MAX = 64 };

/* Connections without a login, of one address. */
struct address_count {
	char address[BW_ADDRESS_SIZE];
	uint32_t count;
	bool told; /* that it has as many as it may; until one of them goes */
	struct address_count *next;
};

struct web {
	uv_loop_t loop;
	struct lws_context *lws;
	struct lws_vhost *vhost; /* new connections go here; a new certificate makes a new one */
	uint32_t vhost_count;
	struct bw_settings settings;
	struct assets assets;
	uv_poll_t listener, broker_poll;
	uv_poll_t *auth_poll;
	uv_timer_t rest;        /* of the listener, when there is no room for connections */
	int broker_fd, auth_fd; /* auth_fd is -1 while auth is being restarted */
	bool auth_is_late;      /* it has been waited for in vain (peers_await()) */
	uint32_t last_id;
	struct pending *pending;
	struct bridge *bridges;
	struct address_count *addresses[WEB_ADDRESS_BUCKETS];
};

extern struct web web;

/* One accepted socket, from accept(2) until libwebsockets has closed it. */
struct conn {
	struct lws *wsi;
	char peer[BW_ADDRESS_SIZE]; /* who is at the other end of the socket */
	bool counted;               /* in web.addresses */
	bool close_after;           /* the reply in hand is the last one */
	struct request *request;    /* the one being handled */
	struct bridge *bridge;      /* once upgraded, or about to be */
	struct frame_watch frames;  /* what it sends, before libwebsockets reads it */
};

/* web_accept.c */
int web_listen(int fd, struct md_error *err);
/* The connection is of somebody logged in (or closed): it counts no more. */
void web_uncount(struct conn *c);

/* http.c: the one callback of all protocols. */
int http_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

#endif
