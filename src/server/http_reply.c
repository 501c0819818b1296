/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/http_reply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/assets.h"
#include "server/guard.h"
#include "server/web.h"
#include "base/poison.h"

/* clang-format off */
static const struct {
	int status;
	const char *words;
} statuses[] = {
	{ 200, "OK" }, { 201, "Created" }, { 304, "Not Modified" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 409, "Conflict" },
	{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 421, "Misdirected Request" }, { 426, "Upgrade Required" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
};

static const struct {
	int http;
	const char *code, *text;
} by_status[BW_STATUS_COUNT] = {
	[BW_OK] = { 200, "ok", "done" },
	[BW_DENIED] = { 401, "no_session", "log in first" },
	[BW_FORBIDDEN] = { 403, "forbidden", "not allowed" },
	[BW_LIMITED] = { 429, "too_many_tries", "too many failed tries, wait a little" },
	[BW_BUSY] = { 429, "busy", "too much at once, try again in a moment" },
	[BW_INVALID] = { 400, "invalid", "a value is not acceptable" },
	[BW_EXISTS] = { 409, "exists", "it exists already" },
	[BW_NOT_FOUND] = { 404, "not_found", "there is no such thing" },
	[BW_FAILED] = { 503, "unavailable", "the server can't do this now" },
};

/* On every reply; %s is more that scripts may do. xterm.js writes style attributes, hence 'unsafe-inline' there and nowhere else. */
#define SECURITY_HEADERS                                                                           \
	"content-security-policy: default-src 'none'; script-src 'self'%s; connect-src 'self'; " \
	"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; " \
	"worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n" \
	"x-content-type-options: nosniff\r\n" \
	"x-frame-options: DENY\r\n" \
	"referrer-policy: no-referrer\r\n" \
	"cross-origin-opener-policy: same-origin\r\n" \
	"cross-origin-resource-policy: same-origin\r\n" \
	"permissions-policy: camera=(), microphone=(), geolocation=(), usb=()\r\n"
/* clang-format on */

static const char *status_words(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (statuses[i].status == status)
			return statuses[i].words;
	}
	return "Unknown";
}

/* q->head may already hold header lines (a cookie, Retry-After): they go behind the status line. */
static void begin_reply(
	struct request *q, int status, const char *type, size_t len, const char *more)
{
	_auto_free_ char *extra = strdup(buf_str(&q->head));

	if (q->replied) {
		log_error("a second reply to %s", q->path);
		return;
	}
	buf_reset(&q->head);
	buf_addf(&q->head, "HTTP/1.1 %d %s\r\n" SECURITY_HEADERS "%s%s", status,
		status_words(status), web.settings.images ? " 'wasm-unsafe-eval'" : "",
		extra ? extra : "", more);
	if (q->secure)
		buf_add_str(&q->head, "strict-transport-security: max-age=31536000\r\n");
	if (q->conn->close_after)
		buf_add_str(&q->head, "connection: close\r\n");
	if (status != 304)
		buf_addf(&q->head, "content-type: %s\r\ncontent-length: %zu\r\n", type, len);
	buf_add_str(&q->head, "\r\n");
	if (q->head.failed)
		q->conn->close_after = true;
	q->replied = true;
	/* Inside the callback that brings the request in, the caller asks for this itself. */
	if (q->handled)
		lws_callback_on_writable(q->conn->wsi);
}

struct json_writer http_json_writer(struct request *q)
{
	buf_reset(&q->text);
	return (struct json_writer){ .out = &q->text };
}

void http_reply_json(struct request *q, int status)
{
	if (q->text.failed) {
		buf_reset(&q->text);
		status = 500;
	}
	if (!q->text.len)
		buf_add_str(&q->text, "{}");
	buf_add_char(&q->text, '\n');
	begin_reply(q, status, "application/json", q->text.len, "cache-control: no-store\r\n");
}

/* What somebody reads who typed a wrong address, or followed one. */
#define ERROR_PAGE                                                                                 \
	"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"                                \
	"<meta name=\"viewport\" content=\"width=device-width\">"                                  \
	"<meta name=\"color-scheme\" content=\"dark light\"><title>%d \302\267 MiniDocker</title>" \
	"<style>body{display:grid;place-content:center;min-height:90vh;margin:0 16px;"             \
	"text-align:center;font:16px/1.5 "                                                         \
	"system-ui,sans-serif}h1{margin:0}p::first-letter{text-transform:uppercase}</style>"       \
	"<h1>%d</h1><p>"

static void add_html(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&\"", *text))
			buf_addf(out, "&#%d;", *text);
		else
			buf_add_char(out, *text);
	}
}

/* A browser that opens an address wants a page; a script's fetch and other programs don't ask for one. */
static bool wants_page(const struct request *q)
{
	char accept[512];

	return q->method == HTTP_GET && http_header(q, "accept:", accept, sizeof(accept)) &&
	       strstr(accept, "text/html");
}

static void reply_page(struct request *q, int status, const char *text)
{
	buf_reset(&q->text);
	buf_addf(&q->text, ERROR_PAGE, status, status);
	add_html(&q->text, text);
	buf_add_str(&q->text, ".</p><p><a href=\"");
	add_html(&q->text, web.settings.base_path);
	buf_add_str(&q->text, "/\">MiniDocker</a></p>\n");
	begin_reply(
		q, status, "text/html; charset=utf-8", q->text.len, "cache-control: no-store\r\n");
}

void http_reply_error(struct request *q, int status, const char *code, const char *text)
{
	struct json_writer w;

	if (wants_page(q)) {
		reply_page(q, status, text);
		return;
	}
	w = http_json_writer(q);

	json_object_begin(&w, NULL);
	json_add_string(&w, "error", text);
	json_add_string(&w, "code", code);
	json_object_end(&w);
	http_reply_json(q, status);
}

void http_reply_moved(struct request *q, const char *folder)
{
	buf_addf(&q->head, "location: %s/\r\n", folder);
	http_reply_error(q, 308, "moved", "the page is a folder: with a slash at the end");
}

void http_reply_wait(
	struct request *q, int status, const char *code, const char *text, uint32_t seconds)
{
	buf_addf(&q->head, "retry-after: %u\r\n", seconds);
	http_reply_error(q, status, code, text);
}

void http_reply_status(struct request *q, enum bw_status status, const char *text)
{
	const char *words = text && *text ? text : by_status[status].text;

	if (status == BW_OK)
		http_reply_json(q, 200);
	else if (by_status[status].http == 429)
		http_reply_wait(q, 429, by_status[status].code, words, 2);
	else
		http_reply_error(q, by_status[status].http, by_status[status].code, words);
}

void http_reply_asset(struct request *q, const struct asset *file)
{
	char known[256], more[256];

	snprintf(more, sizeof(more), "etag: %s\r\ncache-control: %s\r\n", file->etag,
		file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
	if (http_header(q, "if-none-match:", known, sizeof(known)) && strstr(known, file->etag)) {
		begin_reply(q, 304, "", 0, more);
		return;
	}
	q->asset = file;
	begin_reply(q, 200, file->type, file->len, more);
}

void http_set_session(struct request *q, const uint8_t token[BW_TOKEN_SIZE])
{
	char text[GUARD_TOKEN_TEXT + 1] = "";

	if (token)
		guard_token_encode(token, text);
	/* __Host- binds it to this host and to TLS; on plain http (loopback) browsers refuse that. */
	buf_addf(&q->head, "set-cookie: %s=%s; Path=/; HttpOnly; SameSite=Strict%s%s\r\n",
		http_cookie_name(q), text, q->secure ? "; Secure" : "", token ? "" : "; Max-Age=0");
	explicit_bzero(text, sizeof(text));
}

bool http_read_id(const char *text, uint32_t *ret)
{
	uint64_t id;

	if (str_to_u64(text, UINT32_MAX, &id) < 0 || id == 0)
		return false;
	*ret = (uint32_t)id;
	return true;
}

bool http_member_id(const struct json_node *body, const char *key, uint32_t *ret)
{
	struct json_node member;
	const char *text;
	uint64_t id;

	if (!json_member(body, key, &member))
		return true;
	if (json_as_u64(&member, UINT32_MAX, &id, NULL) == 0) {
		*ret = (uint32_t)id;
		return true;
	}
	return json_as_string(&member, &text, NULL) == 0 && http_read_id(text, ret);
}

int http_json(struct request *q, struct json_node *ret)
{
	struct md_error err = MD_ERROR_INIT;
	bool empty = q->body.len == 0;

	if ((q->json.root || json_parse(&q->json, empty ? "{}" : q->body.data,
				     empty ? 2 : q->body.len, &err) == 0) &&
		json_root(&q->json, ret, &err) == 0)
		return 0;
	http_reply_error(q, 400, "bad_json", err.msg);
	return -1;
}

void http_reply_file(struct request *q, int fd, const char *type)
{
	off_t len = lseek(fd, 0, SEEK_END);

	q->file = fd;
	if (len < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		http_reply_status(q, BW_FAILED, NULL);
		return;
	}
	q->file_len = (size_t)len;
	begin_reply(q, 200, type, q->file_len, "cache-control: no-store\r\n");
}

static size_t body_length(const struct request *q)
{
	if (q->method == HTTP_HEAD)
		return 0;
	return q->asset ? q->asset->len : q->file_len ? q->file_len : q->text.len;
}

/* The next `part` bytes of the body. -1: the file has become shorter. */
static int copy_body(const struct request *q, unsigned char *to, size_t part)
{
	const char *from = q->asset ? q->asset->data : buf_str(&q->text);

	if (q->file_len)
		return part ? fd_read_exactly(q->file, to, part) : 0;
	memcpy(to, from + q->body_sent, part);
	return 0;
}

int http_send_part(struct request *q, size_t chunk, bool *ret_more)
{
	static unsigned char room[LWS_PRE + (64 << 10)];
	struct lws *wsi = q->conn->wsi;
	size_t len = body_length(q), part;

	if (!q->head_sent) {
		/* With as much of the body as fits: small replies are one packet. */
		memcpy(room + LWS_PRE, q->head.data, q->head.len);
		part = MD_MIN(len, sizeof(room) - LWS_PRE - q->head.len);
		if (copy_body(q, room + LWS_PRE + q->head.len, part) < 0)
			return -1;
		q->head_sent = true;
		q->body_sent = part;
		*ret_more = part < len;
		part += q->head.len;
		return lws_write(wsi, room + LWS_PRE, part, LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
	}
	part = MD_MIN(MD_MIN(len - q->body_sent, chunk), sizeof(room) - LWS_PRE);
	if (copy_body(q, room + LWS_PRE, part) < 0)
		return -1;
	q->body_sent += part;
	*ret_more = q->body_sent < len;
	return lws_write(wsi, room + LWS_PRE, part,
		       *ret_more ? LWS_WRITE_HTTP : LWS_WRITE_HTTP_FINAL) < 0
		       ? -1
		       : 0;
}

void http_send_now(struct request *q)
{
	unsigned char room[LWS_PRE + 12288];
	size_t len = body_length(q);

	if (q->head.len + len > sizeof(room) - LWS_PRE)
		return;
	memcpy(room + LWS_PRE, q->head.data, q->head.len);
	if (copy_body(q, room + LWS_PRE + q->head.len, len) < 0)
		return;
	lws_write(q->conn->wsi, room + LWS_PRE, q->head.len + len, LWS_WRITE_HTTP_HEADERS);
}
