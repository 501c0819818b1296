/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups.h - the groups /minidocker/ID in each hierarchy of the host, seen from the engine: removing what a dead
 * runtime left. (Making and limiting them is the runtime's.)
 */
#ifndef MD_ENGINE_CGROUPS_H
#define MD_ENGINE_CGROUPS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

/* Mount points of all cgroup hierarchies, v1 and v2, from the text of /proc/self/mountinfo. Pure. */
int cgroups_parse_mounts(const char *mountinfo, struct strv *ret);

/* The same of this host. */
int cgroups_mounts(struct strv *ret, struct md_error *err);

/* The folders that exist of group /minidocker/ID, one a hierarchy. */
int cgroups_find(const char *id, struct strv *ret, struct md_error *err);

/* Kills what is in them and removes them with all below; none is fine. ETIMEDOUT if a process doesn't die in 10 s. */
int cgroups_remove(const char *id, struct md_error *err);

#endif
