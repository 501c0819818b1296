/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.h - what the commands share.
 */
#ifndef MD_RUNTIME_COMMON_H
#define MD_RUNTIME_COMMON_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"
#include "runtime/state.h"

/* The folder of compiled filters: its name is no container's id. NULL: ENOMEM. */
char *runtime_seccomp_cache(const struct runtime *rt);

/* True if cgroups and the like are not ours to demand: an ordinary user, or root of a user namespace only. */
bool runtime_is_rootless(const struct runtime *rt);

/* Reads ROOT/ID/config.json's copy, or `path`, into a spec. */
int runtime_load_spec(int dirfd, const char *path, struct oci_spec *ret, char **ret_text,
	size_t *ret_len, struct md_error *err);

/* Writes the pid, as others may wait for it: the file appears whole. */
int runtime_write_pid_file(const char *path, pid_t pid, struct md_error *err);

/* Wants a terminal exactly if there is a console socket for it, unless the runtime itself relays it (`foreground`). */
int runtime_check_console(
	bool terminal, const char *console_socket, bool foreground, struct md_error *err);

/* Deletes a container whose first process has ended, by who made it and needn't read its documents again. Somebody else may have deleted it,
 * and even made another one of that name: that one is left alone. */
int container_delete_own(const struct runtime *rt, struct container_state *s,
	const struct state_dir *own, struct cgroup *cgroup, const struct oci_spec *spec,
	struct md_error *err);

/* Inherited descriptors above the preserved ones are nobody's: they close on exec. And there is room for those that a start takes: *ret_soft_files is
 * the soft limit that was raised for that, 0 if it was high enough. */
int runtime_seal_fds(unsigned int preserve_fds, uint64_t *ret_soft_files, struct md_error *err);

#endif
