/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - the state of the role `auth`, between its files: auth.c (start, sockets, dispatch), auth_login.c (what needs a
 * password hashed), auth_session.c (sessions, links), auth_users.c (accounts).
 */
#ifndef MD_SERVER_AUTH_H
#define MD_SERVER_AUTH_H

#include "base/loop.h"
#include "server/accounts.h"
#include "server/audit.h"
#include "server/hasher.h"
#include "server/limits.h"
#include "wire/broker_wire.h"

struct auth {
	struct loop loop;
	struct bw_settings settings;
	struct accounts accounts;
	struct audit audit;
	int64_t audit_second; /* what strangers can cause is written at most AUDIT_PER_SECOND times a second */
	uint32_t audit_count, audit_dropped;
	bool audit_due; /* lines of others were written that belong on the disk after this turn */
	struct hasher hasher;
	struct limits limits;
	struct auth_peer {
		struct auth *auth;
		struct loop_source source;
		int fd; /* -1: that role is being restarted */
		uint32_t
			generation; /* grows with each new socket: answers to an old one are dropped */
		bool is_broker;
	} broker, web;
	struct loop_source sweep; /* ends sessions whose time is over */
};

/* One request's way back. */
struct auth_reply {
	struct auth *auth;
	struct auth_peer *peer;
	uint32_t generation;
	uint32_t id;
};

/* Sends *m, its type set, as the answer. */
void auth_send(const struct auth_reply *to, union bw_message *m);
void auth_send_status(const struct auth_reply *to, enum bw_status status, const char *text);

/* A line of the audit log; a log that can't be written is told on stderr and does not stop the server. */
void auth_audit(struct auth *a, const char *event, const char *outcome, const char *user,
	const char *address, const char *text);

int64_t auth_now(void);       /* seconds since 1970 */
int64_t auth_monotonic(void); /* seconds */

/* Tells web that a session or link is over. Fits accounts_end(); `data` is the struct auth. */
void auth_revoked(uint64_t wire_id, void *data);

/* auth_session.c */
/* The live session of a token: 1, with its account; 0 if there is none (any more); -1 the database failed. */
int auth_find_session(
	struct auth *a, const uint8_t token[BW_TOKEN_SIZE], struct account_session *ret);
/* As that, answering for itself when there is none, or when an admin is wanted and it is no admin's. */
bool auth_require(const struct auth_reply *to, const uint8_t token[BW_TOKEN_SIZE], bool admin,
	struct account_session *ret);
/* Makes a session for the account and answers with it. */
void auth_answer_new_session(const struct auth_reply *to, const struct account *account);
void auth_end_sessions(struct auth *a, enum accounts_end which, int64_t id);
void auth_on_check(const struct auth_reply *to, const union bw_message *m);
void auth_on_logout(const struct auth_reply *to, const union bw_message *m);
void auth_on_link_make(const struct auth_reply *to, const union bw_message *m);
void auth_on_links(const struct auth_reply *to, const union bw_message *m);
void auth_on_link_revoke(const struct auth_reply *to, const union bw_message *m);

/* auth_login.c */
void auth_on_login(const struct auth_reply *to, const union bw_message *m);
void auth_on_password(const struct auth_reply *to, const union bw_message *m);

/* auth_users.c */
void auth_on_users(const struct auth_reply *to, const union bw_message *m);
void auth_on_user_change(const struct auth_reply *to, const union bw_message *m);
/* The demo accounts, or at the very first start an admin with a random password (put into *ready). */
int auth_first_accounts(struct auth *a, struct bw_ready *ready, struct md_error *err);
bool auth_password_acceptable(const char *password);

#endif
