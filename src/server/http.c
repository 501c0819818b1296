/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/http.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "server/assets.h"
#include "server/bridge.h"
#include "server/guard.h"
#include "server/http_reply.h"
#include "server/peers.h"
#include "server/routes.h"
#include "server/tls.h"
#include "server/web.h"
#include "base/poison.h"

enum {
	REPLY_SECONDS = 60, /* for the client to take the next part of a reply */
	CHUNK = 64 << 10,
};

static const struct {
	enum lws_token_indexes token;
	enum http_method method;
} methods[] = {
	{ WSI_TOKEN_GET_URI, HTTP_GET },
	{ WSI_TOKEN_HEAD_URI, HTTP_HEAD },
	{ WSI_TOKEN_POST_URI, HTTP_POST },
	{ WSI_TOKEN_PATCH_URI, HTTP_PATCH },
	{ WSI_TOKEN_DELETE_URI, HTTP_DELETE },
	{ WSI_TOKEN_PUT_URI, HTTP_OTHER },
	{ WSI_TOKEN_OPTIONS_URI, HTTP_OTHER },
};

/* Headers that libwebsockets stores under numbers; others are found by name. */
static const struct {
	const char *name;
	enum lws_token_indexes token;
} known_headers[] = {
	{ "host:", WSI_TOKEN_HOST },
	{ "origin:", WSI_TOKEN_ORIGIN },
	{ "cookie:", WSI_TOKEN_HTTP_COOKIE },
	{ "accept:", WSI_TOKEN_HTTP_ACCEPT },
	{ "content-type:", WSI_TOKEN_HTTP_CONTENT_TYPE },
	{ "content-length:", WSI_TOKEN_HTTP_CONTENT_LENGTH },
	{ "transfer-encoding:", WSI_TOKEN_HTTP_TRANSFER_ENCODING },
	{ "if-none-match:", WSI_TOKEN_HTTP_IF_NONE_MATCH },
	{ "x-forwarded-for:", WSI_TOKEN_X_FORWARDED_FOR },
	{ "sec-websocket-key:", WSI_TOKEN_KEY },
	{ "sec-websocket-version:", WSI_TOKEN_VERSION },
};

bool http_header(const struct request *q, const char *name, char *to, size_t size)
{
	struct lws *wsi = q->conn->wsi;
	int n;

	to[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(known_headers); i++) {
		if (!str_eq(name, known_headers[i].name))
			continue;
		n = lws_hdr_total_length(wsi, known_headers[i].token);
		if (n == 0)
			return true;
		return (size_t)n < size &&
		       lws_hdr_copy(wsi, to, (int)size, known_headers[i].token) >= 0;
	}
	n = lws_hdr_custom_length(wsi, name, (int)strlen(name));
	if (n <= 0)
		return true;
	return (size_t)n < size &&
	       lws_hdr_custom_copy(wsi, to, (int)size, name, (int)strlen(name)) >= 0;
}

bool http_query(const struct request *q, const char *name, char *to, size_t size)
{
	char part[512];

	for (int i = 0; i < 32; i++) {
		int n = lws_hdr_copy_fragment(
			q->conn->wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i);

		if (n == -1)
			return false;
		if (n < 0 || !str_starts(part, name))
			continue;
		if (strlen(part + strlen(name)) >= size)
			return false;
		broker_wire_put(to, size, part + strlen(name));
		return true;
	}
	return false;
}

static void request_free(struct request *q)
{
	if (!q)
		return;
	if (q->abandoned)
		q->abandoned(q);
	peers_cancel(q->pending);
	json_done(&q->json);
	fd_close(&q->file);
	if (q->body.data)
		sodium_memzero(q->body.data, q->body.capacity);
	buf_done(&q->body);
	buf_done(&q->head);
	buf_done(&q->text);
	sodium_memzero(q, sizeof(*q));
	free(q);
}

/* The request line below the base path. A path that is not below it is left as it is and fits no route. */
static int read_path(struct request *q)
{
	const char *base = web.settings.base_path;
	size_t base_len = strlen(base);

	q->method = HTTP_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int n = lws_hdr_total_length(q->conn->wsi, methods[i].token);

		if (n <= 0)
			continue;
		if (n > HTTP_MAX_PATH || lws_hdr_copy(q->conn->wsi, q->path_text,
						 sizeof(q->path_text), methods[i].token) < 0)
			return -1;
		q->method = methods[i].method;
		break;
	}
	q->path = "";
	if (!str_starts(q->path_text, base))
		return 0;
	if (q->path_text[base_len] == '/')
		q->path = q->path_text + base_len;
	return 0;
}

static void read_origin_of_request(struct request *q)
{
	char value[1024];

	q->secure = web.settings.tls;
	BW_PUT(q->address, q->conn->peer);
	if (!guard_is_proxy(&web.settings, q->conn->peer))
		return;
	if (http_header(q, "x-forwarded-proto:", value, sizeof(value)) && value[0])
		q->secure = strcasecmp(value, "https") == 0;
	if (http_header(q, "x-forwarded-for:", value, sizeof(value)))
		guard_forwarded_for(&web.settings, value, q->address);
}

const char *http_cookie_name(const struct request *q)
{
	return q->secure ? "__Host-mdocker" : "mdocker";
}

/* What the length of the body is; false where that is not beyond doubt, the stuff that smuggled requests are made of. */
static bool read_length(struct request *q)
{
	char value[64];
	uint64_t n = 0;

	if (lws_hdr_total_length(q->conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return false;
	if (!http_header(q, "content-length:", value, sizeof(value)))
		return false;
	if (value[0] && str_to_u64(value, UINT64_MAX, &n) < 0)
		return false;
	q->body_expected = (size_t)MD_MIN(n, (uint64_t)SIZE_MAX);
	return true;
}

static struct request *request_new(struct conn *c)
{
	struct request *q = calloc(1, sizeof(*q));
	char cookies[4096];

	if (!q)
		return NULL;
	q->conn = c;
	q->file = -1;
	buf_init(&q->body, HTTP_MAX_BODY);
	buf_init(&q->head, 8192);
	buf_init(&q->text, 4 << 20);
	c->request = q;
	if (read_path(q) < 0) {
		c->close_after = true;
		http_reply_error(q, 414, "too_long", "the address is too long");
		return q;
	}
	read_origin_of_request(q);
	if (!http_header(q, "host:", q->host, sizeof(q->host)) || !q->host[0]) {
		c->close_after = true;
		http_reply_error(q, 400, "bad_host", "one Host header is needed");
	} else if (!read_length(q)) {
		c->close_after = true;
		http_reply_error(q, 400, "bad_length", "the length of the request is not clear");
	} else if (q->body_expected > HTTP_MAX_BODY) {
		c->close_after = true;
		http_reply_error(q, 413, "too_large", "the request is larger than 1 MiB");
	} else if (!http_header(q, "cookie:", cookies, sizeof(cookies))) {
		http_reply_error(q, 431, "too_long", "the cookies are too long");
	} else {
		q->has_token = guard_cookie_token(cookies, http_cookie_name(q), q->token);
		sodium_memzero(cookies, sizeof(cookies));
	}
	return q;
}

/* Writes the next part of the reply; at its end the connection is ready for the next request. */
static int on_writeable(struct conn *c)
{
	struct request *q = c->request;
	bool more;

	if (!q || !q->replied || !q->handled)
		return 0;
	if (http_send_part(q, CHUNK, &more) < 0)
		return -1;
	if (more) {
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, REPLY_SECONDS);
		lws_callback_on_writable(c->wsi);
		return 0;
	}
	c->request = NULL;
	request_free(q);
	if (c->close_after)
		return -1;
	return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

/* All of the body is there (or thrown away). What is answered at once goes out at once: a client that has closed its side of the
 * connection gets its reply, too. */
static int body_complete(struct request *q)
{
	if (q->handled)
		return 0;
	q->handled = true;
	lws_set_timeout(q->conn->wsi, NO_PENDING_TIMEOUT, 0);
	if (!q->replied)
		route_run(q);
	return on_writeable(q->conn);
}

static int on_request(struct conn *c)
{
	bool is_post = lws_hdr_total_length(c->wsi, WSI_TOKEN_POST_URI) > 0;
	bool has_length = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	struct request *q;

	if (c->request)
		return -1; /* the one before has no reply yet: nobody of good will does that */
	q = request_new(c);
	if (!q)
		return -1;
	if (!q->replied)
		route_begin(q);
	if (c->close_after) {
		/* What follows can't be trusted or is too much: say so and hang up. */
		http_send_now(q);
		return -1;
	}
	/* libwebsockets waits for a body if a POST names no length. There is none. */
	if (is_post && !has_length)
		c->close_after = true;
	if (q->body_expected == 0 && !(is_post && has_length))
		return body_complete(q);
	return 0;
}

static int on_body(struct conn *c, const void *data, size_t len)
{
	struct request *q = c->request;

	if (!q)
		return -1;
	if (!q->replied && len && buf_add(&q->body, data, len) < 0)
		return -1;
	return 0;
}

/* What RFC 6455, 4.2.1, asks of a handshake and libwebsockets lets pass. */
static bool handshake_is_sound(struct request *q)
{
	enum { KEY_TEXT = 24 }; /* 16 bytes in base64 */
	char key[64], version[16];

	return http_header(q, "sec-websocket-key:", key, sizeof(key)) && strlen(key) == KEY_TEXT &&
	       http_header(q, "sec-websocket-version:", version, sizeof(version)) &&
	       str_eq(version, "13");
}

/* Before the 101: everything that may refuse the upgrade does it here. 0 goes on with it, 1: a reply was sent. */
static int on_upgrade(struct conn *c, const char *to)
{
	struct request *q;
	int r;

	if (c->request || c->bridge)
		return -1;
	q = request_new(c);
	if (!q)
		return -1;
	if (!q->replied && (strcasecmp(to, "websocket") != 0 || q->method != HTTP_GET))
		http_reply_error(q, 400, "bad_upgrade", "only GET can be upgraded, to a WebSocket");
	if (!q->replied && !handshake_is_sound(q))
		http_reply_error(q, 400, "bad_upgrade",
			"only version 13 of WebSocket is spoken, with a key");
	if (!q->replied && !frame_watch_is_quiet(c))
		http_reply_error(q, 400, "bad_upgrade", "frames wait for the answer");
	if (!q->replied && route_allow_socket(q)) {
		c->bridge = bridge_new(q);
		if (!c->bridge)
			http_reply_error(q, 503, "no_room", "no room for another terminal");
	}
	r = 0;
	if (q->replied) {
		http_send_now(q);
		r = -1;
	}
	c->request = NULL;
	request_free(q);
	return r;
}

static void conn_free(struct conn *c)
{
	struct request *q = c->request;

	c->request = NULL;
	frame_watch_end(c);
	request_free(q);
	bridge_free(c->bridge);
	web_uncount(c);
	free(c);
}

static int on_http(struct conn *c, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return on_request(c);
	case LWS_CALLBACK_HTTP_BODY:
		return on_body(c, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return c->request ? body_complete(c->request) : -1;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return on_writeable(c);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(c, in);
	case LWS_CALLBACK_ESTABLISHED:
		return c->bridge ? bridge_start(c->bridge, c->wsi) : -1;
	case LWS_CALLBACK_RECEIVE:
		return bridge_receive(c->bridge, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return bridge_writeable(c->bridge);
	case LWS_CALLBACK_TIMER:
		if (c->request)
			route_give_up(c->request);
		return bridge_timer(c->bridge);
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_RAW_WRITEABLE:
		return -1; /* CONNECT, and what is no HTTP at all */
	default:
		return 0;
	}
}

int http_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *c;

	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
		return tls_fill_context(user);
	/* Callbacks about a context or a vhost come with a wsi that is none. */
	if (reason == LWS_CALLBACK_PROTOCOL_INIT || reason == LWS_CALLBACK_PROTOCOL_DESTROY ||
		reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED || !wsi)
		return 0;
	c = lws_get_opaque_user_data(wsi);
	if (!c)
		return 0;
	if (reason == LWS_CALLBACK_WSI_DESTROY) {
		lws_set_opaque_user_data(wsi, NULL);
		conn_free(c);
		return 0;
	}
	c->wsi = wsi;
	return on_http(c, reason, in, len);
}
