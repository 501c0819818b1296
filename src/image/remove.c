/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing: images, layers nobody needs, and what dead importers left. All under the store's
 * exclusive lock.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "image/document.h"
#include "image/store.h"
#include "image/store_private.h"
#include "base/poison.h"

/* A half-made layer is left alone while its maker holds its lock. */
static bool maker_lives(struct image_store *s, const char *folder)
{
	_auto_free_ char *path = str_format("%s/lock", folder);
	_auto_close_ int fd = -1;

	if (!path)
		return true;
	fd = openat(s->layers_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false; /* it makes the lock under the store's lock, which we hold */
	fd_close(&fd);
	fd = file_lock(s->layers_fd, path, true, false);
	return fd < 0;
}

static bool needed(struct image_store *s, const char *folder, const struct image *list,
	size_t count, const struct image_users *users)
{
	if (str_starts(folder, IMAGE_NEW_PREFIX))
		return maker_lives(s, folder);
	if (!image_layer_id_valid(folder))
		return true; /* not ours */
	if (!users || image_list_has_layer(list, count, folder))
		return true;
	return users->layer_user(folder, users->data) != NULL;
}

static int sweep(struct image_store *s, DIR *dir, const struct image *list, size_t count,
	const struct image_users *users, size_t *removed, struct md_error *err)
{
	struct dirent *entry;

	while (errno = 0, entry = readdir(dir)) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (needed(s, entry->d_name, list, count, users))
			continue;
		if (file_remove_tree(s->layers_fd, entry->d_name) < 0)
			return md_fail_errno(
				err, "image store: remove '%s/layers/%s'", s->root, entry->d_name);
		++*removed;
	}
	return errno ? md_fail_errno(err, "image store: list '%s/layers'", s->root) : 0;
}

int image_store_gc_locked(struct image_store *s, const struct image_users *users,
	size_t *ret_removed, struct md_error *err)
{
	struct image *list = NULL;
	size_t count = 0, removed = 0;
	DIR *dir;
	int fd, r;

	file_sweep_temporaries(s->images_fd);
	/* An unreadable document might name any layer: then nothing goes. */
	if (image_list(s, &list, &count, err) < 0)
		return -1;
	fd = openat(s->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		r = md_fail_errno(err, "image store: list '%s/layers'", s->root);
	} else {
		r = sweep(s, dir, list, count, users, &removed, err);
		closedir(dir);
	}
	image_list_free(list, count);
	if (ret_removed)
		*ret_removed = removed;
	return r;
}

int image_store_gc(struct image_store *s, const struct image_users *users, size_t *ret_removed,
	struct md_error *err)
{
	_auto_close_ int lock = image_store_lock(s, true, err);

	return lock < 0 ? -1 : image_store_gc_locked(s, users, ret_removed, err);
}

/* Fails if a workspace uses a layer that only this image has. `others` are all images but this one.
 */
static int check_unused(const struct image *i, const struct image *others, size_t count,
	const struct image_users *users, struct md_error *err)
{
	for (size_t k = 0; users && k < i->layers.count; k++) {
		const char *layer = i->layers.items[k], *user;

		if (image_list_has_layer(others, count, layer))
			continue;
		user = users->layer_user(layer, users->data);
		if (user)
			return md_fail(err, EBUSY,
				"image '%s' is used by workspace '%s': `mdocker rm %s` removes "
				"that",
				i->name, user, user);
	}
	return 0;
}

/* Takes the image named `name` out of the list. */
static size_t take_out(struct image *list, size_t count, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (str_eq(list[i].name, name))
			image_done(&list[i]);
		else
			list[kept++] = list[i];
	}
	return kept;
}

int image_remove(struct image_store *s, const char *name, const struct image_users *users,
	struct md_error *err)
{
	_auto_close_ int lock = -1;
	_auto_free_ char *file = image_file_name(name, err);
	_auto_image_ struct image i = IMAGE_INIT;
	struct image *others = NULL;
	size_t count = 0;
	int r;

	if (!file)
		return -1;
	lock = image_store_lock(s, true, err);
	if (lock < 0 || image_find(s, name, &i, err) < 0 || image_list(s, &others, &count, err) < 0)
		return -1;
	count = take_out(others, count, name);
	r = check_unused(&i, others, count, users, err);
	image_list_free(others, count);
	if (r < 0)
		return -1;
	if (unlinkat(s->images_fd, file, 0) < 0 || fsync(s->images_fd) < 0)
		return md_fail_errno(err, "image store: remove '%s/images/%s'", s->root, file);
	return image_store_gc_locked(s, users, NULL, err);
}
