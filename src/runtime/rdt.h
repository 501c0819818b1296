/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdt.h - a container's group of resctrl: its share of caches and of the bandwidth of memory (Intel RDT, AMD QoS). The kernel's side is
 * Documentation/filesystems/resctrl.rst, ours config-linux.md#intelrdt.
 *
 * Without `closID` the group has the container's id as its name, is its own and goes with it. With it, the group is others' too: it stays, and what is counted
 * for the container alone is a monitoring group in it, called by the id.
 */
#ifndef MD_RUNTIME_RDT_H
#define MD_RUNTIME_RDT_H

#include <sys/types.h>

#include "base/error.h"
#include "json/json_write.h"
#include "oci/spec.h"

/* One line of text that names the group; it is to be written down before rdt_make(). Heap; NULL: ENOMEM. */
char *rdt_record(const struct oci_intel_rdt *r, const char *id);

/* Makes the group, or looks whether one that is there has the wanted schemata. On failure there is nothing new. ENOTSUP: this host has no resctrl, or doesn't
 * count what is asked for. */
int rdt_make(const struct oci_intel_rdt *r, const char *id, struct md_error *err);

/* Puts a process with one thread in. */
int rdt_enter(const char *record, const char *id, pid_t pid, struct md_error *err);

/* New lines of the schemata; NULL or "": as it is. */
int rdt_update(const char *record, const char *l3, const char *mem_bw, struct md_error *err);

/* Removes what is the container's own; what is gone already is fine. */
int rdt_remove(const char *record, const char *id, struct md_error *err);

/* The members that runc's `events` has in "intel_rdt"; what the host doesn't have is left out. `record` may be NULL. */
void rdt_write_stats(const char *record, const char *id, struct json_writer *w);

#endif
