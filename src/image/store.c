/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "image/document.h"
#include "image/store_private.h"
#include "base/poison.h"

enum { IMAGES_MAX = 10000 };

static int open_folder(const char *root, const char *name, mode_t mode, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/%s", root, name);
	int fd;

	if (!path)
		return md_fail(err, ENOMEM, "out of memory");
	if (file_mkdirs(path, mode) < 0)
		return md_fail_errno(err, "image store: make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return md_fail_errno(err, "image store: open '%s'", path);
	return fd;
}

int image_store_open(struct image_store *s, const char *root, struct md_error *err)
{
	_auto_image_store_ struct image_store opened = IMAGE_STORE_INIT;

	opened.max_bytes = 32ULL << 30;
	opened.max_entries = 2000000;
	opened.root = strdup(root);
	if (!opened.root)
		return md_fail(err, ENOMEM, "out of memory");
	opened.images_fd = open_folder(root, "images", 0700, err);
	if (opened.images_fd < 0)
		return -1;
	opened.layers_fd = open_folder(root, "layers", 0700, err);
	if (opened.layers_fd < 0)
		return -1;
	*s = opened;
	opened = (struct image_store)IMAGE_STORE_INIT;
	return 0;
}

void image_store_close(struct image_store *s)
{
	free(s->root);
	fd_close(&s->images_fd);
	fd_close(&s->layers_fd);
	*s = (struct image_store)IMAGE_STORE_INIT;
}

int image_store_lock(struct image_store *s, bool exclusive, struct md_error *err)
{
	int fd = file_lock(s->images_fd, "lock", exclusive, true);

	return fd >= 0 ? fd : md_fail_errno(err, "image store '%s': lock", s->root);
}

int image_store_hold(struct image_store *s, struct md_error *err)
{
	return image_store_lock(s, false, err);
}

char *image_file_name(const char *name, struct md_error *err)
{
	_auto_buf_ struct buf b = BUF_INIT(4 * IMAGE_NAME_MAX);
	char *file;

	if (!image_name_valid(name)) {
		md_fail(err, EINVAL,
			"'%.200s' can't be an image's name: letters, digits and ._-:/@ only", name);
		return NULL;
	}
	for (const char *c = name; *c; c++) {
		if (*c == '/')
			buf_add_str(&b, "%2F");
		else
			buf_add_char(&b, *c);
	}
	buf_add_str(&b, ".json");
	file = buf_take(&b);
	if (!file)
		md_fail(err, ENOMEM, "out of memory");
	return file;
}

static int read_file(
	struct image_store *s, const char *file, struct image *ret, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(s->images_fd, file, IMAGE_DOCUMENT_MAX, &text, &len) < 0)
		return md_fail_errno(err, "image store: read '%s/images/%s'", s->root, file);
	if (image_document_read(text, len, ret, err) < 0)
		return md_wrap(err, "image store: '%s/images/%s'", s->root, file);
	return 0;
}

int image_find(struct image_store *s, const char *name, struct image *ret, struct md_error *err)
{
	_auto_free_ char *file = image_file_name(name, err);

	if (!file)
		return -1;
	if (faccessat(s->images_fd, file, F_OK, 0) < 0 && errno == ENOENT)
		return md_fail(err, ENOENT,
			"no image '%s': `mdocker images` lists those there are, "
			"`mdocker import FILE %s` makes one from a tar archive or a folder",
			name, name);
	return read_file(s, file, ret, err);
}

char *image_layer_path(const struct image_store *s, const char *layer_id)
{
	if (!image_layer_id_valid(layer_id)) {
		errno = EINVAL;
		return NULL;
	}
	return str_format("%s/layers/%s/diff", s->root, layer_id);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->name, ((const struct image *)b)->name);
}

/* Adds the images of an open images/ folder. */
static int read_all(
	struct image_store *s, DIR *dir, struct image **list, size_t *count, struct md_error *err)
{
	struct dirent *entry;

	while (errno = 0, entry = readdir(dir)) {
		struct image *grown;

		if (!str_ends(entry->d_name, ".json"))
			continue;
		if (*count == IMAGES_MAX)
			return md_fail(err, EFBIG, "image store: more than %d images", IMAGES_MAX);
		grown = mem_resize(*list, *count + 1);
		if (!grown)
			return md_fail(err, ENOMEM, "out of memory");
		*list = grown;
		if (read_file(s, entry->d_name, &grown[*count], err) < 0)
			return -1;
		++*count;
	}
	return errno ? md_fail_errno(err, "image store: list '%s/images'", s->root) : 0;
}

int image_list(struct image_store *s, struct image **ret, size_t *ret_count, struct md_error *err)
{
	int fd = openat(s->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct image *list = NULL;
	size_t count = 0;
	int r;

	if (!dir) {
		fd_close(&fd);
		return md_fail_errno(err, "image store: list '%s/images'", s->root);
	}
	r = read_all(s, dir, &list, &count, err);
	closedir(dir);
	if (r < 0) {
		image_list_free(list, count);
		return -1;
	}
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*ret = list;
	*ret_count = count;
	return 0;
}

void image_list_free(struct image *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		image_done(&list[i]);
	free(list);
}

bool image_list_has_layer(const struct image *list, size_t count, const char *layer_id)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < list[i].layers.count; k++) {
			if (str_eq(list[i].layers.items[k], layer_id))
				return true;
		}
	}
	return false;
}

char *image_default_tar(void)
{
	static const char *const places[] = { "../default-image.tar",
		"../share/minidocker/default-image.tar",
		"../../share/minidocker/default-image.tar" };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		return NULL;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_auto_free_ char *path = str_format("%s/%s", self, places[i]);

		if (!path)
			return NULL;
		if (access(path, R_OK) == 0)
			return take_ptr(path);
	}
	errno = ENOENT;
	return NULL;
}
