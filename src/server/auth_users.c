/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/auth.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "server/guard.h"
#include "base/poison.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 256 };

bool auth_password_acceptable(const char *password)
{
	size_t len = strlen(password);

	return len >= PASSWORD_MIN && len <= PASSWORD_MAX;
}

void auth_on_users(const struct auth_reply *to, const union bw_message *m)
{
	union bw_message answer = { .users_page = { .h.type = BW_USERS_PAGE } };
	struct account_session s;
	struct md_error err = MD_ERROR_INIT;

	if (!auth_require(to, m->token.token, true, &s))
		return;
	if (accounts_page(&to->auth->accounts, m->token.after, &answer.users_page, &err) < 0) {
		log_error("%s", err.msg);
		answer.users_page.status = BW_FAILED;
	}
	auth_send(to, &answer);
}

/* A change by an admin, while a new password is being hashed. */
struct change {
	struct auth_reply to;
	struct bw_user_change want;
	char admin[BW_NAME_SIZE];
	char hash[ACCOUNT_HASH_SIZE];
};

static void describe(const struct bw_user_change *w, char *text, size_t size)
{
	static const char *const actions[] = { "add", "edit", "remove" };

	snprintf(text, size, "%s %s%s%s%s%s", actions[w->action], w->name,
		w->set_password ? ", password" : "",
		!w->set_role          ? ""
		: w->role == BW_ADMIN ? ", role admin"
				      : ", role user",
		w->set_disabled && w->disabled ? ", disabled" : "",
		w->set_disabled && !w->disabled ? ", enabled" : "");
}

static void answer_change(struct change *c, enum bw_status status, const char *text)
{
	char what[BW_TEXT_SIZE];

	describe(&c->want, what, sizeof(what));
	auth_audit(c->to.auth, "user_change", status == BW_OK ? "ok" : "failed", c->admin,
		c->want.address, what);
	auth_send_status(&c->to, status, text);
}

static enum bw_status status_of(const struct md_error *err)
{
	log_error("%s", err->msg);
	return err->code == EEXIST ? BW_EXISTS : BW_FAILED;
}

static void add_user(struct change *c)
{
	struct account account = { .role = c->want.set_role ? c->want.role : BW_USER,
		.disabled = c->want.set_disabled && c->want.disabled,
		.created = auth_now() };
	struct md_error err = MD_ERROR_INIT;

	BW_PUT(account.name, c->want.name);
	BW_PUT(account.hash, c->hash);
	if (accounts_save(&c->to.auth->accounts, &account, &err) < 0)
		answer_change(
			c, err.code == EEXIST ? BW_EXISTS : status_of(&err), "the name is taken");
	else
		answer_change(c, BW_OK, NULL);
}

/* Would this leave the server without an admin? */
static bool loses_last_admin(struct change *c, const struct account *account)
{
	const struct bw_user_change *w = &c->want;
	bool steps_down = w->action == BW_USER_REMOVE || (w->set_role && w->role != BW_ADMIN) ||
			  (w->set_disabled && w->disabled);

	return account->role == BW_ADMIN && !account->disabled && steps_down &&
	       accounts_other_admins(&c->to.auth->accounts, account->id, NULL) <= 0;
}

static void edit_user(struct change *c)
{
	struct auth *a = c->to.auth;
	const struct bw_user_change *w = &c->want;
	struct account account;
	struct md_error err = MD_ERROR_INIT;
	int r = accounts_find(&a->accounts, w->name, &account, &err);

	if (r != 1) {
		answer_change(c, r < 0 ? status_of(&err) : BW_NOT_FOUND, "there is no such user");
		return;
	}
	if (loses_last_admin(c, &account)) {
		answer_change(c, BW_INVALID, "this is the last admin");
		return;
	}
	if (w->action == BW_USER_REMOVE) {
		auth_end_sessions(a, END_OF_USER, account.id);
		auth_end_sessions(a, END_LINKS_OF, account.id);
		r = accounts_remove(&a->accounts, account.id, &err);
	} else {
		if (w->set_password) {
			BW_PUT(account.hash, c->hash);
			account.demo = false;
		}
		account.role = w->set_role ? w->role : account.role;
		account.disabled = w->set_disabled ? w->disabled : account.disabled;
		r = accounts_save(&a->accounts, &account, &err);
		/* A new role counts from the next login; a new password and being disabled end what runs. */
		if (r == 0 && (w->set_password || w->set_role || account.disabled))
			auth_end_sessions(a, END_OF_USER, account.id);
		if (r == 0 && account.disabled)
			auth_end_sessions(a, END_LINKS_OF, account.id);
	}
	answer_change(c, r < 0 ? status_of(&err) : BW_OK, NULL);
}

static void finish_change(struct change *c)
{
	if (c->want.action == BW_USER_ADD)
		add_user(c);
	else
		edit_user(c);
	sodium_memzero(c, sizeof(*c));
	free(c);
}

static void on_hashed(struct hash_job *job, void *data)
{
	struct change *c = data;

	if (job->ok) {
		BW_PUT(c->hash, job->hash);
		finish_change(c);
	} else {
		auth_send_status(&c->to, BW_FAILED, NULL);
		sodium_memzero(c, sizeof(*c));
		free(c);
	}
	hash_job_free(job);
}

static const char *find_fault(const struct bw_user_change *w)
{
	if (!guard_user_name_valid(w->name))
		return "a name begins with a letter and has 1 to 32 of a-z 0-9 . _ -";
	if (w->action == BW_USER_ADD && !w->set_password)
		return "a new user needs a password";
	if (w->set_password && !auth_password_acceptable(w->password))
		return "a password has 8 to 256 bytes";
	return NULL;
}

void auth_on_user_change(const struct auth_reply *to, const union bw_message *m)
{
	struct account_session s;
	const char *fault = find_fault(&m->user_change);
	struct hash_job *job;
	struct change *c;

	if (!auth_require(to, m->user_change.token, true, &s))
		return;
	if (fault) {
		auth_send_status(to, BW_INVALID, fault);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		auth_send_status(to, BW_FAILED, NULL);
		return;
	}
	c->to = *to;
	c->want = m->user_change;
	BW_PUT(c->admin, s.account.name);
	if (!c->want.set_password || c->want.action == BW_USER_REMOVE) {
		finish_change(c);
		return;
	}
	job = hash_job_new(c->want.password, NULL, on_hashed, c);
	sodium_memzero(c->want.password, sizeof(c->want.password));
	if (job && hasher_add(&to->auth->hasher, job) == 0)
		return;
	auth_send_status(to, BW_BUSY, NULL);
	hash_job_free(job);
	free(c);
}

static int save_new(
	struct auth *a, struct account *account, const char *password, struct md_error *err)
{
	account->created = account->created ? account->created : auth_now();
	if (hash_password(password, account->hash) < 0)
		return md_fail_errno(err, "hash a password");
	return accounts_save(&a->accounts, account, err);
}

static int add_demo_accounts(struct auth *a, struct md_error *err)
{
	static const struct {
		const char *name, *password;
		enum bw_role role;
	} wanted[] = {
		{ "alice", "password", BW_USER },
		{ "bob", "password", BW_USER },
		{ "admin", "admin", BW_ADMIN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct account account = { .role = wanted[i].role, .demo = true };
		int r = accounts_find(&a->accounts, wanted[i].name, &account, err);

		if (r < 0)
			return -1;
		if (r == 1)
			continue;
		BW_PUT(account.name, wanted[i].name);
		if (save_new(a, &account, wanted[i].password, err) < 0)
			return -1;
	}
	return 0;
}

/* The account `admin` gets a random password if nobody could administer the server otherwise. */
static int add_first_admin(struct auth *a, struct bw_ready *ready, struct md_error *err)
{
	struct account account = { .role = BW_ADMIN };
	uint8_t random[12];
	char password[BW_NAME_SIZE];
	int r = accounts_any(&a->accounts, err);

	if (r < 0)
		return -1;
	if (r == 1) {
		r = accounts_find(&a->accounts, "admin", &account, err);
		/* Other accounts and no `admin` is somebody's decision; a demo's `admin` is none. */
		if (r <= 0 || !account.demo)
			return r < 0 ? -1 : 0;
	}
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(password, sizeof(password), random, sizeof(random),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	BW_PUT(account.name, "admin");
	account.role = BW_ADMIN;
	account.demo = false;
	if (save_new(a, &account, password, err) < 0)
		return -1;
	BW_PUT(ready->first_user, "admin");
	BW_PUT(ready->first_password, password);
	sodium_memzero(password, sizeof(password));
	return 0;
}

int auth_first_accounts(struct auth *a, struct bw_ready *ready, struct md_error *err)
{
	return a->settings.demo ? add_demo_accounts(a, err) : add_first_admin(a, ready, err);
}
