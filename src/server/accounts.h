/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.h - the database of auth: users, their sessions, the links they gave out (SQLite). Of a session and a link only
 * the SHA-256 of its secret is kept, so that who reads the file can't use one.
 *
 * Functions return 0 or -1 with `err` filled (EIO and the database's message); those that look something up return 1 if it
 * is there, 0 if not, -1 on failure. Times are seconds since 1970.
 */
#ifndef MD_SERVER_ACCOUNTS_H
#define MD_SERVER_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/broker_wire.h"

enum {
	ACCOUNT_HASH_SIZE = 128, /* a password's hash as text: crypto_pwhash_STRBYTES */
	ACCOUNT_SECRET_HASH = 32,
};

struct accounts {
	void *db; /* sqlite3 * */
	struct accounts_statements *statements;
};

struct account {
	int64_t id;
	char name[BW_NAME_SIZE];
	char hash[ACCOUNT_HASH_SIZE];
	enum bw_role role;
	bool disabled;
	bool demo; /* has a password that everybody knows: works with --demo only */
	int64_t created, last_login;
};

struct account_session {
	int64_t id, user_id;
	int64_t created, seen;
	struct account account;
};

struct account_link {
	int64_t id, user_id;
	uint32_t terminal;
	bool can_type;
	int64_t created, until;
	struct account account; /* its owner */
};

/* Opens or makes the database. */
int accounts_open(struct accounts *a, const char *path, struct md_error *err);
void accounts_close(struct accounts *a);

int accounts_find(struct accounts *a, const char *name, struct account *ret, struct md_error *err);
/* Adds or changes by name; `account->id` 0 adds (EEXIST if the name is taken). */
int accounts_save(struct accounts *a, const struct account *account, struct md_error *err);
/* With the user's sessions and links. */
int accounts_remove(struct accounts *a, int64_t user_id, struct md_error *err);
/* Enabled admins besides `except_id`: the last one must stay. -1 on failure. */
int accounts_other_admins(struct accounts *a, int64_t except_id, struct md_error *err);
int accounts_any(struct accounts *a, struct md_error *err);
/* Users in order of name from behind `after`, at most BW_PAGE_USERS. */
int accounts_page(
	struct accounts *a, const char *after, struct bw_users_page *ret, struct md_error *err);

int accounts_add_session(struct accounts *a, int64_t user_id,
	const uint8_t hash[ACCOUNT_SECRET_HASH], int64_t now, int64_t *ret_id,
	struct md_error *err);
int accounts_find_session(struct accounts *a, const uint8_t hash[ACCOUNT_SECRET_HASH],
	struct account_session *ret, struct md_error *err);
int accounts_touch_session(struct accounts *a, int64_t id, int64_t now, struct md_error *err);
int accounts_logged_in(struct accounts *a, int64_t user_id, int64_t now, struct md_error *err);

int accounts_add_link(struct accounts *a, struct account_link *link,
	const uint8_t hash[ACCOUNT_SECRET_HASH], struct md_error *err);
int accounts_find_link(struct accounts *a, const uint8_t hash[ACCOUNT_SECRET_HASH],
	struct account_link *ret, struct md_error *err);
/* The user's links that are still good at `now`, newest first. */
int accounts_links(struct accounts *a, int64_t user_id, int64_t now, struct bw_links_page *ret,
	struct md_error *err);

/* Which sessions or links to end. */
enum accounts_end {
	END_SESSION,   /* the one with `id` */
	END_OF_USER,   /* all of the user `id` */
	END_IDLE,      /* not seen since `id` (a time) */
	END_OLD,       /* made before `id` (a time) */
	END_LINK,      /* the link `id` */
	END_LINKS_OF,  /* all links of the user `id` */
	END_LINKS_OLD, /* links whose time was over at `id` */
	END_COUNT,
};

/* Ends them and calls `ended` for each, with its number as on the wire. Returns how many, or -1. */
int accounts_end(struct accounts *a, enum accounts_end which, int64_t id,
	void (*ended)(uint64_t wire_id, void *data), void *data, struct md_error *err);

/* Links carry this bit in their numbers on the wire, so that they and sessions can't be mixed up. */
#define ACCOUNTS_LINK_BIT (UINT64_C(1) << 63)

#endif
