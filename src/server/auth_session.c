/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/auth.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/poison.h"

enum {
	TOUCH_EVERY = 60, /* the database learns of activity at most so often */
	LINK_MAX_SECONDS = 7 * 86400,
};

static void hash_token(const uint8_t token[BW_TOKEN_SIZE], uint8_t ret[ACCOUNT_SECRET_HASH])
{
	crypto_hash_sha256(ret, token, BW_TOKEN_SIZE);
}

/* Demo accounts stay in the database when the server is started without --demo; they don't work then. */
static bool usable(const struct auth *a, const struct account *account)
{
	return !account->disabled && (!account->demo || a->settings.demo);
}

int auth_find_session(
	struct auth *a, const uint8_t token[BW_TOKEN_SIZE], struct account_session *ret)
{
	struct md_error err = MD_ERROR_INIT;
	uint8_t hash[ACCOUNT_SECRET_HASH];
	int64_t now = auth_now();
	int r;

	hash_token(token, hash);
	r = accounts_find_session(&a->accounts, hash, ret, &err);
	if (r < 0)
		log_error("%s", err.msg);
	if (r != 1)
		return r;
	/* A clock that went backwards makes no session live longer than it says. */
	if (!usable(a, &ret->account) || now - ret->seen >= a->settings.idle_seconds ||
		now - ret->created >= a->settings.absolute_seconds || now < ret->created - 300)
		return 0;
	return 1;
}

bool auth_require(const struct auth_reply *to, const uint8_t token[BW_TOKEN_SIZE], bool admin,
	struct account_session *ret)
{
	int r = auth_find_session(to->auth, token, ret);

	if (r == 1 && (!admin || ret->account.role == BW_ADMIN))
		return true;
	auth_send_status(to, r < 0 ? BW_FAILED : r == 0 ? BW_DENIED : BW_FORBIDDEN, NULL);
	return false;
}

static void fill_session(struct auth *a, const struct account_session *s, struct bw_session *ret)
{
	ret->status = BW_OK;
	ret->role = s->account.role;
	ret->session = (uint64_t)s->id;
	ret->can_type = 1;
	ret->until = s->created + a->settings.absolute_seconds;
	BW_PUT(ret->user, s->account.name);
}

void auth_answer_new_session(const struct auth_reply *to, const struct account *account)
{
	struct auth *a = to->auth;
	union bw_message m = { .session = { .h.type = BW_SESSION, .status = BW_FAILED } };
	struct account_session s = { .account = *account, .user_id = account->id };
	struct md_error err = MD_ERROR_INIT;
	uint8_t hash[ACCOUNT_SECRET_HASH];

	s.created = s.seen = auth_now();
	randombytes_buf(m.session.token, BW_TOKEN_SIZE);
	hash_token(m.session.token, hash);
	if (accounts_add_session(&a->accounts, account->id, hash, s.created, &s.id, &err) < 0 ||
		accounts_logged_in(&a->accounts, account->id, s.created, &err) < 0) {
		log_error("%s", err.msg);
		sodium_memzero(m.session.token, BW_TOKEN_SIZE);
	} else {
		fill_session(a, &s, &m.session);
	}
	auth_send(to, &m);
	sodium_memzero(&m, sizeof(m));
}

void auth_end_sessions(struct auth *a, enum accounts_end which, int64_t id)
{
	struct md_error err = MD_ERROR_INIT;

	if (accounts_end(&a->accounts, which, id, auth_revoked, a, &err) < 0)
		log_error("%s", err.msg);
}

static void check_link(struct auth *a, const uint8_t *token, struct bw_session *ret)
{
	struct md_error err = MD_ERROR_INIT;
	uint8_t hash[ACCOUNT_SECRET_HASH];
	struct account_link link;
	int r;

	hash_token(token, hash);
	r = accounts_find_link(&a->accounts, hash, &link, &err);
	if (r < 0) {
		log_error("%s", err.msg);
		ret->status = BW_FAILED;
	}
	if (r != 1 || !usable(a, &link.account) || link.until <= auth_now())
		return;
	ret->status = BW_OK;
	ret->session = (uint64_t)link.id | ACCOUNTS_LINK_BIT;
	ret->is_link = 1;
	ret->can_type = link.can_type;
	ret->terminal = link.terminal;
	ret->until = link.until;
	BW_PUT(ret->user, link.account.name);
}

void auth_on_check(const struct auth_reply *to, const union bw_message *m)
{
	struct auth *a = to->auth;
	union bw_message answer = { .session = { .h.type = BW_SESSION, .status = BW_DENIED } };
	struct account_session s;
	struct md_error err = MD_ERROR_INIT;
	int r;

	if (m->token.is_link) {
		check_link(a, m->token.token, &answer.session);
		auth_send(to, &answer);
		return;
	}
	r = auth_find_session(a, m->token.token, &s);
	if (r < 0)
		answer.session.status = BW_FAILED;
	if (r == 1) {
		int64_t now = auth_now();
		int64_t every = MD_MIN(TOUCH_EVERY, (int64_t)a->settings.idle_seconds / 10);

		fill_session(a, &s, &answer.session);
		if (m->token.touch && now - s.seen >= every &&
			accounts_touch_session(&a->accounts, s.id, now, &err) < 0)
			log_error("%s", err.msg);
	}
	auth_send(to, &answer);
}

void auth_on_logout(const struct auth_reply *to, const union bw_message *m)
{
	struct account_session s;

	if (!auth_require(to, m->token.token, false, &s))
		return;
	auth_end_sessions(to->auth, END_SESSION, s.id);
	auth_audit(to->auth, "logout", "ok", s.account.name, NULL, NULL);
	auth_send_status(to, BW_OK, NULL);
}

/* A page holds all that a user has, so that each can be seen and revoked. False, and answered, if one more would be too many. */
static bool has_room_for_link(const struct auth_reply *to, int64_t user_id, int64_t now)
{
	struct bw_links_page page;
	struct md_error err = MD_ERROR_INIT;
	char text[BW_TEXT_SIZE];

	if (accounts_links(&to->auth->accounts, user_id, now, &page, &err) < 0) {
		log_error("%s", err.msg);
		auth_send_status(to, BW_FAILED, NULL);
		return false;
	}
	if (page.count < BW_PAGE_LINKS)
		return true;
	snprintf(text, sizeof(text), "%d links are the most: revoke one first", BW_PAGE_LINKS);
	auth_send_status(to, BW_INVALID, text);
	return false;
}

void auth_on_link_make(const struct auth_reply *to, const union bw_message *m)
{
	const struct bw_link_make *want = &m->link_make;
	union bw_message answer = { .link_made = { .h.type = BW_LINK_MADE } };
	struct account_session s;
	struct account_link link;
	struct md_error err = MD_ERROR_INIT;
	uint8_t hash[ACCOUNT_SECRET_HASH];
	char text[BW_TEXT_SIZE];

	if (!auth_require(to, want->token, false, &s))
		return;
	if (want->seconds < 1 || want->seconds > LINK_MAX_SECONDS) {
		auth_send_status(to, BW_INVALID, "a link lives from a second to a week");
		return;
	}
	if (!has_room_for_link(to, s.user_id, auth_now()))
		return;
	link = (struct account_link){ .user_id = s.user_id,
		.terminal = want->terminal,
		.can_type = want->can_type,
		.created = auth_now() };
	link.until = link.created + want->seconds;
	randombytes_buf(answer.link_made.secret, BW_TOKEN_SIZE);
	hash_token(answer.link_made.secret, hash);
	if (accounts_add_link(&to->auth->accounts, &link, hash, &err) < 0) {
		log_error("%s", err.msg);
		auth_send_status(to, BW_FAILED, NULL);
		return;
	}
	snprintf(text, sizeof(text), "link %lld, terminal %u, %s, %u seconds", (long long)link.id,
		link.terminal, link.can_type ? "control" : "watch", want->seconds);
	auth_audit(to->auth, "link_make", "ok", s.account.name, NULL, text);
	answer.link_made.link = (uint64_t)link.id;
	answer.link_made.until = link.until;
	auth_send(to, &answer);
	sodium_memzero(&answer, sizeof(answer));
}

void auth_on_links(const struct auth_reply *to, const union bw_message *m)
{
	union bw_message answer = { .links_page = { .h.type = BW_LINKS_PAGE } };
	struct account_session s;
	struct md_error err = MD_ERROR_INIT;

	if (!auth_require(to, m->token.token, false, &s))
		return;
	if (accounts_links(&to->auth->accounts, s.user_id, auth_now(), &answer.links_page, &err) <
		0) {
		log_error("%s", err.msg);
		answer.links_page.status = BW_FAILED;
	}
	auth_send(to, &answer);
}

void auth_on_link_revoke(const struct auth_reply *to, const union bw_message *m)
{
	union bw_message mine = { .links_page = { .h.type = BW_LINKS_PAGE } };
	struct account_session s;
	char text[BW_TEXT_SIZE];
	bool found = false;

	if (!auth_require(to, m->link_revoke.token, false, &s))
		return;
	if (accounts_links(&to->auth->accounts, s.user_id, auth_now(), &mine.links_page, NULL) <
		0) {
		auth_send_status(to, BW_FAILED, NULL);
		return;
	}
	for (size_t i = 0; i < mine.links_page.count; i++)
		found = found || mine.links_page.links[i].link == m->link_revoke.link;
	if (!found) {
		auth_send_status(to, BW_NOT_FOUND, "there is no such link");
		return;
	}
	auth_end_sessions(to->auth, END_LINK, (int64_t)m->link_revoke.link);
	snprintf(text, sizeof(text), "link %llu", (unsigned long long)m->link_revoke.link);
	auth_audit(to->auth, "link_revoke", "ok", s.account.name, NULL, text);
	auth_send_status(to, BW_OK, NULL);
}
