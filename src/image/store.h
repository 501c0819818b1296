/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the image store: named images, each a row of read-only layers and its commands'
 *defaults.
 *
 *	ROOT/images/NAME.json	{"name","layers":[ID...],"config":{...},"created","size"};
 *				a '/' in NAME is written %2F
 *	ROOT/images/lock	flock: shared by those who rely on what they found, exclusive for
 *changes ROOT/layers/ID/diff/	one layer as overlayfs wants it; ID is 64 hex digits. layers/ is
 *0700, since an image may hold set-user-id programs ROOT/layers/.new-*	a layer that is being
 *unpacked; its `lock` is held by who does it
 *
 * Whatever happens, an image that is listed has all its layers: a layer gets its name by rename(2)
 *when it is complete and on disk, then the image's document is written (file_write_atomic). What a
 *dead process left is removed by image_store_gc(), which each import and removal also runs.
 */
#ifndef MD_IMAGE_STORE_H
#define MD_IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

#define IMAGE_DEFAULT_NAME "default"
enum { IMAGE_LAYER_ID_LEN = 64, IMAGE_NAME_MAX = 160, IMAGE_LAYERS_MAX = 127 };

/* Says who needs a layer: the name of a workspace, or NULL if nobody does. Borrowed until the next
 * call. */
struct image_users {
	const char *(*layer_user)(const char *layer_id, void *data);
	void *data;
};

struct image_store {
	char *root; /* owned: the path as given */
	int images_fd;
	int layers_fd;
	uint64_t max_bytes;   /* of one layer, unpacked; preset to 32 GiB */
	uint64_t max_entries; /* of one layer; preset to 2,000,000 */
};

#define IMAGE_STORE_INIT                                                                           \
	{                                                                                          \
		.images_fd = -1, .layers_fd = -1                                                   \
	}

/* What a program in the image starts with, in the OCI image specification's words. */
struct image_config {
	struct strv env;        /* "NAME=value" */
	struct strv entrypoint; /* may be empty */
	struct strv cmd;   /* never empty after an import: /bin/bash, or /bin/sh where that isn't */
	char *working_dir; /* owned; "/" if the image names none */
	char *user;        /* owned; "" is root. "name", "uid", "uid:gid", "name:group" */
};

struct image {
	char *name;         /* owned */
	struct strv layers; /* IDs, the lowest first */
	struct image_config config;
	int64_t created; /* seconds since 1970 */
	uint64_t size;   /* bytes of file contents in its layers */
};

#define IMAGE_INIT                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* Opens the store under `root`, making its folders where they are missing. Root only (files get
 * their owners). */
int image_store_open(struct image_store *s, const char *root, struct md_error *err);
void image_store_close(struct image_store *s);
#define _auto_image_store_ _auto_(image_store_close)

/* While the descriptor returned is open no image and no layer is removed: hold it from image_find()
 * until a workspace.json on disk names the layers. -1 on failure. Who holds it must not import or
 * remove: that waits for all holders. */
int image_store_hold(struct image_store *s, struct md_error *err);

/* Makes an image of one layer from a tar archive read from `fd` (plain, gzip, xz, zstd, bzip2; a
 * pipe will do), replacing an image of that name: its layers stay while `users` need them. `config`
 * may be NULL: PATH and a shell. The archive is taken as hostile, see unpack.h. On failure nothing
 * is left behind. */
int image_import_tar(struct image_store *s, int fd, const char *name,
	const struct image_config *config, const struct image_users *users, struct md_error *err);

/* The same from a folder on the host, which is copied; mounts below it are left out. */
int image_import_folder(struct image_store *s, const char *path, const char *name,
	const struct image_config *config, const struct image_users *users, struct md_error *err);

/* Reads one image. code ENOENT with "no image 'x'" and how to get one; EINVAL if that is no name of
 * an image. */
int image_find(struct image_store *s, const char *name, struct image *ret, struct md_error *err);
void image_done(struct image *i);
#define _auto_image_ _auto_(image_done)

/* ROOT/layers/ID/diff as a heap string, or NULL (ENOMEM; EINVAL if that is no id). */
char *image_layer_path(const struct image_store *s, const char *layer_id);

/* All images by name; the caller frees with image_list_free(). */
int image_list(struct image_store *s, struct image **ret, size_t *ret_count, struct md_error *err);
void image_list_free(struct image *list, size_t count);

/* Removes an image and the layers that nobody else needs. Refused with code EBUSY while a workspace
 * uses a layer that no other image has. */
int image_remove(struct image_store *s, const char *name, const struct image_users *users,
	struct md_error *err);

/* Removes half-unpacked layers whose process is gone, and layers that neither an image nor `users`
 * need. `users` NULL: only the half-unpacked ones. *ret_removed (may be NULL) is the number of
 * folders removed. */
int image_store_gc(struct image_store *s, const struct image_users *users, size_t *ret_removed,
	struct md_error *err);

/* true if `name` may be an image's: at most 160 letters, digits and . _ - : / @, a letter or digit
 * first, no "..", no "//", at most 16 "/" and none at the end. */
bool image_name_valid(const char *name);

/* The archive of the default image as `make` or the package put it: beside the build's src/ folder,
 * or in
 * ../share/minidocker of an installation. Heap string, or NULL and ENOENT. */
char *image_default_tar(void);

#endif
