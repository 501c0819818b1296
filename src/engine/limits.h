/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - what a workspace may use. 0 means no limit, in every field.
 */
#ifndef MD_ENGINE_LIMITS_H
#define MD_ENGINE_LIMITS_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "json/json_read.h"
#include "json/json_write.h"

struct limits {
	uint64_t memory;      /* bytes, swap included */
	uint64_t pids;        /* processes and threads */
	uint64_t cpu_millis;  /* thousandths of a processor */
	uint64_t disk;        /* bytes of the writable layer */
	uint64_t disk_inodes; /* files in it */
	uint64_t bandwidth;   /* bytes a second on a bridge, each way */
};

/* The default profile's: 100 MB and 20 processes. */
#define LIMITS_DEFAULT                                                                             \
	{                                                                                          \
		.memory = UINT64_C(100) << 20, .pids = 20                                          \
	}

/* "0.5", "2", "1.25": at most three digits behind the point, at most 4,096 processors; "0" is no
 * limit. */
int limits_parse_cpus(const char *text, uint64_t *ret_millis, struct md_error *err);

/* Refuses what no workspace could start with. */
int limits_check(const struct limits *l, struct md_error *err);

/* The member "limits" of a workspace's document. */
void limits_write(const struct limits *l, struct json_writer *w);
int limits_read(const struct json_node *object, struct limits *ret, struct md_error *err);

#endif
