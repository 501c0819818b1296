/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - an image as JSON text and back.
 */
#ifndef MD_IMAGE_DOCUMENT_H
#define MD_IMAGE_DOCUMENT_H

#include "base/buf.h"
#include "image/store.h"

/* So that the name of its file, with each '/' as %2F, fits into NAME_MAX. */
enum { IMAGE_DOCUMENT_MAX = 1 << 20, IMAGE_NAME_SLASHES_MAX = 16 };

/* Adds the document to `to`. 0, or -1 (ENOMEM, or ENOBUFS at the ceiling of `to`). */
int image_document_write(const struct image *i, struct buf *to);

/* Reads a document; layer ids and the name are checked. Nothing of *ret is to be freed on failure.
 */
int image_document_read(const char *text, size_t len, struct image *ret, struct md_error *err);

/* A copy of all of `from`; -1 on ENOMEM. */
int image_config_copy(struct image_config *to, const struct image_config *from);
void image_config_done(struct image_config *c);

bool image_layer_id_valid(const char *id);

#endif
