/* SPDX-License-Identifier: Apache-2.0 */
/* Login, logout, who am I, password; what is public. */
#define _GNU_SOURCE
#include <sodium.h>
#include <string.h>

#include "server/guard.h"
#include "server/peers.h"
#include "server/routes.h"
#include "server/web.h"
#include "base/poison.h"

void api_health(struct request *q)
{
	struct json_writer w = http_json_writer(q);
	bool fine = web.auth_fd >= 0;

	json_object_begin(&w, NULL);
	json_add_string(&w, "status", fine ? "ok" : "auth is being restarted");
	json_object_end(&w);
	http_reply_json(q, fine ? 200 : 503);
}

/* What stands between the client and this server, as far as the request shows it; for `mdocker doctor`. */
static const char *proxy_of(const struct request *q)
{
	char names[1024], scheme[64];
	bool named = http_header(q, "x-forwarded-for:", names, sizeof(names)) && *names;
	bool told = http_header(q, "x-forwarded-proto:", scheme, sizeof(scheme)) && *scheme;

	if (guard_is_proxy(&web.settings, q->conn->peer))
		return named ? "trusted" : "unnamed";
	return named || told ? "untrusted" : "none";
}

void api_config(struct request *q)
{
	struct json_writer w = http_json_writer(q);

	json_object_begin(&w, NULL);
	json_add_bool(&w, "demo", web.settings.demo);
	json_add_bool(&w, "images", web.settings.images);
	json_add_string(&w, "version", MD_VERSION);
	json_add_string(&w, "scheme", q->secure ? "https" : "http");
	json_add_string(&w, "proxy", proxy_of(q));
	json_object_end(&w);
	http_reply_json(q, 200);
}

static void reply_who(struct request *q, const struct bw_session *s)
{
	struct json_writer w = http_json_writer(q);

	json_object_begin(&w, NULL);
	json_add_string(&w, "username", s->user);
	json_add_string(&w, "role", s->role == BW_ADMIN ? "admin" : "user");
	json_add_bool(&w, "demo", web.settings.demo);
	json_object_end(&w);
	http_reply_json(q, 200);
}

void api_me(struct request *q)
{
	reply_who(q, &q->session);
}

/* A session with its new secret, or why not. */
static void on_session(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;

	q->pending = NULL;
	if (!m || m->h.type != BW_SESSION) {
		http_reply_status(q, BW_FAILED, NULL);
		return;
	}
	switch (m->session.status) {
	case BW_OK:
		http_set_session(q, m->session.token);
		web_uncount(q->conn);
		reply_who(q, &m->session);
		break;
	case BW_DENIED:
		http_reply_error(q, 401, "bad_credentials", "wrong user name or password");
		break;
	case BW_FORBIDDEN:
		http_reply_error(q, 403, "bad_credentials", "the present password is another one");
		break;
	case BW_INVALID:
		http_reply_error(q, 400, "invalid", "a password has 8 to 256 characters");
		break;
	case BW_LIMITED:
	case BW_BUSY:
		http_reply_wait(q, 429, m->session.status == BW_BUSY ? "busy" : "too_many_tries",
			m->session.status == BW_BUSY
				? "many people log in at this moment, try again"
				: "too many failed tries, wait a little",
			MD_MAX(m->session.retry_after, 1u));
		break;
	default:
		http_reply_status(q, m->session.status, NULL);
	}
}

static void ask_session(struct request *q, union bw_message *m)
{
	q->pending = peers_ask_auth(m, on_session, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
	sodium_memzero(m, sizeof(*m));
}

void api_login(struct request *q)
{
	union bw_message m = { .login = { .h.type = BW_LOGIN } };
	const char *user = NULL, *password = NULL;
	struct md_error err = MD_ERROR_INIT;
	struct json_node body;

	if (http_json(q, &body) < 0)
		return;
	if (json_get_string(&body, "username", &user, &err) != 1 ||
		json_get_string(&body, "password", &password, &err) != 1) {
		http_reply_error(q, 400, "invalid", "username and password are needed");
		return;
	}
	/* Longer than any that can be right. */
	if (strlen(password) >= BW_PASSWORD_SIZE || strlen(user) >= BW_NAME_SIZE) {
		http_reply_error(q, 401, "bad_credentials", "wrong user name or password");
		return;
	}
	BW_PUT(m.login.user, user);
	BW_PUT(m.login.password, password);
	BW_PUT(m.login.address, q->address);
	ask_session(q, &m);
}

void api_password(struct request *q)
{
	union bw_message m = { .password = { .h.type = BW_PASSWORD } };
	const char *old = NULL, *new = NULL;
	struct md_error err = MD_ERROR_INIT;
	struct json_node body;

	if (http_json(q, &body) < 0)
		return;
	if (json_get_string(&body, "old_password", &old, &err) != 1 ||
		json_get_string(&body, "new_password", &new, &err) != 1 ||
		strlen(old) >= BW_PASSWORD_SIZE || strlen(new) >= BW_PASSWORD_SIZE) {
		http_reply_error(q, 400, "invalid", "old_password and new_password are needed");
		return;
	}
	memcpy(m.password.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m.password.old_password, old);
	BW_PUT(m.password.new_password, new);
	BW_PUT(m.password.address, q->address);
	ask_session(q, &m);
}

static void on_logged_out(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;

	q->pending = NULL;
	if (m && m->h.type == BW_STATUS && m->status.status == BW_OK)
		http_set_session(q, NULL);
	http_reply_status(q, m && m->h.type == BW_STATUS ? m->status.status : BW_FAILED, NULL);
}

void api_logout(struct request *q)
{
	union bw_message m = { .token = { .h.type = BW_LOGOUT } };

	memcpy(m.token.token, q->token, BW_TOKEN_SIZE);
	q->pending = peers_ask_auth(&m, on_logged_out, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
}
