/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/audit.h"

static char folder[64];
static int dir_fd = -1;

static int start(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/tmp/test_audit.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int end(void **state _unused_)
{
	fd_close(&dir_fd);
	return file_remove_tree(AT_FDCWD, folder);
}

static void write_lines(int count, off_t max_bytes)
{
	struct audit a;
	struct audit_entry e = { .event = "login", .outcome = "ok", .user = "alice" };

	assert_int_equal(audit_open(&a, dir_fd, NULL), 0);
	if (max_bytes)
		a.max_bytes = max_bytes;
	for (int i = 0; i < count; i++)
		assert_int_equal(audit_write(&a, &e, NULL), 0);
	audit_close(&a);
}

/* Into a buffer of the test's, with a NUL behind it. */
static char text[1 << 16];

static size_t read_log(void)
{
	_auto_free_ char *data = NULL;
	size_t len = 0;

	assert_int_equal(file_read(dir_fd, "audit.log", sizeof(text) - 1, &data, &len), 0);
	memcpy(text, data, len + 1);
	return len;
}

/* As of an auth that was killed before its next audit_sync(). */
static void write_lines_behind_the_head(int count)
{
	struct audit_entry e = { .event = "denied", .outcome = "failed" };
	struct md_error err = MD_ERROR_INIT;
	struct audit a = AUDIT_INIT;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(audit_open(&a, fd, &err), 0);
	close(fd);
	for (int i = 0; i < count; i++)
		assert_int_equal(audit_write(&a, &e, &err), 0);
	a.unsynced = false;
	audit_close(&a);
}

static void write_log(const char *data, size_t len)
{
	assert_int_equal(file_write_atomic(dir_fd, "audit.log", data, len, 0600), 0);
}

static int verify(uint64_t *lines)
{
	struct md_error err = MD_ERROR_INIT;

	return audit_verify(folder, lines, &err);
}

static void a_whole_log_verifies_over_restarts(void **state _unused_)
{
	struct stat st;
	uint64_t lines;

	write_lines(3, 0);
	write_lines(2, 0);
	assert_int_equal(verify(&lines), 0);
	assert_int_equal(lines, 5);
	assert_int_equal(fstatat(dir_fd, "audit.log", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_changed_byte_is_found_wherever_it_is(void **state _unused_)
{
	uint64_t lines;
	size_t len;

	write_lines(3, 0);
	len = read_log();
	for (size_t i = 0; i < len; i += 7) {
		text[i] ^= 1;
		write_log(text, len);
		assert_int_equal(verify(&lines), -1);
		text[i] ^= 1;
	}
	write_log(text, len);
	assert_int_equal(verify(&lines), 0);
}

static void a_removed_line_and_a_cut_tail_are_found(void **state _unused_)
{
	char *second, *third;
	uint64_t lines;
	size_t len;

	write_lines(4, 0);
	len = read_log();
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n') + 1;
	write_log(second, len - (size_t)(second - text));
	assert_int_equal(verify(&lines), -1);
	write_log(text, (size_t)(third - text));
	assert_int_equal(verify(&lines), -1);
	write_log(text, len - 10);
	assert_int_equal(verify(&lines), -1);
	memmove(second, third, len - (size_t)(third - text));
	write_log(text, len - (size_t)(third - second));
	assert_int_equal(verify(&lines), -1);
}

static void a_log_that_was_cut_says_so_when_it_goes_on(void **state _unused_)
{
	write_lines(4, 0);
	read_log();
	write_log(text, (size_t)(strchr(text, '\n') + 1 - text));
	write_lines(1, 0);
	read_log();
	assert_non_null(strstr(text, "audit_broken"));
}

static void a_line_that_a_power_cut_left_half_is_dropped_and_the_log_is_whole(void **state _unused_)
{
	char *second;
	uint64_t lines;

	write_lines(3, 0);
	read_log();
	second = strchr(text, '\n') + 1;
	/* The head was not yet told of the second line. */
	write_lines_behind_the_head(2);
	read_log();
	write_log(text, strlen(text) - 10);
	assert_int_equal(verify(&lines), -1);
	write_lines(1, 0);
	assert_int_equal(verify(&lines), 0);
	assert_int_equal(lines, 6);
	read_log();
	assert_non_null(strstr(second, "audit_recovered"));
	assert_null(strstr(text, "audit_broken"));
}

static struct rlimit lower(int which, rlim_t to)
{
	struct rlimit usual, low;

	assert_int_equal(getrlimit(which, &usual), 0);
	low = (struct rlimit){ to, usual.rlim_max };
	assert_int_equal(setrlimit(which, &low), 0);
	return usual;
}

/* As on a full disk: the beginning of a line is written, its end is not. */
static void a_line_that_finds_no_room_leaves_no_half(void **state _unused_)
{
	struct audit_entry e = { .event = "login", .outcome = "ok", .user = "alice" };
	struct rlimit usual;
	struct audit a;
	uint64_t lines;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(audit_open(&a, dir_fd, NULL), 0);
	assert_int_equal(audit_write(&a, &e, NULL), 0);
	usual = lower(RLIMIT_FSIZE, (rlim_t)a.size + 20);
	r = audit_write(&a, &e, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	assert_int_equal(r, -1);
	assert_int_equal(audit_write(&a, &e, NULL), 0);
	audit_close(&a);
	assert_int_equal(verify(&lines), 0);
	assert_int_equal(lines, 2);
}

/* The head names what is on the disk. */
static void a_line_that_nobody_waits_for_is_on_the_disk_by_the_next_sync(void **state _unused_)
{
	struct audit_entry e = { .event = "terminal_attach", .outcome = "ok", .later = true };
	_auto_free_ char *before = NULL, *now = NULL, *after = NULL;
	struct audit a;
	size_t len;

	assert_int_equal(audit_open(&a, dir_fd, NULL), 0);
	assert_int_equal(file_read(dir_fd, "audit.head", 1024, &before, &len), 0);
	assert_int_equal(audit_write(&a, &e, NULL), 0);
	assert_int_equal(file_read(dir_fd, "audit.head", 1024, &now, &len), 0);
	assert_string_equal(now, before);
	assert_int_equal(audit_sync(&a, NULL), 0);
	assert_int_equal(file_read(dir_fd, "audit.head", 1024, &after, &len), 0);
	assert_string_not_equal(after, before);
	audit_close(&a);
}

static void a_rotation_that_fails_is_made_up_for_by_the_next_line(void **state _unused_)
{
	struct audit_entry e = { .event = "login", .outcome = "ok", .user = "alice" };
	struct rlimit usual;
	struct audit a;
	uint64_t lines;
	int r;

	assert_int_equal(audit_open(&a, dir_fd, NULL), 0);
	a.max_bytes = 1;
	usual = lower(RLIMIT_NOFILE, 0);
	r = audit_write(&a, &e, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(r, -1);
	assert_int_equal(audit_write(&a, &e, NULL), 0);
	audit_close(&a);
	assert_int_equal(verify(&lines), 0);
	assert_int_equal(lines, 2);
}

static void rotation_goes_on_with_the_chain(void **state _unused_)
{
	uint64_t lines;

	write_lines(20, 600);
	write_lines(3, 600);
	assert_int_equal(verify(&lines), 0);
	assert_int_equal(lines, 23);
}

static int is_rotated(const struct dirent *e)
{
	return str_starts(e->d_name, "audit.log.");
}

/* The names of the rotated files in their order. */
static char rotated[8][64];

static int list_rotated(void)
{
	struct dirent **found = NULL;
	int n = scandirat(dir_fd, ".", &found, is_rotated, alphasort);

	for (int i = 0; i < n; i++) {
		assert_in_range(i, 0, ARRAY_SIZE(rotated) - 1);
		snprintf(rotated[i], sizeof(rotated[i]), "%.63s", found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return n;
}

static void a_changed_or_cut_rotated_file_is_found(void **state _unused_)
{
	uint64_t lines;
	int n;

	write_lines(12, 600);
	n = list_rotated();
	assert_in_range(n, 3, ARRAY_SIZE(rotated));
	for (int i = 0; i < n; i++) {
		_auto_free_ char *data = NULL;
		size_t len = 0;

		assert_int_equal(file_read(dir_fd, rotated[i], sizeof(text), &data, &len), 0);
		*strstr(data, "alice") = 'b';
		assert_int_equal(file_write_atomic(dir_fd, rotated[i], data, len, 0600), 0);
		assert_int_equal(verify(&lines), -1);
		*strstr(data, "blice") = 'a';
		assert_int_equal(file_write_atomic(dir_fd, rotated[i], data, len - 1, 0600), 0);
		assert_int_equal(verify(&lines), -1);
		/* Its last whole line gone. */
		len = (size_t)((char *)memrchr(data, '\n', len - 1) + 1 - data);
		assert_int_equal(file_write_atomic(dir_fd, rotated[i], data, len, 0600), 0);
		assert_int_equal(verify(&lines), -1);
		assert_int_equal(
			file_write_atomic(dir_fd, rotated[i], data, strlen(data), 0600), 0);
		assert_int_equal(verify(&lines), 0);
	}
}

static void a_removed_file_is_found_whichever_it_is(void **state _unused_)
{
	uint64_t lines;
	int n;

	write_lines(13, 600);
	n = list_rotated();
	assert_in_range(n, 3, ARRAY_SIZE(rotated));
	for (int i = 0; i < n; i++) {
		assert_int_equal(renameat(dir_fd, rotated[i], dir_fd, "away"), 0);
		assert_int_equal(verify(&lines), -1);
		assert_int_equal(renameat(dir_fd, "away", dir_fd, rotated[i]), 0);
	}
	assert_int_equal(unlinkat(dir_fd, "audit.head", 0), 0);
	assert_int_equal(verify(&lines), -1);
}

/* Also when a server has gone on with an empty file meanwhile. */
static void a_removed_log_stays_found_when_it_goes_on(void **state _unused_)
{
	uint64_t lines;

	write_lines(3, 0);
	assert_int_equal(unlinkat(dir_fd, "audit.log", 0), 0);
	assert_int_equal(verify(&lines), -1);
	write_lines(2, 0);
	assert_int_equal(verify(&lines), -1);
}

/* The last line is the one that no further line vouches for. */
static void a_last_line_that_was_changed_is_told_when_the_log_goes_on(void **state _unused_)
{
	size_t len;

	write_lines(3, 0);
	len = read_log();
	*(char *)memrchr(text, 'a', len) ^= 3;
	write_log(text, len);
	write_lines(1, 0);
	read_log();
	assert_non_null(strstr(text, "the last line was changed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_log_verifies_over_restarts, start, end),
		cmocka_unit_test_setup_teardown(a_changed_byte_is_found_wherever_it_is, start, end),
		cmocka_unit_test_setup_teardown(
			a_removed_line_and_a_cut_tail_are_found, start, end),
		cmocka_unit_test_setup_teardown(
			a_log_that_was_cut_says_so_when_it_goes_on, start, end),
		cmocka_unit_test_setup_teardown(
			a_line_that_a_power_cut_left_half_is_dropped_and_the_log_is_whole, start,
			end),
		cmocka_unit_test_setup_teardown(
			a_line_that_finds_no_room_leaves_no_half, start, end),
		cmocka_unit_test_setup_teardown(
			a_line_that_nobody_waits_for_is_on_the_disk_by_the_next_sync, start, end),
		cmocka_unit_test_setup_teardown(
			a_rotation_that_fails_is_made_up_for_by_the_next_line, start, end),
		cmocka_unit_test_setup_teardown(rotation_goes_on_with_the_chain, start, end),
		cmocka_unit_test_setup_teardown(a_changed_or_cut_rotated_file_is_found, start, end),
		cmocka_unit_test_setup_teardown(
			a_removed_file_is_found_whichever_it_is, start, end),
		cmocka_unit_test_setup_teardown(
			a_removed_log_stays_found_when_it_goes_on, start, end),
		cmocka_unit_test_setup_teardown(
			a_last_line_that_was_changed_is_told_when_the_log_goes_on, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
