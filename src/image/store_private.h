/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_private.h - what the files of the store share.
 */
#ifndef MD_IMAGE_STORE_PRIVATE_H
#define MD_IMAGE_STORE_PRIVATE_H

#include "image/store.h"

#define IMAGE_NEW_PREFIX ".new-"

/* Waits for the store's lock. The descriptor, or -1 with err filled. */
int image_store_lock(struct image_store *s, bool exclusive, struct md_error *err);

/* image_store_gc() for who holds the exclusive lock already. */
int image_store_gc_locked(struct image_store *s, const struct image_users *users,
	size_t *ret_removed, struct md_error *err);

/* The file of an image in images/: heap string, or NULL with err filled (EINVAL: no name of an
 * image). */
char *image_file_name(const char *name, struct md_error *err);

/* true if an image of the list has the layer. */
bool image_list_has_layer(const struct image *list, size_t count, const char *layer_id);

#endif
