/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd.h - the container's /etc/passwd, which may be a FIFO, 10 GB of nothing or a lie. No memory, no stdio: for the forked child.
 */
#ifndef MD_RUNTIME_PASSWD_H
#define MD_RUNTIME_PASSWD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/compiler.h"

/* The home folder of `uid` by the current root's /etc/passwd, if it is an absolute path that fits; else `to` is left as it is. Looks at
 * the first megabyte of a regular file only. */
void passwd_home(uid_t uid, char *to, size_t size);

/* The home field of one line ("name:x:0:0:gecos:/root:/bin/sh") if its uid is `uid`: its length, with *ret_home set; else 0. */
size_t passwd_line_home(const char *line, size_t len, uid_t uid, const char **ret_home);

#endif
