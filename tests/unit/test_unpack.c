/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each test writes an archive as an attacker would and unpacks it into FOLDER/root; beside it lie
 * FOLDER/outside (a file) and FOLDER/victim/ (a folder), which nothing may touch.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "image/unpack.h"

static char folder[] = "/var/tmp/md-test-unpack-XXXXXX";
static int at = -1, root = -1;
static locale_t names;

/* One entry of an archive. `type` 0 is a hard link to `target`. */
struct entry {
	const char *path;
	mode_t type;
	mode_t mode;
	const char *text; /* contents, or the target of a link */
	const char *xattr;
	int64_t uid;
	int64_t size; /* a hole of this size instead of text */
};

static int make_folder(void **state _unused_)
{
	names = unpack_locale();
	if (!names || !mkdtemp(folder))
		return -1;
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || mkdirat(at, "victim", 0755) < 0)
		return -1;
	return file_write_atomic(at, "outside", "secret", 6, 0600);
}

static int remove_folder(void **state _unused_)
{
	fd_close(&at);
	freelocale(names);
	return file_remove_tree(AT_FDCWD, folder);
}

static int make_root(void **state _unused_)
{
	if (mkdirat(at, "root", 0755) < 0)
		return -1;
	root = openat(at, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

/* After every test: the outside is as it was. */
static int check_outside(void **state _unused_)
{
	_auto_free_ char *text = NULL;
	struct stat st;

	fd_close(&root);
	if (file_remove_tree(at, "root") < 0)
		return -1;
	if (file_read(at, "outside", 100, &text, NULL) < 0 || strcmp(text, "secret") != 0)
		return -1;
	if (fstatat(at, "outside", &st, 0) < 0 || st.st_nlink != 1 || (st.st_mode & 07777) != 0600)
		return -1;
	return unlinkat(at, "victim", AT_REMOVEDIR) < 0 ? -1 : mkdirat(at, "victim", 0755);
}

static void write_entry(struct archive *a, const struct entry *from)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, from->path);
	archive_entry_set_perm(e, from->mode ? from->mode : 0644);
	archive_entry_set_uid(e, from->uid);
	archive_entry_set_mtime(e, 1000000000, 0);
	if (from->type == 0)
		archive_entry_set_hardlink(e, from->text);
	archive_entry_set_filetype(e, from->type ? from->type : S_IFREG);
	if (from->type == S_IFLNK)
		archive_entry_set_symlink(e, from->text);
	if (from->type == S_IFREG)
		archive_entry_set_size(e, from->text ? (int64_t)strlen(from->text) : from->size);
	if (from->size)
		archive_entry_sparse_add_entry(e, from->size - 1, 1);
	if (from->xattr)
		archive_entry_xattr_add_entry(e, from->xattr, "value", 5);
	assert_in_range(archive_write_header(a, e) - ARCHIVE_WARN, 0, ARCHIVE_OK - ARCHIVE_WARN);
	if (from->type == S_IFREG && from->text)
		assert_true(archive_write_data(a, from->text, strlen(from->text)) >= 0);
	if (from->size) {
		static const char zeros[4096];

		for (int64_t done = 0; done < from->size; done += (int64_t)sizeof(zeros))
			archive_write_data(a, zeros, sizeof(zeros));
	}
	archive_entry_free(e);
}

/* The archive as an open memfd at its beginning. */
static int make_archive(const struct entry *entries, int filter)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	struct archive *a = archive_write_new();

	archive_write_set_format_pax(a);
	archive_write_add_filter(a, filter);
	assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
	for (; entries->path; entries++)
		write_entry(a, entries);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static struct unpack_options options(void)
{
	return (struct unpack_options){ .max_bytes = 1 << 20, .max_entries = 100, .locale = names };
}

static int unpack(const struct entry *entries, struct unpack_result *ret, struct md_error *err)
{
	_auto_close_ int fd = make_archive(entries, ARCHIVE_FILTER_NONE);
	struct unpack_options o = options();

	return unpack_tar(fd, root, &o, ret, err);
}

static void assert_unpacks(const struct entry *entries)
{
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;

	if (unpack(entries, &result, &err) < 0)
		fail_msg("%s", err.msg);
}

static void assert_refused(const struct entry *entries, int code, const char *words)
{
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;

	assert_int_equal(unpack(entries, &result, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.msg, words))
		fail_msg("'%s' isn't in '%s'", words, err.msg);
}

static void assert_text(const char *path, const char *expected)
{
	_auto_free_ char *text = NULL;

	assert_int_equal(file_read(root, path, 1000, &text, NULL), 0);
	assert_string_equal(text, expected);
}

static bool is_there(const char *path)
{
	return faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void an_ordinary_tree_is_unpacked_with_owners_modes_and_times(void **state _unused_)
{
	const struct entry entries[] = {
		{ "./", S_IFDIR, 0755 },
		{ "./bin", S_IFDIR, 0711 },
		{ "./bin/su", S_IFREG, 04755, "#!", "user.note", .uid = 7 },
		{ "./bin/sudo", 0, 0, "./bin/su" },
		{ "./lib", S_IFLNK, 0777, "usr/lib" },
		{ "./pipe", S_IFIFO, 0620 },
		{ "./implied/by/name", S_IFREG, 0600, "x" },
		{ "./gr\xc3\xbc\xc3\x9f", S_IFREG, 0600, "umlaut" },
		{ "./not-\xff-utf8", S_IFREG, 0600, "bytes" },
		{ NULL },
	};
	char value[10];
	struct stat st;

	assert_unpacks(entries);
	assert_int_equal(fstatat(root, "bin/su", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
	assert_int_equal(st.st_uid, 7);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_mtime, 1000000000);
	assert_int_equal(fstatat(root, "bin", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0711);
	assert_int_equal(st.st_mtime, 1000000000);
	assert_int_equal(fstatat(root, "lib", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(fstatat(root, "pipe", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0620);
	assert_text("implied/by/name", "x");
	assert_text("gr\xc3\xbc\xc3\x9f", "umlaut");
	assert_text("not-\xff-utf8", "bytes");
	assert_int_equal(fchdir(root), 0);
	assert_int_equal(getxattr("bin/su", "user.note", value, sizeof(value)), 5);
}

static void dotdot_in_a_name_is_refused(void **state _unused_)
{
	assert_refused((struct entry[]){ { "../outside", S_IFREG, 0, "evil" }, { NULL } }, EINVAL,
		"'..' in a name");
	assert_refused((struct entry[]){ { "a/../../victim/x", S_IFREG, 0, "evil" }, { NULL } },
		EINVAL, "'..' in a name");
	assert_refused((struct entry[]){ { "..", S_IFDIR, 0777 }, { NULL } }, EINVAL, "'..'");
}

static void an_absolute_name_lands_inside(void **state _unused_)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/victim/x", folder);
	assert_unpacks((struct entry[]){ { path, S_IFREG, 0, "inside" }, { NULL } });
	assert_text(path + 1, "inside");
}

static void a_hard_link_reaches_no_file_outside(void **state _unused_)
{
	char path[100];

	assert_refused((struct entry[]){ { "x", 0, 0, "../outside" }, { NULL } }, EINVAL, "'..'");
	snprintf(path, sizeof(path), "%s/outside", folder);
	assert_refused((struct entry[]){ { "x", 0, 0, path }, { NULL } }, ENOENT, "link to");
	assert_refused((struct entry[]){ { "up", S_IFLNK, 0, ".." }, { "x", 0, 0, "up/outside" },
			       { NULL } },
		ENOENT, "link to");
}

static void writing_through_a_symlink_stays_inside(void **state _unused_)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/victim", folder);
	assert_unpacks((struct entry[]){
		{ "etc", S_IFDIR, 0755 },
		{ "up", S_IFLNK, 0, "../../../.." },
		{ "up/x", S_IFREG, 0, "inside" },
		{ "in", S_IFLNK, 0, "/etc" },
		{ "in/y", S_IFREG, 0, "inside too" },
		{ NULL },
	});
	assert_text("x", "inside");
	assert_text("etc/y", "inside too");
	assert_refused((struct entry[]){ { "abs", S_IFLNK, 0, path },
			       { "abs/x", S_IFREG, 0, "evil" }, { NULL } },
		ENOENT, "its folder");
}

static void *rename_on_and_on(void *data)
{
	const atomic_bool *stop = data;

	while (!*stop) {
		renameat(at, "victim", at, "Victim");
		renameat(at, "Victim", at, "victim");
	}
	return NULL;
}

/* The kernel gives up a name with ".." when anything at all was renamed meanwhile. */
static void renames_elsewhere_disturb_no_name(void **state _unused_)
{
	enum { FILES = 2000 };
	struct entry entries[FILES + 3] = { { "d/up", S_IFLNK, 0, "../d/../d/../d/../d" } };
	struct unpack_options o = options();
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;
	_auto_close_ int fd = -1;
	atomic_bool stop = false;
	pthread_t thread;
	int r;

	for (size_t i = 1; i <= FILES; i++)
		entries[i] = (struct entry){ "d/up/up/up/up/x", S_IFREG, 0, "" };
	fd = make_archive(entries, ARCHIVE_FILTER_NONE);
	o.max_entries = 2 * FILES;
	assert_int_equal(pthread_create(&thread, NULL, rename_on_and_on, &stop), 0);
	r = unpack_tar(fd, root, &o, &result, &err);
	stop = true;
	pthread_join(thread, NULL);
	if (r < 0)
		fail_msg("%s", err.msg);
}

static void a_symlink_in_an_entrys_place_is_replaced_not_followed(void **state _unused_)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/outside", folder);
	assert_unpacks((struct entry[]){
		{ "x", S_IFLNK, 0, path },
		{ "x", S_IFREG, 0777, "new" },
		{ "d", S_IFLNK, 0, "../victim" },
		{ "d", S_IFDIR, 0700 },
		{ "d/y", S_IFREG, 0, "new too" },
		{ NULL },
	});
	assert_text("x", "new");
	assert_text("d/y", "new too");
}

static void devices_are_left_out(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;

	assert_int_equal(
		unpack((struct entry[]){ { "sda", S_IFBLK, 0666 }, { "mem", S_IFCHR, 0666 },
			       { "x", S_IFREG, 0, "" }, { NULL } },
			&result, &err),
		0);
	assert_int_equal(result.left_out, 2);
	assert_false(is_there("sda"));
	assert_false(is_there("mem"));
}

static void only_harmless_attributes_are_kept(void **state _unused_)
{
	char value[10];

	assert_unpacks((struct entry[]){
		{ "a", S_IFREG, 0, "", "trusted.overlay.redirect" },
		{ "b", S_IFREG, 0, "", "user.overlay.redirect" },
		{ "c", S_IFREG, 0, "", "security.selinux" },
		{ NULL },
	});
	assert_int_equal(fchdir(root), 0);
	assert_int_equal(getxattr("a", "trusted.overlay.redirect", value, sizeof(value)), -1);
	assert_int_equal(getxattr("b", "user.overlay.redirect", value, sizeof(value)), -1);
	assert_int_equal(getxattr("c", "security.selinux", value, sizeof(value)), -1);
}

static void owners_that_no_workspace_maps_are_refused(void **state _unused_)
{
	assert_refused((struct entry[]){ { "x", S_IFREG, 0, "", .uid = 65536 }, { NULL } }, EINVAL,
		"outside 0..65535");
}

static void ceilings_hold(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	struct unpack_options o = options();
	struct unpack_result result;
	char deep[2 * UNPACK_DEPTH_MAX + 10] = "";
	int fd;

	/* a bomb: 8 MiB of zeros, 8 KiB compressed */
	fd = make_archive((struct entry[]){ { "bomb", S_IFREG, .size = 8 << 20 }, { NULL } },
		ARCHIVE_FILTER_GZIP);
	assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
	assert_int_equal(err.code, EFBIG);
	fd_close(&fd);

	o.max_entries = 2;
	fd = make_archive((struct entry[]){ { "a", S_IFDIR, 0755 }, { "b", S_IFDIR, 0755 },
				  { "c", S_IFDIR, 0755 }, { NULL } },
		ARCHIVE_FILTER_NONE);
	assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
	assert_int_equal(err.code, EFBIG);
	fd_close(&fd);

	/* folders that are only implied */
	fd = make_archive(
		(struct entry[]){ { "x/y/z", S_IFREG, 0, "" }, { NULL } }, ARCHIVE_FILTER_NONE);
	assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
	assert_int_equal(err.code, EFBIG);
	fd_close(&fd);

	/* an attribute of five bytes */
	o = options();
	o.max_bytes = 4;
	fd = make_archive((struct entry[]){ { "x", S_IFREG, 0, "", "user.x" }, { NULL } },
		ARCHIVE_FILTER_NONE);
	assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
	assert_int_equal(err.code, EFBIG);
	fd_close(&fd);

	memset(deep, 'd', 2 * UNPACK_DEPTH_MAX + 2);
	for (size_t i = 1; i < 2 * UNPACK_DEPTH_MAX + 2; i += 2)
		deep[i] = '/';
	assert_refused(
		(struct entry[]){ { deep, S_IFDIR, 0755 }, { NULL } }, EFBIG, "folders deep");
}

static void the_root_may_only_be_a_folder(void **state _unused_)
{
	assert_refused((struct entry[]){ { "./", S_IFLNK, 0, "/" }, { NULL } }, EINVAL, "root");
	assert_refused((struct entry[]){ { "x", 0, 0, "." }, { NULL } }, EINVAL, "root");
}

static void messages_hold_no_control_sequences(void **state _unused_)
{
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;

	assert_int_equal(
		unpack((struct entry[]){ { "a\033[2J\xc2\x9b/../x", S_IFREG, 0, "" }, { NULL } },
			&result, &err),
		-1);
	for (const char *c = err.msg; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f);
}

static void every_compression_gives_the_same_tree(void **state _unused_)
{
	static const int filters[] = { ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ,
		ARCHIVE_FILTER_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		_auto_close_ int fd = make_archive(
			(struct entry[]){ { "x", S_IFREG, 0, "text" }, { NULL } }, filters[i]);
		struct unpack_options o = options();
		struct md_error err = MD_ERROR_INIT;
		struct unpack_result result;

		if (unpack_tar(fd, root, &o, &result, &err) < 0)
			fail_msg("%s", err.msg);
		assert_text("x", "text");
		assert_int_equal(strlen(result.digest), 64);
	}
}

static void what_is_no_archive_is_refused(void **state _unused_)
{
	static const char *const texts[] = { "", "hello, world\n", "\x1f\x8b\x08garbage",
		"PK\3\4zip" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_auto_close_ int fd = memfd_create("text", MFD_CLOEXEC);
		struct unpack_options o = options();
		struct md_error err = MD_ERROR_INIT;
		struct unpack_result result;

		assert_int_equal(fd_write_all(fd, texts[i], strlen(texts[i])), 0);
		lseek(fd, 0, SEEK_SET);
		assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
		assert_non_null(strstr(err.msg, "not a usable archive"));
	}
}

static void a_cut_archive_is_refused(void **state _unused_)
{
	_auto_close_ int fd = -1;
	struct unpack_options o = options();
	struct md_error err = MD_ERROR_INIT;
	struct unpack_result result;
	char text[4001];

	memset(text, 'x', 4000);
	text[4000] = '\0';
	fd = make_archive(
		(struct entry[]){ { "x", S_IFREG, 0, text }, { NULL } }, ARCHIVE_FILTER_NONE);
	assert_int_equal(ftruncate(fd, 2500), 0);
	assert_int_equal(unpack_tar(fd, root, &o, &result, &err), -1);
	assert_non_null(strstr(err.msg, "not a usable archive"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, check_outside)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ordinary_tree_is_unpacked_with_owners_modes_and_times),
		TEST(dotdot_in_a_name_is_refused),
		TEST(an_absolute_name_lands_inside),
		TEST(a_hard_link_reaches_no_file_outside),
		TEST(writing_through_a_symlink_stays_inside),
		TEST(renames_elsewhere_disturb_no_name),
		TEST(a_symlink_in_an_entrys_place_is_replaced_not_followed),
		TEST(devices_are_left_out),
		TEST(only_harmless_attributes_are_kept),
		TEST(owners_that_no_workspace_maps_are_refused),
		TEST(ceilings_hold),
		TEST(the_root_may_only_be_a_folder),
		TEST(messages_hold_no_control_sequences),
		TEST(every_compression_gives_the_same_tree),
		TEST(what_is_no_archive_is_refused),
		TEST(a_cut_archive_is_refused),
	};

	setlocale(LC_CTYPE, "C.UTF-8"); /* the writer wants one for names that are not ASCII */
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
