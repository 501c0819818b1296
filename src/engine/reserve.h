/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve.h - the group above all workspaces, /minidocker, gets less than the host has, so that the
 * server and a login have their share even when every workspace is at its limits.
 */
#ifndef MD_ENGINE_RESERVE_H
#define MD_ENGINE_RESERVE_H

#include <stdint.h>

#include "base/error.h"

/* Bytes of `total` that all workspaces together may use: all but a tenth, which is 256 MiB at
 * least, but no more than a half. Pure. */
uint64_t reserve_memory_limit(uint64_t total);

/* How many of `total` process ids: nine tenths. Pure. */
uint64_t reserve_pids_limit(uint64_t total);

/* Writes the limits of the group where it has none or larger ones; called when a workspace was
 * started, since the runtime makes the group. A hierarchy or controller that the host lacks is
 * passed over (`mdocker doctor` tells). */
int reserve_apply(struct md_error *err);

#endif
