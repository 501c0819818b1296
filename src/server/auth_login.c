/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/auth.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "server/guard.h"
#include "base/poison.h"

/* A login or a change of password, while its password is being hashed. */
struct attempt {
	struct auth_reply to;
	char user[BW_NAME_SIZE];
	char address[BW_ADDRESS_SIZE];
	char stored[ACCOUNT_HASH_SIZE]; /* the hash it is compared with */
	char new_password[BW_PASSWORD_SIZE];
	int64_t session;
	bool known; /* the user exists and may log in */
};

static void attempt_free(struct attempt *t)
{
	if (!t)
		return;
	sodium_memzero(t, sizeof(*t));
	free(t);
}

static void answer_session(const struct auth_reply *to, enum bw_status status, uint32_t retry_after)
{
	union bw_message m = {
		.session = { .h.type = BW_SESSION, .status = status, .retry_after = retry_after }
	};

	auth_send(to, &m);
}

/* The account as it is now, if it is still the one whose hash was compared. */
static bool still_same(const struct attempt *t, struct account *ret)
{
	struct auth *a = t->to.auth;

	return t->known && accounts_find(&a->accounts, t->user, ret, NULL) == 1 && !ret->disabled &&
	       str_eq(ret->hash, t->stored);
}

/* The password could not be compared: that is nobody's failed try. */
static void not_compared(struct attempt *t)
{
	limits_undo(&t->to.auth->limits, t->user, t->address);
	log_error("a password can't be compared: no memory");
	answer_session(&t->to, BW_FAILED, 0);
}

static void on_login_compared(struct hash_job *job, void *data)
{
	struct attempt *t = data;
	struct auth *a = t->to.auth;
	struct account account;
	struct md_error err = MD_ERROR_INIT;

	if (job->failed) {
		not_compared(t);
	} else if (!job->ok || !still_same(t, &account)) {
		auth_audit(a, "login", "denied", t->user, t->address, NULL);
		answer_session(&t->to, BW_DENIED, 0);
	} else {
		limits_success(&a->limits, t->user, t->address);
		if (!job->fresh) {
			BW_PUT(account.hash, job->hash);
			if (accounts_save(&a->accounts, &account, &err) < 0)
				log_error("%s", err.msg);
		}
		auth_audit(a, "login", "ok", t->user, t->address, NULL);
		auth_answer_new_session(&t->to, &account);
	}
	hash_job_free(job);
	attempt_free(t);
}

/* Puts the comparison into the queue; on failure answers and frees. */
static void compare(
	struct attempt *t, const char *password, void (*done)(struct hash_job *, void *))
{
	struct auth *a = t->to.auth;
	struct hash_job *job = hash_job_new(password, t->stored, done, t);

	if (job && hasher_add(&a->hasher, job) == 0)
		return;
	limits_undo(&a->limits, t->user, t->address);
	answer_session(&t->to, BW_BUSY, 2);
	hash_job_free(job);
	attempt_free(t);
}

/* False (and answered) if this (user, network) has to wait. */
static bool may_try(struct attempt *t)
{
	struct auth *a = t->to.auth;
	uint32_t wait = limits_try(&a->limits, t->user, t->address, auth_monotonic());

	if (wait == 0)
		return true;
	auth_audit(a, "login", "limited", t->user, t->address, NULL);
	answer_session(&t->to, BW_LIMITED, wait);
	return false;
}

void auth_on_login(const struct auth_reply *to, const union bw_message *m)
{
	struct attempt *t = calloc(1, sizeof(*t));
	struct account account;
	int r;

	if (!t) {
		answer_session(to, BW_FAILED, 0);
		return;
	}
	t->to = *to;
	/* What is no name is not looked up, but costs the same time. Nor does it go into the log: it may be a password
	 * that was typed into the wrong field. */
	r = guard_user_name_valid(m->login.user)
		    ? accounts_find(&to->auth->accounts, m->login.user, &account, NULL)
		    : 0;
	BW_PUT(t->user, guard_user_name_valid(m->login.user) ? m->login.user : "?");
	BW_PUT(t->address, m->login.address);
	if (r < 0) {
		answer_session(to, BW_FAILED, 0);
		attempt_free(t);
		return;
	}
	if (!may_try(t)) {
		attempt_free(t);
		return;
	}
	t->known = r == 1 && !account.disabled && (!account.demo || to->auth->settings.demo);
	BW_PUT(t->stored, t->known ? account.hash : hash_of_nobody);
	compare(t, m->login.password, on_login_compared);
}

static void on_new_password_hashed(struct hash_job *job, void *data)
{
	struct attempt *t = data;
	struct auth *a = t->to.auth;
	struct account account;
	struct md_error err = MD_ERROR_INIT;

	if (!job->ok || !still_same(t, &account)) {
		answer_session(&t->to, BW_FAILED, 0);
	} else {
		BW_PUT(account.hash, job->hash);
		account.demo = false;
		if (accounts_save(&a->accounts, &account, &err) < 0) {
			log_error("%s", err.msg);
			answer_session(&t->to, BW_FAILED, 0);
		} else {
			/* All sessions end, this one too: it goes on under a new secret. */
			auth_end_sessions(a, END_OF_USER, account.id);
			auth_audit(a, "password_change", "ok", t->user, t->address, NULL);
			auth_answer_new_session(&t->to, &account);
		}
	}
	hash_job_free(job);
	attempt_free(t);
}

static void on_old_password_compared(struct hash_job *job, void *data)
{
	struct attempt *t = data;
	struct auth *a = t->to.auth;
	struct hash_job *next;

	if (!job->ok) {
		if (job->failed) {
			not_compared(t);
		} else {
			auth_audit(a, "password_change", "denied", t->user, t->address, NULL);
			answer_session(&t->to, BW_FORBIDDEN, 0);
		}
		hash_job_free(job);
		attempt_free(t);
		return;
	}
	hash_job_free(job);
	limits_success(&a->limits, t->user, t->address);
	next = hash_job_new(t->new_password, NULL, on_new_password_hashed, t);
	if (next && hasher_add(&a->hasher, next) == 0)
		return;
	answer_session(&t->to, BW_BUSY, 2);
	hash_job_free(next);
	attempt_free(t);
}

void auth_on_password(const struct auth_reply *to, const union bw_message *m)
{
	struct account_session s;
	struct attempt *t;
	int r = auth_find_session(to->auth, m->password.token, &s);

	if (r != 1) {
		answer_session(to, r < 0 ? BW_FAILED : BW_DENIED, 0);
		return;
	}
	if (!auth_password_acceptable(m->password.new_password)) {
		answer_session(to, BW_INVALID, 0);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		answer_session(to, BW_FAILED, 0);
		return;
	}
	t->to = *to;
	t->known = true;
	BW_PUT(t->user, s.account.name);
	BW_PUT(t->address, m->password.address);
	BW_PUT(t->stored, s.account.hash);
	BW_PUT(t->new_password, m->password.new_password);
	/* Whoever holds a stolen session may not guess the password faster than at the login. */
	if (!may_try(t)) {
		attempt_free(t);
		return;
	}
	compare(t, m->password.old_password, on_old_password_compared);
}
