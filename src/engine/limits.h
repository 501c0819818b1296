/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - what a workspace may use. 0 means no limit (or the default weight), in every field.
 */
#ifndef MD_ENGINE_LIMITS_H
#define MD_ENGINE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "json/json_read.h"
#include "json/json_write.h"

/* Rates of the devices that the workspace's files are on. */
enum limits_rate {
	LIMITS_READ_BPS,
	LIMITS_WRITE_BPS,
	LIMITS_READ_IOPS,
	LIMITS_WRITE_IOPS,
	LIMITS_RATES,
};

enum { LIMITS_CPU_SHARES = 1024 };

struct limits {
	uint64_t memory;     /* bytes */
	uint64_t swap;       /* bytes of memory and swap together; 0: as `memory`, so no swap */
	uint64_t pids;       /* processes and threads */
	uint64_t cpu_millis; /* thousandths of a processor */
	uint64_t cpu_shares; /* weight among the workspaces, 2 to 262144; 0: LIMITS_CPU_SHARES */
	uint64_t io_weight;  /* the same for storage, 10 to 1000; 0: 100 */
	uint64_t io_rates[LIMITS_RATES]; /* a second: bytes, or operations */
	uint64_t disk;                   /* bytes of the writable layer */
	uint64_t disk_inodes;            /* files in it */
	uint64_t bandwidth;              /* bytes a second on a bridge, each way */
};

/* The default profile's: 100 MB and 20 processes. */
#define LIMITS_DEFAULT                                                                             \
	{                                                                                          \
		.memory = UINT64_C(100) << 20, .pids = 20                                          \
	}

/* Sets one limit by the name that it has as an option: "memory", "pids-limit", "cpus"... ENOENT: no
 * limit has that name; EINVAL: the value can't be read. */
int limits_set(struct limits *l, const char *name, const char *value, struct md_error *err);

/* "0.5", "2", "1.25": at most three digits behind the point, at most 4,096 processors; "0" is no
 * limit. */
int limits_parse_cpus(const char *text, uint64_t *ret_millis, struct md_error *err);

/* Refuses what no workspace could start with. */
int limits_check(const struct limits *l, struct md_error *err);

/* Is any of io_rates set? */
bool limits_have_rates(const struct limits *l);

/* The member "limits" of a workspace's document. */
void limits_write(const struct limits *l, struct json_writer *w);
int limits_read(const struct json_node *object, struct limits *ret, struct md_error *err);

#endif
