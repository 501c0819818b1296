/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups.h - the groups /minidocker/ID in each hierarchy of the host, seen from the engine:
 * removing what a dead runtime left. (Making and limiting them is the runtime's.)
 */
#ifndef MD_ENGINE_CGROUPS_H
#define MD_ENGINE_CGROUPS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

/* Mount points of all cgroup hierarchies, v1 and v2, from the text of /proc/self/mountinfo.
 * Pure. */
int cgroups_parse_mounts(const char *mountinfo, struct strv *ret);

/* The same of this host. */
int cgroups_mounts(struct strv *ret, struct md_error *err);

/* What the host's hierarchies offer. */
struct cgroups_host {
	char *v1;           /* owned: /proc/cgroups, "" without v1 hierarchies */
	char *v2;           /* owned: cgroup.controllers of the v2 tree, "" without one */
	const char *layout; /* "v1", "v2", "hybrid" */
	bool counts_swap;   /* memory and swap together can be limited */
};

/* ENOENT if no hierarchy is mounted. */
int cgroups_describe(struct cgroups_host *ret, struct md_error *err);
void cgroups_host_done(struct cgroups_host *h);
#define _auto_cgroups_host_ _auto_(cgroups_host_done)

/* By its name of v1: "memory", "pids", "blkio" (io), "devices" and "freezer" (built into v2)...
 * Pure. */
bool cgroups_host_has(const struct cgroups_host *h, const char *controller);

/* Kills what is in them and removes them with all below; none is fine. ETIMEDOUT if a process
 * doesn't die in 10 s. */
int cgroups_remove(const char *id, struct md_error *err);

#endif
