/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - the default workspace profile as an OCI config.json: what is isolated, masked,
 * limited and allowed stands in the tables of profile.c and profile_seccomp.c and nowhere else.
 * Pure: no file is touched.
 */
#ifndef MD_ENGINE_PROFILE_H
#define MD_ENGINE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "disk/device.h"
#include "engine/profile_kind.h"
#include "engine/user.h"
#include "engine/workspace.h"
#include "json/json_write.h"

#define PROFILE_INIT_PATH "/run/mdocker-init" /* of PID 1, inside */
#define PROFILE_CGROUP    "/minidocker"       /* all workspaces are below it */

enum { LIMITS_MAX_DEVICES = 2 };

/* What a limit in a cgroup depends on besides itself. */
struct limits_ground {
	bool counts_swap;       /* the host's cgroups do: memory and swap can be limited together */
	bool io_weight_was_set; /* an update: no weight means back to the default one */
	/* those that the workspace's files are on, if a rate is or was wanted */
	struct disk_device devices[LIMITS_MAX_DEVICES];
	size_t device_count;
};

struct profile_host {
	const char *init;   /* mdocker-init on the host */
	const char *bundle; /* absolute; volumes/N and resolv.conf are in it */
	const char *
		mdocker; /* this program, --root and --state: the hooks of a workspace on a bridge */
	const char *root, *state;
	int kernel; /* 5.19 is 519, 6.14 is 614 */
	int cpus;   /* configured ones: each has a folder to mask */
	struct limits_ground ground;
	struct strv huge_pages; /* sizes to be forbidden: "2MB"; empty without the controller */
	bool own_runtime; /* mdocker-runtime; other runtimes refuse user.* and kernel.* sysctls */
};

/* The bundle's config.json: the container with mdocker-init as PID 1. */
void profile_write_config(const struct workspace *w, const struct profile_host *h, struct buf *out);

/* The process template of the shim: the main command, and what every terminal gets. `user` is the
 * workspace's, looked up; its home becomes HOME unless the environment names another. */
void profile_write_process(const struct workspace *w, const struct user_ids *user, struct buf *out);

/* The limits as `RUNTIME update --resources` takes them: linux.resources without the devices. */
void profile_write_update(const struct limits *l, const struct limits_ground *g, struct buf *out);

/* The same as members of an object that is open. */
void profile_write_limits(
	const struct limits *l, const struct limits_ground *g, struct json_writer *w);

/* linux.seccomp; traits are those of profile_kind.h. */
void profile_write_seccomp(struct json_writer *w, const char *key, unsigned int traits);

/* All 32-bit numbers but `count` (at most 16) given ones, as a row of (mask, value): x is in the
 * row if (x & mask) == value for one of them. Returns their number, at most `room`. */
struct profile_prefix {
	uint32_t mask, value;
};
size_t profile_all_but(
	const uint32_t *values, size_t count, struct profile_prefix *ret, size_t room);

#endif
