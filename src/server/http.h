/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - one HTTP request from its headers to its reply, above libwebsockets.
 *
 * A handler gets a `struct request` and answers it with one of the http_reply_* functions, at once or later (after a question to
 * auth, the broker or a shim). If the client goes away first, http.c calls `abandoned`, where the handler cancels what
 * it waits for. A request is freed by http.c alone.
 */
#ifndef MD_SERVER_HTTP_H
#define MD_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "wire/broker_wire.h"

enum {
	HTTP_MAX_PATH = 8192, /* request line */
	HTTP_MAX_BODY = 1 << 20,
	HTTP_MAX_PARAM = 64,
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OTHER, /* none that any route takes */
};

struct asset;
struct conn;
struct pending;
struct route;

struct request {
	struct conn *conn;
	enum http_method method;
	const char *path; /* below the base path; points into path_text */
	char path_text[HTTP_MAX_PATH + 1];
	char host[BW_TEXT_SIZE];
	char address[BW_ADDRESS_SIZE]; /* the client's, through trusted proxies */
	bool secure;                   /* it came over TLS, here or at a trusted proxy */
	bool has_token;
	uint8_t token[BW_TOKEN_SIZE];
	struct bw_session session; /* of routes that want one */
	const struct route *route;
	char param[HTTP_MAX_PARAM]; /* what stood for {} in the route */
	char of[BW_NAME_SIZE]; /* another user, whom an admin asks about; "": none (request_whose()) */

	size_t body_expected;
	struct buf body;
	struct json_doc json; /* of routes that take JSON */
	/* All of it is there: it was given to its route, or refused, or is once auth has answered. */
	bool handled;

	/* Whose it is, as auth says (routes.c). */
	enum bw_status whose;
	bool late; /* the answer comes after the headers were dealt with */

	/* What it waits for: that answer, then what the handler asks for. */
	struct pending *pending;
	void (*abandoned)(struct request *q);
	void *data;

	/* The reply. */
	bool replied;
	struct buf head;
	struct buf text;           /* a body of our own, or */
	const struct asset *asset; /* a file of the table, or */
	int file;                  /* a descriptor (owned) of a regular file, -1: none */
	size_t file_len;
	bool head_sent;
	size_t body_sent;
};

/* A JSON reply whose text the caller has written into q->text (empty: "{}"). */
void http_reply_json(struct request *q, int status);
/* {"error": text, "code": code}; a page with the text for a browser that opens the address. */
void http_reply_error(struct request *q, int status, const char *code, const char *text);
/* 308 to `folder` with a slash behind it. */
void http_reply_moved(struct request *q, const char *folder);
/* As an error, with Retry-After. */
void http_reply_wait(
	struct request *q, int status, const char *code, const char *text, uint32_t seconds);
/* A status of auth's or the broker's in HTTP's words; `text` (may be NULL or empty) over the usual words. */
void http_reply_status(struct request *q, enum bw_status status, const char *text);
void http_reply_asset(struct request *q, const struct asset *file);

/* All that `fd` (taken over) holds at present; it grows for all we care, but an end that comes too early breaks the connection. */
void http_reply_file(struct request *q, int fd, const char *type);

/* Adds "Set-Cookie" to the reply that comes: the session's secret, or with NULL the end of it. */
void http_set_session(struct request *q, const uint8_t token[BW_TOKEN_SIZE]);

/* The JSON object of the body. On failure the 400 is already replied. */
int http_json(struct request *q, struct json_node *ret);

/* A terminal's id in an address: digits, not 0. */
bool http_read_id(const char *text, uint32_t *ret);

/* The same as a member of the body: a string, as we write ids, or a number. True, and *ret as it was, if it is absent. */
bool http_member_id(const struct json_node *body, const char *key, uint32_t *ret);

/* Begins the JSON reply in q->text. */
struct json_writer http_json_writer(struct request *q);

/* A header as text, "" if absent; false if it is longer than the room. */
bool http_header(const struct request *q, const char *name, char *to, size_t size);

/* The value of ?name= in the request line; false if absent or too long. `name` ends with "=". */
bool http_query(const struct request *q, const char *name, char *to, size_t size);

#endif
