/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growable run of bytes with a ceiling. Also the way to build a string: there is always a
 * NUL after the last byte once anything was added.
 *
 * After a failed add (ENOMEM, or ENOBUFS at the ceiling) the contents are as before, and
 * `failed` stays set until buf_reset(), so that a long row of adds needs one check at its end.
 */
#ifndef MD_BASE_BUF_H
#define MD_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct buf {
	char *data; /* owned; NULL while empty and never grown */
	size_t len;
	size_t capacity;
	size_t ceiling; /* most bytes it may hold */
	bool failed;
};

#define BUF_INIT(most)                                                                             \
	{                                                                                          \
		.ceiling = (most)                                                                  \
	}

void buf_init(struct buf *b, size_t ceiling);
void buf_done(struct buf *b);
#define _auto_buf_ _auto_(buf_done)

/* Empties it and clears `failed`; keeps the memory. */
void buf_reset(struct buf *b);

int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) _printf_(2, 0);

/* Makes room for `more` bytes behind the last one and returns where they go; set with buf_grew().
 */
void *buf_reserve(struct buf *b, size_t more);
void buf_grew(struct buf *b, size_t by);

/* Drops the first `n` bytes. */
void buf_consume(struct buf *b, size_t n);

/* Gives the bytes away (the caller frees), NUL-terminated; NULL if an add had failed or no memory.
 */
char *buf_take(struct buf *b);

/* The contents as a string, "" while empty. Borrowed until the next add. */
const char *buf_str(const struct buf *b);

#endif
