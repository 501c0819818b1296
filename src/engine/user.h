/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - "alice", "1000", "1000:100", "alice:staff" looked up in a workspace's own /etc/passwd
 * and /etc/group. Those files are a stranger's: a FIFO, a symlink to the host's or 10 GB of zeros
 * must neither stop us nor lead elsewhere.
 */
#ifndef MD_ENGINE_USER_H
#define MD_ENGINE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum { USER_GROUPS_MAX = 64, USER_HOME_MAX = 256, USER_FILE_MAX = 1 << 20 };

struct user_ids {
	uint32_t uid, gid;
	uint32_t groups[USER_GROUPS_MAX]; /* further ones */
	size_t group_count;
	char home[USER_HOME_MAX]; /* "/" if passwd says nothing */
	bool home_exists;         /* as a folder; user_lookup() leaves it false */
};

/* Pure: `passwd` and `group` are the files' texts ("" if there is none). NULL or "" is root.
 * Numbers need no entry; a name without one is ENOENT, a number of 65535 or more (outside the
 * block) EINVAL. */
int user_lookup(const char *spec, const char *passwd, const char *group, struct user_ids *ret,
	struct md_error *err);

/* The same with the files of the root folder `root_fd`. */
int user_resolve(int root_fd, const char *spec, struct user_ids *ret, struct md_error *err);

#endif
