/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a real folder, with mdocker-unpack as built. */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "image/document.h"
#include "image/store.h"

static char folder[] = "/var/tmp/md-test-store-XXXXXX";
static char root[64], tree[64];
static struct image_store store = IMAGE_STORE_INIT;
static struct md_error err;

static void put(const char *name, const char *text)
{
	int at = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(file_write_atomic(at, name, text, strlen(text), 0755), 0);
	close(at);
}

static int make_store(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/var/tmp/md-test-store-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(root, sizeof(root), "%s/root", folder);
	snprintf(tree, sizeof(tree), "%s/tree", folder);
	if (mkdir(tree, 0755) < 0)
		return -1;
	return image_store_open(&store, root, &err);
}

static int remove_store(void **state _unused_)
{
	image_store_close(&store);
	return file_remove_tree(AT_FDCWD, folder);
}

static size_t layer_count(void)
{
	int fd = openat(store.layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static const char *user_of_all(const char *layer_id _unused_, void *data)
{
	return data;
}

static void import_tree(const char *name)
{
	if (image_import_folder(&store, tree, name, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void a_folder_becomes_an_image_with_its_shell(void **state _unused_)
{
	_auto_image_ struct image i = IMAGE_INIT;
	_auto_free_ char *layer = NULL;
	_auto_free_ char *file = NULL;
	struct stat st;

	put("hello", "text");
	import_tree("docker.io/library/x:1");
	assert_int_equal(image_find(&store, "docker.io/library/x:1", &i, &err), 0);
	assert_int_equal(i.layers.count, 1);
	assert_int_equal(i.size, 4);
	assert_string_equal(i.config.cmd.items[0], "/bin/sh");
	assert_non_null(strv_env_get(&i.config.env, "PATH"));
	layer = image_layer_path(&store, i.layers.items[0]);
	file = str_format("%s/hello", layer);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(fstat(store.layers_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void the_same_contents_are_one_layer(void **state _unused_)
{
	struct image *list;
	size_t count;

	put("hello", "text");
	import_tree("one");
	import_tree("two");
	assert_int_equal(layer_count(), 1);
	assert_int_equal(image_list(&store, &list, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "one");
	assert_string_equal(list[0].layers.items[0], list[1].layers.items[0]);
	image_list_free(list, count);
}

static void a_layer_in_use_is_kept_and_its_image_not_removed(void **state _unused_)
{
	struct image_users used = { user_of_all, (char *)"alice" };
	struct image_users unused = { user_of_all, NULL };

	put("hello", "old");
	import_tree("x");
	assert_int_equal(image_remove(&store, "x", &used, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_non_null(strstr(err.msg, "alice"));
	/* another image of that name: the old layer stays for who uses it */
	put("hello", "new");
	assert_int_equal(image_import_folder(&store, tree, "x", NULL, &used, &err), 0);
	assert_int_equal(layer_count(), 2);
	assert_int_equal(image_store_gc(&store, &unused, NULL, &err), 0);
	assert_int_equal(layer_count(), 1);
	assert_int_equal(image_remove(&store, "x", &unused, &err), 0);
	assert_int_equal(layer_count(), 0);
	assert_int_equal(image_remove(&store, "x", &unused, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void a_failed_import_leaves_nothing(void **state _unused_)
{
	_auto_close_ int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	assert_int_equal(image_import_tar(&store, fd, "x", NULL, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "import 'x': not a usable archive"));
	assert_int_equal(image_import_folder(&store, "/nope", "x", NULL, NULL, &err), -1);
	assert_int_equal(image_import_folder(&store, "/etc/passwd", "x", NULL, NULL, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	assert_int_equal(image_import_folder(&store, tree, "../x", NULL, NULL, &err), -1);
	assert_int_equal(err.code, EINVAL);
	put("hello", "text");
	store.max_bytes = 3;
	assert_int_equal(image_import_folder(&store, tree, "x", NULL, NULL, &err), -1);
	assert_int_equal(err.code, EFBIG);
	assert_int_equal(layer_count(), 0);
}

/* As an importer that was killed in file_write_atomic() leaves one. */
static void put_half(const char *name)
{
	int fd = openat(store.images_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void what_a_dead_importer_left_is_collected_and_a_living_ones_not(void **state _unused_)
{
	_auto_close_ int held = -1;
	size_t removed;

	assert_int_equal(mkdirat(store.layers_fd, ".new-dead", 0700), 0);
	assert_int_equal(file_write_atomic(store.layers_fd, ".new-dead/lock", "", 0, 0600), 0);
	assert_int_equal(mkdirat(store.layers_fd, ".new-living", 0700), 0);
	held = file_lock(store.layers_fd, ".new-living/lock", true, true);
	assert_true(held >= 0);
	assert_int_equal(mkdirat(store.layers_fd, "not-ours", 0700), 0);
	put_half("busybox.json.tmp-0123456789abcdef");
	put_half("notes.tmp-0123");
	assert_int_equal(image_store_gc(&store, NULL, &removed, &err), 0);
	assert_int_equal(
		faccessat(store.images_fd, "busybox.json.tmp-0123456789abcdef", F_OK, 0), -1);
	assert_int_equal(unlinkat(store.images_fd, "notes.tmp-0123", 0), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(layer_count(), 2);
}

static void an_unreadable_document_stops_collection(void **state _unused_)
{
	struct image_users unused = { user_of_all, NULL };

	put("hello", "text");
	import_tree("x");
	assert_int_equal(file_write_atomic(store.images_fd, "y.json", "{\"name\":", 8, 0600), 0);
	assert_int_equal(image_store_gc(&store, &unused, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "y.json"));
	assert_int_equal(layer_count(), 1);
}

static void names_and_documents_are_checked(void **state _unused_)
{
	static const char *const good[] = { "a", "debian:12",
		"docker.io/library/debian:12@sha256:0" };
	static const char *const bad[] = { "", ".a", "/a", "a/", "a//b", "a..b", "a b", "a\n", "-a",
		"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r" };
	static const char *const documents[] = { "", "[]", "{}", "{\"name\":\"x\",\"layers\":[]}",
		"{\"name\":\"x\",\"layers\":[\"../../etc\"],\"config\":{}}",
		"{\"name\":\"../x\",\"layers\":[\"0\"],\"config\":{}}" };
	struct image i;

	for (size_t k = 0; k < ARRAY_SIZE(good); k++)
		assert_true(image_name_valid(good[k]));
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		assert_false(image_name_valid(bad[k]));
	for (size_t k = 0; k < ARRAY_SIZE(documents); k++)
		assert_int_equal(
			image_document_read(documents[k], strlen(documents[k]), &i, &err), -1);
	assert_null(image_layer_path(&store, "../../etc"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_becomes_an_image_with_its_shell),
		TEST(the_same_contents_are_one_layer),
		TEST(a_layer_in_use_is_kept_and_its_image_not_removed),
		TEST(a_failed_import_leaves_nothing),
		TEST(what_a_dead_importer_left_is_collected_and_a_living_ones_not),
		TEST(an_unreadable_document_stops_collection),
		TEST(names_and_documents_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
