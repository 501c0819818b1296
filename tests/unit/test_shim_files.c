/* SPDX-License-Identifier: Apache-2.0 */
/* What mdocker-shim writes: the output log and recordings. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "shim/output_log.h"
#include "recording/store.h"
#include "shim/record.h"

static char folder[] = "/tmp/md-shim-files-XXXXXX";

static int make_folder(void **state _unused_)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state _unused_)
{
	return file_remove_tree(AT_FDCWD, folder);
}

static char *read_file(const char *name)
{
	_auto_free_ char *path = str_format("%s/%s", folder, name);
	char *text = NULL;

	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	return text;
}

static int open_file(const char *name, const char *suffix)
{
	_auto_free_ char *path = str_format("%s/%s%s", folder, name, suffix);
	int fd = output_log_file(path);

	assert_true(fd >= 0);
	return fd;
}

static void open_log(struct output_log *l, const char *name, uint64_t limit)
{
	output_log_open(l, open_file(name, ""), open_file(name, ".1"), limit);
}

static struct recording *start_recording(uint32_t terminal, uint64_t limit)
{
	const struct recording_head head = { 24, 80, "", "sh" };
	const struct recording_limits none = { 0, 0 };
	int fd = recording_make(folder, terminal, &none, 0, NULL);
	struct recording *r;

	assert_true(fd >= 0);
	r = recording_new(fd, &head, limit);
	assert_non_null(r);
	return r;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void lines_of_both_streams_are_kept_apart(void **state _unused_)
{
	_auto_free_ char *text = NULL;
	struct output_log l;

	open_log(&l, "log", 1 << 20);
	output_log_write(&l, OUTPUT_STDOUT, "one\ntw", 6);
	output_log_write(&l, OUTPUT_STDERR, "err\xff\n", 5);
	output_log_write(&l, OUTPUT_STDOUT, "o\nthr\0ee", 8);
	output_log_close(&l);
	text = read_file("log");
	assert_int_equal(count(text, "\n"), 4);
	assert_non_null(strstr(text, "{\"log\":\"one\\n\",\"stream\":\"stdout\""));
	assert_non_null(strstr(text, "{\"log\":\"two\\n\",\"stream\":\"stdout\""));
	assert_non_null(strstr(text, "{\"log\":\"err\xef\xbf\xbd\\n\",\"stream\":\"stderr\""));
	assert_non_null(strstr(text, "{\"log\":\"thr ee\",\"stream\":\"stdout\""));
}

static void a_line_without_end_is_cut_and_the_files_are_bounded(void **state _unused_)
{
	_auto_free_ char *now = NULL, *before = NULL;
	char block[4096];
	struct output_log l;

	memset(block, 'x', sizeof(block));
	open_log(&l, "bounded", 50000);
	for (int i = 0; i < 100; i++)
		output_log_write(&l, OUTPUT_STDOUT, block, sizeof(block));
	output_log_close(&l);
	now = read_file("bounded");
	before = read_file("bounded.1");
	assert_true(strlen(now) < 70000);
	assert_true(strlen(before) >= 50000 && strlen(before) < 70000);
}

/* As on a full disk: the beginning of an entry is written, its end is not. */
static void an_entry_that_finds_no_room_leaves_no_half(void **state _unused_)
{
	_auto_free_ char *text = NULL;
	struct rlimit usual, low;
	struct output_log l;

	signal(SIGXFSZ, SIG_IGN);
	open_log(&l, "full", 1 << 20);
	output_log_write(&l, OUTPUT_STDOUT, "before\n", 7);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	low = (struct rlimit){ (rlim_t)l.size + 20, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	output_log_write(&l, OUTPUT_STDOUT, "lost\n", 5);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	output_log_write(&l, OUTPUT_STDOUT, "after\n", 6);
	output_log_close(&l);
	text = read_file("full");
	assert_int_equal(count(text, "\n"), 2);
	assert_int_equal(count(text, "{\"log\":"), 2);
	assert_non_null(strstr(text, "after"));
}

static void without_a_file_nothing_is_kept(void **state _unused_)
{
	struct output_log l;

	output_log_open(&l, -1, -1, 1);
	output_log_write(&l, OUTPUT_STDOUT, "x\n", 2);
	output_log_close(&l);
	assert_int_equal(output_log_file("/nowhere/log"), -1);
}

static char *read_recording(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char *text = NULL;

	while ((entry = readdir(dir))) {
		if (strstr(entry->d_name, ".cast")) {
			text = read_file(entry->d_name);
			unlinkat(dirfd(dir), entry->d_name, 0);
		}
	}
	closedir(dir);
	assert_non_null(text);
	return text;
}

static void a_character_cut_anywhere_is_recorded_whole(void **state _unused_)
{
	struct recording *r = start_recording(1, 1 << 20);
	static const char euro[] = "a\xe2\x82\xac\xf0\x9f\x98\x80z";
	_auto_free_ char *text = NULL;

	for (size_t i = 0; i < sizeof(euro) - 1; i++)
		recording_output(r, euro + i, 1);
	recording_output(r, "\xe2\x82", 2);
	recording_output(r, "!", 1);
	recording_size(r, 10, 20);
	recording_close(r);
	text = read_recording();
	assert_non_null(strstr(text, "\"version\":2,\"width\":80,\"height\":24"));
	assert_non_null(strstr(text, "\"o\",\"\xe2\x82\xac\"]"));
	assert_non_null(strstr(text, "\"o\",\"\xf0\x9f\x98\x80\"]"));
	assert_non_null(strstr(text, "\"r\",\"20x10\"]"));
}

static void a_recording_ends_at_its_limit(void **state _unused_)
{
	struct recording *r = start_recording(2, 5000);
	_auto_free_ char *text = NULL;

	for (int i = 0; i < 1000; i++)
		recording_output(r, "0123456789", 10);
	assert_int_equal(recording_ended(r), EFBIG);
	recording_close(r);
	text = read_recording();
	assert_true(strlen(text) < 5200);
	assert_int_equal(count(text, "size limit"), 1);
}

static void no_recording_takes_everything(void **state _unused_)
{
	recording_output(NULL, "x", 1);
	recording_size(NULL, 1, 1);
	recording_flush(NULL);
	recording_close(NULL);
	assert_int_equal(recording_ended(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_both_streams_are_kept_apart),
		cmocka_unit_test(a_line_without_end_is_cut_and_the_files_are_bounded),
		cmocka_unit_test(an_entry_that_finds_no_room_leaves_no_half),
		cmocka_unit_test(without_a_file_nothing_is_kept),
		cmocka_unit_test(a_character_cut_anywhere_is_recorded_whole),
		cmocka_unit_test(a_recording_ends_at_its_limit),
		cmocka_unit_test(no_recording_takes_everything),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
