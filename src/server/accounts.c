/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/accounts.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

enum statement {
	USER_FIND,
	USER_ADD,
	USER_CHANGE,
	USER_REMOVE,
	USER_PAGE,
	USER_LOGGED_IN,
	USERS_ADMINS,
	USERS_COUNT,
	SESSION_ADD,
	SESSION_FIND,
	SESSION_TOUCH,
	LINK_ADD,
	LINK_FIND,
	LINK_LIST,
	END_FIRST, /* the rows of enum accounts_end follow */
	STATEMENT_COUNT = END_FIRST + END_COUNT,
};

#define USER_COLUMNS "users.id, name, hash, role, disabled, demo, users.created, last_login"

/* clang-format off */
static const char *const sql[STATEMENT_COUNT] = {
	[USER_FIND] = "SELECT " USER_COLUMNS " FROM users WHERE name = ?1",
	[USER_ADD] = "INSERT INTO users (name, hash, role, disabled, demo, created) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[USER_CHANGE] = "UPDATE users SET name = ?1, hash = ?2, role = ?3, disabled = ?4, demo = ?5 "
		"WHERE id = ?7",
	[USER_REMOVE] = "DELETE FROM users WHERE id = ?1",
	[USER_PAGE] = "SELECT " USER_COLUMNS " FROM users WHERE name > ?1 ORDER BY name LIMIT ?2",
	[USER_LOGGED_IN] = "UPDATE users SET last_login = ?2 WHERE id = ?1",
	[USERS_ADMINS] = "SELECT count(*) FROM users WHERE role = 1 AND disabled = 0 AND id != ?1",
	[USERS_COUNT] = "SELECT count(*) FROM users",
	[SESSION_ADD] = "INSERT INTO sessions (user_id, secret, created, seen) VALUES (?1, ?2, ?3, ?3)",
	[SESSION_FIND] = "SELECT " USER_COLUMNS ", sessions.id, sessions.created, seen "
		"FROM sessions JOIN users ON users.id = user_id WHERE secret = ?1",
	[SESSION_TOUCH] = "UPDATE sessions SET seen = ?2 WHERE id = ?1",
	[LINK_ADD] = "INSERT INTO links (user_id, secret, terminal, can_type, created, until) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[LINK_FIND] = "SELECT " USER_COLUMNS ", links.id, terminal, can_type, links.created, until "
		"FROM links JOIN users ON users.id = user_id WHERE secret = ?1",
	[LINK_LIST] = "SELECT id, terminal, can_type, created, until FROM links "
		"WHERE user_id = ?1 AND until > ?2 ORDER BY id DESC LIMIT ?3",
	[END_FIRST + END_SESSION] = "DELETE FROM sessions WHERE id = ?1 RETURNING id",
	[END_FIRST + END_OF_USER] = "DELETE FROM sessions WHERE user_id = ?1 RETURNING id",
	[END_FIRST + END_IDLE] = "DELETE FROM sessions WHERE seen < ?1 RETURNING id",
	[END_FIRST + END_OLD] = "DELETE FROM sessions WHERE created < ?1 RETURNING id",
	[END_FIRST + END_LINK] = "DELETE FROM links WHERE id = ?1 RETURNING id",
	[END_FIRST + END_LINKS_OF] = "DELETE FROM links WHERE user_id = ?1 RETURNING id",
	[END_FIRST + END_LINKS_OLD] = "DELETE FROM links WHERE until <= ?1 RETURNING id",
};

/* AUTOINCREMENT: the number of an ended session is never given to another one. */
static const char schema[] =
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
	"PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;"
	"CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
	" hash TEXT NOT NULL, role INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,"
	" demo INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, last_login INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS sessions (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, secret BLOB NOT NULL UNIQUE,"
	" created INTEGER NOT NULL, seen INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user_id);"
	"CREATE TABLE IF NOT EXISTS links (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, secret BLOB NOT NULL UNIQUE,"
	" terminal INTEGER NOT NULL, can_type INTEGER NOT NULL, created INTEGER NOT NULL,"
	" until INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS links_user ON links (user_id);"
	"PRAGMA user_version = 1;";
/* clang-format on */

struct accounts_statements {
	sqlite3_stmt *prepared[STATEMENT_COUNT];
};

static int fail(struct accounts *a, struct md_error *err, const char *what)
{
	return md_fail(err, EIO, "%s: %s", what, sqlite3_errmsg(a->db));
}

void accounts_close(struct accounts *a)
{
	for (size_t i = 0; a->statements && i < STATEMENT_COUNT; i++)
		sqlite3_finalize(a->statements->prepared[i]);
	free(a->statements);
	sqlite3_close(a->db);
	*a = (struct accounts){ 0 };
}

/* A newer program's database is left alone. */
static int check_version(struct accounts *a, struct md_error *err)
{
	sqlite3_stmt *s = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(a->db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
		sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	if (version < 0)
		return fail(a, err, "read the database");
	if (version > 1)
		return md_fail(err, EPROTO, "it was made by a newer version (%d)", version);
	return 0;
}

int accounts_open(struct accounts *a, const char *path, struct md_error *err)
{
	*a = (struct accounts){ 0 };
	if (sqlite3_open_v2(path, (sqlite3 **)&a->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			    SQLITE_OPEN_EXRESCODE,
		    NULL) != SQLITE_OK) {
		fail(a, err, "open the database");
		goto failed;
	}
	sqlite3_busy_timeout(a->db, 2000);
	if (check_version(a, err) < 0)
		goto failed;
	if (sqlite3_exec(a->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		fail(a, err, "set up the database");
		goto failed;
	}
	a->statements = calloc(1, sizeof(*a->statements));
	if (!a->statements) {
		md_fail(err, ENOMEM, "no memory");
		goto failed;
	}
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		if (sqlite3_prepare_v3(a->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &a->statements->prepared[i], NULL) != SQLITE_OK) {
			fail(a, err, "set up the database");
			goto failed;
		}
	}
	return 0;
failed:
	md_wrap(err, "'%s'", path);
	accounts_close(a);
	return -1;
}

static sqlite3_stmt *statement(struct accounts *a, enum statement which)
{
	sqlite3_stmt *s = a->statements->prepared[which];

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return s;
}

/* Runs a statement that gives no rows. */
static int run(struct accounts *a, sqlite3_stmt *s, struct md_error *err)
{
	int r = sqlite3_step(s);

	if (r == SQLITE_DONE) {
		sqlite3_reset(s);
		return 0;
	}
	if (r == SQLITE_CONSTRAINT_UNIQUE)
		md_fail(err, EEXIST, "the name is taken");
	else
		fail(a, err, "write the database");
	sqlite3_reset(s);
	return -1;
}

/* 1: a row is there (reset is the caller's), 0: none, -1: failed. */
static int look_up(struct accounts *a, sqlite3_stmt *s, struct md_error *err)
{
	int r = sqlite3_step(s);

	if (r == SQLITE_ROW)
		return 1;
	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : fail(a, err, "read the database");
}

static void read_text(sqlite3_stmt *s, int column, char *to, size_t size)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	broker_wire_put(to, size, text ? (const char *)text : "");
}

/* The columns of USER_COLUMNS. */
static void read_account(sqlite3_stmt *s, struct account *ret)
{
	ret->id = sqlite3_column_int64(s, 0);
	read_text(s, 1, ret->name, sizeof(ret->name));
	read_text(s, 2, ret->hash, sizeof(ret->hash));
	ret->role = sqlite3_column_int(s, 3) ? BW_ADMIN : BW_USER;
	ret->disabled = sqlite3_column_int(s, 4);
	ret->demo = sqlite3_column_int(s, 5);
	ret->created = sqlite3_column_int64(s, 6);
	ret->last_login = sqlite3_column_int64(s, 7);
}

int accounts_find(struct accounts *a, const char *name, struct account *ret, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, USER_FIND);
	int r;

	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	r = look_up(a, s, err);
	if (r == 1) {
		read_account(s, ret);
		sqlite3_reset(s);
	}
	return r;
}

int accounts_save(struct accounts *a, const struct account *account, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, account->id ? USER_CHANGE : USER_ADD);

	sqlite3_bind_text(s, 1, account->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, account->hash, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 3, account->role);
	sqlite3_bind_int(s, 4, account->disabled);
	sqlite3_bind_int(s, 5, account->demo);
	if (account->id)
		sqlite3_bind_int64(s, 7, account->id);
	else
		sqlite3_bind_int64(s, 6, account->created);
	return run(a, s, err);
}

int accounts_remove(struct accounts *a, int64_t user_id, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, USER_REMOVE);

	sqlite3_bind_int64(s, 1, user_id);
	return run(a, s, err);
}

static int count(struct accounts *a, sqlite3_stmt *s, struct md_error *err)
{
	int n = -1;

	if (look_up(a, s, err) == 1) {
		n = sqlite3_column_int(s, 0);
		sqlite3_reset(s);
	}
	return n;
}

int accounts_other_admins(struct accounts *a, int64_t except_id, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, USERS_ADMINS);

	sqlite3_bind_int64(s, 1, except_id);
	return count(a, s, err);
}

int accounts_any(struct accounts *a, struct md_error *err)
{
	int n = count(a, statement(a, USERS_COUNT), err);

	return n > 0 ? 1 : n;
}

int accounts_page(
	struct accounts *a, const char *after, struct bw_users_page *ret, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, USER_PAGE);
	int r;

	sqlite3_bind_text(s, 1, after, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, BW_PAGE_USERS + 1);
	ret->count = ret->more = 0;
	while ((r = look_up(a, s, err)) == 1) {
		struct bw_user *u = &ret->users[ret->count];
		struct account found;

		if (ret->count == BW_PAGE_USERS) {
			ret->more = 1;
			sqlite3_reset(s);
			return 0;
		}
		read_account(s, &found);
		BW_PUT(u->name, found.name);
		u->role = found.role;
		u->disabled = found.disabled;
		u->created = found.created;
		u->last_login = found.last_login;
		ret->count++;
	}
	return r;
}

int accounts_logged_in(struct accounts *a, int64_t user_id, int64_t now, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, USER_LOGGED_IN);

	sqlite3_bind_int64(s, 1, user_id);
	sqlite3_bind_int64(s, 2, now);
	return run(a, s, err);
}

int accounts_add_session(struct accounts *a, int64_t user_id,
	const uint8_t hash[ACCOUNT_SECRET_HASH], int64_t now, int64_t *ret_id, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, SESSION_ADD);

	sqlite3_bind_int64(s, 1, user_id);
	sqlite3_bind_blob(s, 2, hash, ACCOUNT_SECRET_HASH, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, now);
	if (run(a, s, err) < 0)
		return -1;
	*ret_id = sqlite3_last_insert_rowid(a->db);
	return 0;
}

int accounts_find_session(struct accounts *a, const uint8_t hash[ACCOUNT_SECRET_HASH],
	struct account_session *ret, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, SESSION_FIND);
	int r;

	sqlite3_bind_blob(s, 1, hash, ACCOUNT_SECRET_HASH, SQLITE_STATIC);
	r = look_up(a, s, err);
	if (r == 1) {
		read_account(s, &ret->account);
		ret->user_id = ret->account.id;
		ret->id = sqlite3_column_int64(s, 8);
		ret->created = sqlite3_column_int64(s, 9);
		ret->seen = sqlite3_column_int64(s, 10);
		sqlite3_reset(s);
	}
	return r;
}

int accounts_touch_session(struct accounts *a, int64_t id, int64_t now, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, SESSION_TOUCH);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, now);
	return run(a, s, err);
}

int accounts_add_link(struct accounts *a, struct account_link *link,
	const uint8_t hash[ACCOUNT_SECRET_HASH], struct md_error *err)
{
	sqlite3_stmt *s = statement(a, LINK_ADD);

	sqlite3_bind_int64(s, 1, link->user_id);
	sqlite3_bind_blob(s, 2, hash, ACCOUNT_SECRET_HASH, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, link->terminal);
	sqlite3_bind_int(s, 4, link->can_type);
	sqlite3_bind_int64(s, 5, link->created);
	sqlite3_bind_int64(s, 6, link->until);
	if (run(a, s, err) < 0)
		return -1;
	link->id = sqlite3_last_insert_rowid(a->db);
	return 0;
}

int accounts_find_link(struct accounts *a, const uint8_t hash[ACCOUNT_SECRET_HASH],
	struct account_link *ret, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, LINK_FIND);
	int r;

	sqlite3_bind_blob(s, 1, hash, ACCOUNT_SECRET_HASH, SQLITE_STATIC);
	r = look_up(a, s, err);
	if (r == 1) {
		read_account(s, &ret->account);
		ret->user_id = ret->account.id;
		ret->id = sqlite3_column_int64(s, 8);
		ret->terminal = (uint32_t)sqlite3_column_int64(s, 9);
		ret->can_type = sqlite3_column_int(s, 10);
		ret->created = sqlite3_column_int64(s, 11);
		ret->until = sqlite3_column_int64(s, 12);
		sqlite3_reset(s);
	}
	return r;
}

int accounts_links(struct accounts *a, int64_t user_id, int64_t now, struct bw_links_page *ret,
	struct md_error *err)
{
	sqlite3_stmt *s = statement(a, LINK_LIST);
	int r;

	sqlite3_bind_int64(s, 1, user_id);
	sqlite3_bind_int64(s, 2, now);
	sqlite3_bind_int(s, 3, BW_PAGE_LINKS);
	ret->count = 0;
	while ((r = look_up(a, s, err)) == 1) {
		struct bw_link *l = &ret->links[ret->count++];

		l->link = (uint64_t)sqlite3_column_int64(s, 0);
		l->terminal = (uint32_t)sqlite3_column_int64(s, 1);
		l->can_type = (uint32_t)sqlite3_column_int(s, 2);
		l->created = sqlite3_column_int64(s, 3);
		l->until = sqlite3_column_int64(s, 4);
	}
	return r;
}

int accounts_end(struct accounts *a, enum accounts_end which, int64_t id,
	void (*ended)(uint64_t wire_id, void *data), void *data, struct md_error *err)
{
	sqlite3_stmt *s = statement(a, END_FIRST + which);
	uint64_t bit = which >= END_LINK ? ACCOUNTS_LINK_BIT : 0;
	int r, n = 0;

	sqlite3_bind_int64(s, 1, id);
	while ((r = look_up(a, s, err)) == 1) {
		ended((uint64_t)sqlite3_column_int64(s, 0) | bit, data);
		n++;
	}
	return r < 0 ? -1 : n;
}
