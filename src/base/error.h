/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - the one error type above base/ and sys/.
 *
 * A function that can fail takes a `struct md_error *err` as its last argument, returns 0 on
 * success and -1 on failure with *err filled. The caller owns the struct (usually on its stack, set
 * to MD_ERROR_INIT). On the way up each layer adds its context in front with md_wrap(); main()
 * prints the whole once. `err` may be NULL where nobody cares.
 *
 * Functions of base/ and sys/ behave like libc instead: -1 (or NULL) and errno.
 */
#ifndef MD_BASE_ERROR_H
#define MD_BASE_ERROR_H

#include "base/compiler.h"

struct md_error {
	int code;      /* an errno value; never 0 once filled */
	char msg[512]; /* one line, no newline at its end, cut to fit */
};

#define MD_ERROR_INIT                                                                              \
	{                                                                                          \
		.code = 0, .msg = ""                                                               \
	}

/* Fills *err with `code` and the formatted message. Always returns -1. Keeps errno = code. */
int md_fail(struct md_error *err, int code, const char *fmt, ...) _printf_(3, 4);

/* As md_fail(err, errno, ...), with ": " and strerror(errno) added to the message. */
int md_fail_errno(struct md_error *err, const char *fmt, ...) _printf_(2, 3);

/* Puts "context: " in front of the message that is already in *err. Always returns -1. */
int md_wrap(struct md_error *err, const char *fmt, ...) _printf_(2, 3);

#endif
