/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/users: accounts, for admins; /api/v1/links: what a user shares. Both are auth's, which checks the session again. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "server/guard.h"
#include "server/peers.h"
#include "server/routes.h"
#include "base/poison.h"

/* Auth may answer any question with no more than a status. */
static bool replied_status(struct request *q, const union bw_message *m, uint16_t wanted)
{
	q->pending = NULL;
	if (m && m->h.type == wanted)
		return false;
	if (m && m->h.type == BW_STATUS)
		http_reply_status(q, m->status.status, m->status.text);
	else
		http_reply_status(q, BW_FAILED, NULL);
	return true;
}

static void ask(struct request *q, union bw_message *m, peers_done done)
{
	q->pending = peers_ask_auth(m, done, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
	sodium_memzero(m, sizeof(*m));
}

static void ask_users(struct request *q, const char *after);

static void on_users(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;
	struct json_writer w = { .out = &q->text, .need_comma = q->body_sent > 0 };

	if (replied_status(q, m, BW_USERS_PAGE))
		return;
	for (size_t i = 0; i < m->users_page.count; i++) {
		const struct bw_user *u = &m->users_page.users[i];

		json_object_begin(&w, NULL);
		json_add_string(&w, "username", u->name);
		json_add_string(&w, "role", u->role == BW_ADMIN ? "admin" : "user");
		json_add_bool(&w, "disabled", u->disabled);
		json_add_i64(&w, "created_ms", u->created * 1000);
		json_add_i64(&w, "last_login_ms", u->last_login * 1000);
		json_object_end(&w);
		q->body_sent = 1;
	}
	if (m->users_page.more && m->users_page.count) {
		ask_users(q, m->users_page.users[m->users_page.count - 1].name);
		return;
	}
	q->body_sent = 0;
	json_array_end(&w);
	json_object_end(&w);
	http_reply_json(q, 200);
}

static void ask_users(struct request *q, const char *after)
{
	union bw_message m = { .token = { .h.type = BW_USERS } };

	memcpy(m.token.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m.token.after, after);
	ask(q, &m, on_users);
}

void api_users(struct request *q)
{
	struct json_writer w = http_json_writer(q);

	json_object_begin(&w, NULL);
	json_array_begin(&w, "users");
	ask_users(q, "");
}

static void on_status(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;

	if (!replied_status(q, m, BW_STATUS))
		http_reply_status(q, m->status.status, m->status.text);
}

/* The members that may stand in a user's document. */
static int read_change(const struct json_node *body, struct bw_user_change *c, struct md_error *err)
{
	const char *role = NULL, *password = NULL;
	bool disabled = false;
	int r = json_get_bool(body, "disabled", &disabled, err);

	if (r < 0 || json_get_string(body, "role", &role, err) < 0 ||
		json_get_string(body, "password", &password, err) < 0)
		return -1;
	c->set_disabled = r == 1;
	c->disabled = disabled;
	if (role && !str_eq(role, "admin") && !str_eq(role, "user"))
		return md_fail(err, EINVAL, "role: \"user\" or \"admin\"");
	c->set_role = role != NULL;
	c->role = role && str_eq(role, "admin") ? BW_ADMIN : BW_USER;
	if (password && strlen(password) >= sizeof(c->password))
		return md_fail(err, EINVAL, "a password has 8 to 256 bytes");
	c->set_password = password != NULL;
	BW_PUT(c->password, password ? password : "");
	return 0;
}

static void change(struct request *q, enum bw_user_action action, const char *name,
	const struct json_node *body)
{
	union bw_message m = { .user_change = { .h.type = BW_USER_CHANGE, .action = action } };
	struct md_error err = MD_ERROR_INIT;

	if (!guard_user_name_valid(name)) {
		http_reply_error(q, 400, "invalid",
			"a name begins with a letter and has 1 to 32 of a-z 0-9 . _ -");
		return;
	}
	if (body && read_change(body, &m.user_change, &err) < 0) {
		http_reply_error(q, 400, "invalid", err.msg);
		return;
	}
	memcpy(m.user_change.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m.user_change.name, name);
	BW_PUT(m.user_change.address, q->address);
	ask(q, &m, on_status);
}

void api_user_add(struct request *q)
{
	const char *name = "";
	struct json_node body;

	if (http_json(q, &body) < 0)
		return;
	json_get_string(&body, "username", &name, NULL);
	change(q, BW_USER_ADD, name, &body);
}

void api_user_change(struct request *q)
{
	struct json_node body;

	if (http_json(q, &body) == 0)
		change(q, BW_USER_EDIT, q->param, &body);
}

void api_user_remove(struct request *q)
{
	change(q, BW_USER_REMOVE, q->param, NULL);
}

static void on_links(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;
	struct json_writer w;

	if (replied_status(q, m, BW_LINKS_PAGE))
		return;
	w = http_json_writer(q);
	json_object_begin(&w, NULL);
	json_array_begin(&w, "links");
	for (size_t i = 0; i < m->links_page.count; i++) {
		const struct bw_link *l = &m->links_page.links[i];
		char id[24];

		snprintf(id, sizeof(id), "%" PRIu64, l->link);
		json_object_begin(&w, NULL);
		json_add_string(&w, "id", id);
		json_add_u64(&w, "terminal", l->terminal);
		json_add_bool(&w, "can_type", l->can_type);
		json_add_i64(&w, "created_ms", l->created * 1000);
		json_add_i64(&w, "expires_ms", l->until * 1000);
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
	http_reply_json(q, 200);
}

void api_links(struct request *q)
{
	union bw_message m = { .token = { .h.type = BW_LINKS } };

	memcpy(m.token.token, q->token, BW_TOKEN_SIZE);
	ask(q, &m, on_links);
}

static void on_link_made(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;
	char id[24], secret[GUARD_TOKEN_TEXT + 1];
	struct json_writer w;

	if (replied_status(q, m, BW_LINK_MADE))
		return;
	w = http_json_writer(q);
	snprintf(id, sizeof(id), "%" PRIu64, m->link_made.link);
	guard_token_encode(m->link_made.secret, secret);
	json_object_begin(&w, NULL);
	json_add_string(&w, "id", id);
	json_add_string(&w, "link", secret);
	json_add_i64(&w, "expires_ms", m->link_made.until * 1000);
	json_object_end(&w);
	http_reply_json(q, 201);
	sodium_memzero(secret, sizeof(secret));
}

void api_link_make(struct request *q)
{
	union bw_message m = { .link_make = { .h.type = BW_LINK_MAKE } };
	struct md_error err = MD_ERROR_INIT;
	struct json_node body;
	uint64_t seconds = 3600;
	uint32_t terminal = 0;
	bool can_type = false;

	if (http_json(q, &body) < 0)
		return;
	if (!http_member_id(&body, "terminal", &terminal)) {
		http_reply_error(q, 400, "invalid", "terminal: expected the id of one");
		return;
	}
	if (json_get_u64(&body, "seconds", UINT32_MAX, &seconds, &err) < 0 ||
		json_get_bool(&body, "can_type", &can_type, &err) < 0) {
		http_reply_error(q, 400, "invalid", err.msg);
		return;
	}
	memcpy(m.link_make.token, q->token, BW_TOKEN_SIZE);
	m.link_make.terminal = terminal;
	m.link_make.seconds = (uint32_t)seconds;
	m.link_make.can_type = can_type;
	ask(q, &m, on_link_made);
}

void api_link_revoke(struct request *q)
{
	union bw_message m = { .link_revoke = { .h.type = BW_LINK_REVOKE } };

	if (str_to_u64(q->param, INT64_MAX, &m.link_revoke.link) < 0) {
		http_reply_error(q, 404, "not_found", "there is no such link");
		return;
	}
	memcpy(m.link_revoke.token, q->token, BW_TOKEN_SIZE);
	ask(q, &m, on_status);
}
