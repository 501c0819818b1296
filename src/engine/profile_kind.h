/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_kind.h - the profiles by name: how far a workspace is confined beyond or short of the
 * default. The table says in plain words what each looser one gives up; profile.c and
 * profile_seccomp.c turn the traits into the document.
 */
#ifndef MD_ENGINE_PROFILE_KIND_H
#define MD_ENGINE_PROFILE_KIND_H

#include <stddef.h>

#include "base/error.h"

#define PROFILE_DEFAULT_NAME "default"

enum profile_trait {
	PROFILE_READ_ONLY_ROOT = 1 << 0,  /* only the memory file systems can be written to */
	PROFILE_NO_NETWORK = 1 << 1,      /* loopback only, whatever is asked for */
	PROFILE_NO_CAPABILITIES = 1 << 2, /* root inside is an ordinary user that owns files */
	PROFILE_SMALL_FILTER = 1 << 3, /* the calls of profile_seccomp.c's `rare` are denied too */
	PROFILE_NEW_PRIVILEGES = 1 << 4,   /* setuid programs work */
	PROFILE_NESTED_NAMESPACES = 1 << 5 /* namespaces can be made, and mounts in them */
};

struct profile_kind {
	const char *name;
	const char *summary;
	unsigned int traits;
	const char *gives_up[3]; /* in plain words, up to the first NULL; none for the default */
};

/* All of them, the default first. */
extern const struct profile_kind profile_kinds[];
extern const size_t profile_kind_count;

/* By name; NULL and "" are the default. NULL and EINVAL with the names that there are. */
const struct profile_kind *profile_kind_find(const char *name, struct md_error *err);

#endif
