/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idblock.h - blocks of 65,536 host user and group ids, one a workspace, never overlapping.
 *
 * Why a block of its own for each: the kernel counts inotify watches, pipes, keys and message
 * queues per host user, so that workspaces that shared ids could starve each other, and a file that
 * escaped one would be readable in another. Pure; who holds which block is recorded in the
 * workspaces' documents.
 */
#ifndef MD_ENGINE_IDBLOCK_H
#define MD_ENGINE_IDBLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define ID_BLOCK_SIZE  UINT32_C(65536)
#define ID_BLOCK_FIRST UINT32_C(1048576)    /* the lowest base, >= 1,000,000 */
#define ID_BLOCK_END   UINT32_C(0xfff00000) /* no block reaches it: -1 and -2 mean "nobody" */

struct id_range {
	uint32_t base;
	uint32_t count;
};

struct id_ranges {
	struct id_range *items; /* owned */
	size_t count;
};

void id_ranges_done(struct id_ranges *r);
#define _auto_id_ranges_ _auto_(id_ranges_done)

/* 0, or -1 and ENOMEM. */
int id_ranges_add(struct id_ranges *r, uint32_t base, uint32_t count);

/* Adds the ranges of a subuid(5) or subgid(5) file: what the host's admin gave to rootless users.
 * Lines that are no "name:base:count" are passed over. */
int id_ranges_add_subids(struct id_ranges *r, const char *text, size_t len);

/* The lowest block that overlaps none of `used` (which gets sorted). -1 when all ids are taken. */
int id_block_pick(struct id_ranges *used, uint32_t *ret_base, struct md_error *err);

#endif
