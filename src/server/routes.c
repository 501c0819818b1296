/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/routes.h"

#include <string.h>

#include "base/str.h"
#include "server/assets.h"
#include "server/bridge.h"
#include "server/guard.h"
#include "server/web.h"
#include "base/poison.h"

enum {
	SESSION_SECONDS = 5, /* for auth's late answer */
	LATE_MOST = 1024,    /* sockets that wait for one */
};

/* Most often the work of a proxy that takes the upgrade away. */
static void need_upgrade(struct request *q)
{
	http_reply_error(q, 426, "upgrade_required",
		"this is for WebSockets: a proxy must pass on the Upgrade and Connection headers");
}

/* clang-format off */
const struct route routes[] = {
	{ HTTP_GET,    "/healthz",                  ACCESS_PUBLIC, false, api_health },
	{ HTTP_GET,    "/api/v1/config",            ACCESS_PUBLIC, false, api_config },
	{ HTTP_POST,   "/api/v1/login",             ACCESS_PUBLIC, true,  api_login },
	{ HTTP_POST,   "/api/v1/logout",            ACCESS_USER,   true,  api_logout },
	{ HTTP_GET,    "/api/v1/me",                ACCESS_USER,   false, api_me },
	{ HTTP_POST,   "/api/v1/password",          ACCESS_USER,   true,  api_password },
	{ HTTP_GET,    "/api/v1/terminals",         ACCESS_USER,   false, api_terminals },
	{ HTTP_POST,   "/api/v1/terminals",         ACCESS_USER,   true,  api_terminal_new },
	{ HTTP_PATCH,  "/api/v1/terminals/{}",      ACCESS_USER,   true,  api_terminal_change },
	{ HTTP_DELETE, "/api/v1/terminals/{}",      ACCESS_USER,   true,  api_terminal_close },
	{ HTTP_GET,    "/api/v1/recordings",        ACCESS_USER,   false, api_recordings },
	{ HTTP_GET,    "/api/v1/recordings/{}",     ACCESS_USER,   false, api_recording },
	{ HTTP_DELETE, "/api/v1/recordings/{}",     ACCESS_USER,   true,  api_recording_remove },
	{ HTTP_GET,    "/api/v1/workspace",         ACCESS_USER,   false, api_workspace },
	{ HTTP_POST,   "/api/v1/workspace/stop",    ACCESS_USER,   true,  api_workspace_stop },
	{ HTTP_POST,   "/api/v1/workspace/restart", ACCESS_USER,   true,  api_workspace_restart },
	{ HTTP_GET,    "/api/v1/links",             ACCESS_USER,   false, api_links },
	{ HTTP_POST,   "/api/v1/links",             ACCESS_USER,   true,  api_link_make },
	{ HTTP_DELETE, "/api/v1/links/{}",          ACCESS_USER,   true,  api_link_revoke },
	{ HTTP_GET,    "/api/v1/users",             ACCESS_ADMIN,  false, api_users },
	{ HTTP_POST,   "/api/v1/users",             ACCESS_ADMIN,  true,  api_user_add },
	{ HTTP_PATCH,  "/api/v1/users/{}",          ACCESS_ADMIN,  true,  api_user_change },
	{ HTTP_DELETE, "/api/v1/users/{}",          ACCESS_ADMIN,  true,  api_user_remove },
	{ HTTP_GET,    "/api/v1/wall",              ACCESS_ADMIN,  false, api_wall },
	{ HTTP_GET,    "/ws",                       ACCESS_PUBLIC, false, need_upgrade },
	{ .pattern = NULL },
};
/* clang-format on */

static void deny(struct request *q, int status, const char *code, const char *text)
{
	peers_audit(BW_EVENT_DENIED, true, q->session.user, q->address, text);
	http_reply_error(q, status, code, text);
}

/* Changes are taken from our own pages only; a bare client sends neither header. */
static bool same_site(struct request *q)
{
	char origin[BW_TEXT_SIZE + 16], site[32];

	return http_header(q, "origin:", origin, sizeof(origin)) &&
	       guard_origin_allowed(&web.settings, q->secure, q->host, origin) &&
	       http_header(q, "sec-fetch-site:", site, sizeof(site)) &&
	       guard_fetch_site_allowed(site);
}

static bool host_is_ours(struct request *q)
{
	if (guard_host_allowed(&web.settings, q->host))
		return true;
	deny(q, 421, "unknown_host",
		"this server does not answer to that host name (--allow-host)");
	return false;
}

/* False, and a refusal is replied: nobody's, or auth can't be asked. */
static bool has_session(struct request *q)
{
	if (q->whose == BW_OK) {
		web_uncount(q->conn);
		return true;
	}
	if (q->whose == BW_DENIED) {
		if (q->has_token)
			http_set_session(q, NULL);
		http_reply_error(q, 401, "no_session", "log in first");
	} else {
		http_reply_status(q, BW_FAILED, NULL);
	}
	return false;
}

/* Whose it is has been answered. */
static void admit(struct request *q)
{
	if (!has_session(q))
		return;
	if (q->route->access == ACCESS_ADMIN && q->session.role != BW_ADMIN)
		deny(q, 403, "forbidden", "for admins only");
}

static void on_session(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;

	q->pending = NULL;
	q->whose = m && m->h.type == BW_SESSION ? m->session.status : BW_FAILED;
	if (q->whose == BW_OK)
		q->session = m->session;
	if (!q->late)
		return;
	lws_set_timer_usecs(q->conn->wsi, LWS_SET_TIMER_USEC_CANCEL);
	admit(q);
	if (q->handled && !q->replied)
		route_run(q);
}

/* Fills q->whose and q->session, or leaves that to on_session(): q->pending then. */
static void ask_whose(struct request *q, bool is_link, bool touch)
{
	union bw_message m = { .token = {
				       .h.type = BW_CHECK, .is_link = is_link, .touch = touch } };

	q->whose = q->has_token ? BW_FAILED : BW_DENIED;
	if (!q->has_token)
		return;
	memcpy(m.token.token, q->token, BW_TOKEN_SIZE);
	q->pending = peers_ask_auth(&m, on_session, q);
	peers_await(&q->pending);
	q->late = q->pending != NULL;
}

static const struct route *find_route(struct request *q, bool *ret_path_known)
{
	enum http_method method = q->method == HTTP_HEAD ? HTTP_GET : q->method;

	*ret_path_known = false;
	for (const struct route *r = routes; r->pattern; r++) {
		if (!guard_path_matches(r->pattern, q->path, q->param, sizeof(q->param)))
			continue;
		*ret_path_known = true;
		if (r->method == method)
			return r;
	}
	return NULL;
}

/* The page itself, for every path that is none of the API's. */
static void serve_file(struct request *q)
{
	const struct asset *file = assets_find(&web.assets, q->path);

	if (!*q->path && str_eq(q->path_text, web.settings.base_path))
		http_reply_moved(q, web.settings.base_path);
	else if (!file)
		http_reply_error(q, 404, "not_found", "there is nothing here");
	else if (q->method != HTTP_GET && q->method != HTTP_HEAD)
		http_reply_error(q, 405, "bad_method", "this can only be read");
	else
		http_reply_asset(q, file);
}

/* A person acts by changing something or by opening the page; a page that looks at its workspace every few seconds does
 * not keep a login alive that nobody uses. */
static bool is_activity(const struct route *route)
{
	return route->method != HTTP_GET || route->handle == api_me;
}

void route_begin(struct request *q)
{
	const struct route *route;
	char type[128];
	bool known;

	if (!host_is_ours(q))
		return;
	route = find_route(q, &known);
	if (!route && known) {
		http_reply_error(q, 405, "bad_method", "not with this method");
	} else if (!route) {
		serve_file(q);
	} else if (route->method != HTTP_GET && !same_site(q)) {
		deny(q, 403, "foreign_origin", "this request comes from another site");
	} else if (route->json && (!http_header(q, "content-type:", type, sizeof(type)) ||
					  (q->body_expected && !guard_is_json(type)))) {
		http_reply_error(q, 415, "bad_type", "send application/json");
	} else {
		q->route = route;
		if (route->access == ACCESS_PUBLIC)
			return;
		ask_whose(q, false, is_activity(route));
		if (!q->late)
			admit(q);
	}
}

void route_run(struct request *q)
{
	struct json_node root;

	if (q->pending) {
		lws_set_timer_usecs(q->conn->wsi, SESSION_SECONDS * LWS_USEC_PER_SEC);
		return;
	}
	if (q->route->json && http_json(q, &root) < 0)
		return;
	q->route->handle(q);
}

void route_give_up(struct request *q)
{
	peers_cancel(q->pending);
	q->pending = NULL;
	http_reply_status(q, BW_FAILED, NULL);
}

/* Puts ?user= into q->of, unless it is `self`. False: refused, and replied. */
static bool asks_about(struct request *q, const char *self)
{
	char name[BW_NAME_SIZE];

	if (!http_query(q, "user=", name, sizeof(name)) || (self && str_eq(name, self)))
		return true;
	if (!guard_user_name_valid(name)) {
		http_reply_error(q, 404, "not_found", "there is no such user");
		return false;
	}
	BW_PUT(q->of, name);
	return true;
}

bool request_whose(struct request *q)
{
	char name[BW_NAME_SIZE];

	if (http_query(q, "user=", name, sizeof(name)) && !str_eq(name, q->session.user) &&
		q->session.role != BW_ADMIN) {
		deny(q, 403, "forbidden", "for admins only");
		return false;
	}
	return asks_about(q, q->session.user);
}

/* A class that comes back at once makes auth late, so those who wait for it aren't counted as strangers of one address, but all together. */
static bool may_wait(struct request *q)
{
	if (bridge_count_late() >= LATE_MOST) {
		http_reply_status(q, BW_FAILED, NULL);
		return false;
	}
	web_uncount(q->conn);
	return q->session.is_link || asks_about(q, NULL);
}

bool route_allow_socket(struct request *q)
{
	char origin[BW_TEXT_SIZE + 16], link[GUARD_TOKEN_TEXT + 1], wall[32];

	if (!host_is_ours(q))
		return false;
	if (!str_eq(q->path, "/ws")) {
		http_reply_error(q, 404, "not_found", "there is nothing here");
		return false;
	}
	if (!http_header(q, "origin:", origin, sizeof(origin)) ||
		!guard_origin_allowed(&web.settings, q->secure, q->host, origin)) {
		deny(q, 403, "foreign_origin", "this request comes from another site");
		return false;
	}
	if (http_query(q, "link=", link, sizeof(link))) {
		q->has_token = guard_token_decode(link, strlen(link), q->token);
		ask_whose(q, true, false);
		q->session.is_link = true;
		if (q->late)
			return may_wait(q);
		if (q->whose == BW_OK) {
			web_uncount(q->conn);
			return true;
		}
		deny(q, q->whose == BW_DENIED ? 401 : 503, "no_link",
			"this link is not valid (any more)");
		return false;
	}
	ask_whose(q, false, true);
	if (q->late)
		return may_wait(q);
	if (!has_session(q) || !request_whose(q))
		return false;
	if (http_query(q, "wall=", wall, sizeof(wall)) && q->session.role != BW_ADMIN) {
		deny(q, 403, "forbidden", "for admins only");
		return false;
	}
	return true;
}

void request_ask_broker(struct request *q, union bw_message *m, peers_done done)
{
	memcpy(m->open.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m->open.address, q->address);
	q->pending = peers_ask_broker(m, done, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
}

void request_reply_opened(struct request *q, const union bw_message *m, int fd, const char *type)
{
	bool known = m && m->h.type == BW_OPENED;

	q->pending = NULL;
	if (known && m->opened.status == BW_OK && fd >= 0)
		http_reply_file(q, fd, type);
	else
		http_reply_status(
			q, known ? m->opened.status : BW_FAILED, known ? m->opened.text : NULL);
}
