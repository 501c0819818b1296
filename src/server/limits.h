/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - how soon somebody may try to log in again. Counted per (user name, network), so that a stranger's failures
 * elsewhere never lock an owner out. Five failures are free, then the delay doubles from 1 s to 15 minutes; it fades after
 * an hour of quiet. A table of fixed size: when it is full, the entry that was quiet for longest goes.
 */
#ifndef MD_SERVER_LIMITS_H
#define MD_SERVER_LIMITS_H

#include <stdint.h>

#include "wire/broker_wire.h"

enum {
	LIMITS_ENTRIES = 4096,
	LIMITS_FREE = 5,
	LIMITS_MAX_DELAY = 900,
	LIMITS_FORGET = 3600,
};

struct limit_entry {
	char user[BW_NAME_SIZE];
	char network[BW_ADDRESS_SIZE];
	uint32_t failures;
	int64_t last;  /* seconds of a monotonic clock */
	int64_t until; /* no attempt before */
};

struct limits {
	struct limit_entry entries[LIMITS_ENTRIES];
};

/* May it be tried now? 0: yes, and it counts as a failure until limits_success() says otherwise (so that many tries at
 * once don't pass). Else the seconds to wait. */
uint32_t limits_try(struct limits *l, const char *user, const char *address, int64_t now);

/* It was the right password. */
void limits_success(struct limits *l, const char *user, const char *address);

/* The try was never made (the queue was full): takes one failure back. */
void limits_undo(struct limits *l, const char *user, const char *address);

#endif
