/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "server/accounts.h"

static char folder[64], path[96];
static struct accounts db;
static struct account alice;

static int start(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/tmp/test_accounts.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/x.db", folder);
	if (accounts_open(&db, path, NULL) < 0)
		return -1;
	alice = (struct account){ .name = "alice", .hash = "h", .created = 100 };
	if (accounts_save(&db, &alice, NULL) < 0)
		return -1;
	return accounts_find(&db, "alice", &alice, NULL) == 1 ? 0 : -1;
}

static int end(void **state _unused_)
{
	accounts_close(&db);
	return file_remove_tree(AT_FDCWD, folder);
}

static void users_are_added_changed_listed(void **state _unused_)
{
	struct account again = { .name = "alice", .hash = "x" }, found;
	struct md_error err = MD_ERROR_INIT;
	struct bw_users_page page = { 0 };

	assert_int_equal(accounts_save(&db, &again, &err), -1);
	assert_int_equal(err.code, EEXIST);
	alice.role = BW_ADMIN;
	alice.disabled = true;
	assert_int_equal(accounts_save(&db, &alice, NULL), 0);
	assert_int_equal(accounts_find(&db, "alice", &found, NULL), 1);
	assert_true(found.disabled && found.role == BW_ADMIN && found.created == 100);
	assert_int_equal(accounts_find(&db, "alice' OR 1=1 --", &found, NULL), 0);
	assert_int_equal(accounts_other_admins(&db, 0, NULL), 0);
	for (int i = 0; i < BW_PAGE_USERS; i++) {
		struct account more = { .hash = "h" };

		snprintf(more.name, sizeof(more.name), "u%02d", i);
		assert_int_equal(accounts_save(&db, &more, NULL), 0);
	}
	assert_int_equal(accounts_page(&db, "", &page, NULL), 0);
	assert_int_equal(page.count, BW_PAGE_USERS);
	assert_int_equal(page.more, 1);
	assert_string_equal(page.users[0].name, "alice");
	assert_int_equal(accounts_page(&db, page.users[page.count - 1].name, &page, NULL), 0);
	assert_int_equal(page.count, 1);
	assert_int_equal(page.more, 0);
}

static uint64_t ended[8];
static int ended_count;

static void note_ended(uint64_t id, void *data _unused_)
{
	ended[ended_count++] = id;
}

static void sessions_end_and_their_numbers_do_not_come_back(void **state _unused_)
{
	uint8_t hash[ACCOUNT_SECRET_HASH] = { 1 };
	struct account_session s;
	int64_t first, second;

	ended_count = 0;
	assert_int_equal(accounts_add_session(&db, alice.id, hash, 1000, &first, NULL), 0);
	assert_int_equal(accounts_find_session(&db, hash, &s, NULL), 1);
	assert_string_equal(s.account.name, "alice");
	assert_int_equal(accounts_end(&db, END_IDLE, 1000, note_ended, NULL, NULL), 0);
	assert_int_equal(accounts_end(&db, END_IDLE, 1001, note_ended, NULL, NULL), 1);
	assert_true(ended[0] == (uint64_t)first);
	assert_int_equal(accounts_find_session(&db, hash, &s, NULL), 0);
	assert_int_equal(accounts_add_session(&db, alice.id, hash, 1000, &second, NULL), 0);
	assert_true(second > first);
	assert_int_equal(accounts_end(&db, END_OF_USER, alice.id, note_ended, NULL, NULL), 1);
}

static void links_carry_their_bit(void **state _unused_)
{
	uint8_t hash[ACCOUNT_SECRET_HASH] = { 2 };
	struct account_link link = {
		.user_id = alice.id, .terminal = 4, .created = 10, .until = 20
	};
	struct bw_links_page page = { 0 };

	ended_count = 0;
	assert_int_equal(accounts_add_link(&db, &link, hash, NULL), 0);
	assert_int_equal(accounts_links(&db, alice.id, 15, &page, NULL), 0);
	assert_int_equal(page.count, 1);
	assert_int_equal(accounts_links(&db, alice.id, 20, &page, NULL), 0);
	assert_int_equal(page.count, 0);
	assert_int_equal(accounts_end(&db, END_LINKS_OLD, 20, note_ended, NULL, NULL), 1);
	assert_true(ended[0] == ((uint64_t)link.id | ACCOUNTS_LINK_BIT));
}

static void what_is_no_database_of_ours_is_left_alone(void **state _unused_)
{
	static const char text[] = "this is no database, though it is long enough to be looked at";
	struct accounts other;
	struct md_error err = MD_ERROR_INIT;
	char bad[128];

	snprintf(bad, sizeof(bad), "%s/bad.db", folder);
	assert_int_equal(file_write_atomic(AT_FDCWD, bad, text, sizeof(text), 0600), 0);
	assert_int_equal(accounts_open(&other, bad, &err), -1);
	assert_non_null(strstr(err.msg, "not a database"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(users_are_added_changed_listed, start, end),
		cmocka_unit_test_setup_teardown(
			sessions_end_and_their_numbers_do_not_come_back, start, end),
		cmocka_unit_test_setup_teardown(links_carry_their_bit, start, end),
		cmocka_unit_test_setup_teardown(
			what_is_no_database_of_ours_is_left_alone, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
