/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utc.h - the present moment as text. The C library's way reads the host's time zone first, which UTC needs not: a file of two kilobytes
 * for each start of a container, and none in a process that is locked into an empty folder.
 */
#ifndef MD_BASE_UTC_H
#define MD_BASE_UTC_H

#include <stddef.h>
#include <time.h>

enum { UTC_TEXT = 40 };

/* RFC 3339: "2026-02-28T23:59:59.012Z" with `digits` (0 to 9) behind the second, cut and not rounded. Years from 1970 on. Returns `to`. */
char *utc_text(char to[UTC_TEXT], const struct timespec *when, int digits);

/* The same of now. */
char *utc_now(char to[UTC_TEXT], int digits);

#endif
