/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.h - the id mappings of user namespaces, user_namespaces(7).
 */
#ifndef MD_SYS_IDMAP_H
#define MD_SYS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

struct idmap_range {
	uint32_t inside, outside, count;
};

struct idmap {
	const struct idmap_range *uids, *gids; /* borrowed */
	size_t uid_count, gid_count;
};

/* Writes the mappings of the user namespace that `pid` is in; a child of the caller's namespace. A caller who may not write them
 * itself: a single range of one's own id is written with setgroups denied, others by newuidmap and newgidmap (in PATH or /usr/bin). */
int idmap_write(pid_t pid, const struct idmap *m, struct md_error *err);

/* A user namespace with these mappings and no process, for MOUNT_ATTR_IDMAP: its descriptor. */
int idmap_open_userns(const struct idmap *m, int *ret_fd, struct md_error *err);

#endif
