/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/limits.h"

#include <string.h>

#include "base/str.h"
#include "server/guard.h"
#include "base/poison.h"

static struct limit_entry *find(struct limits *l, const char *user, const char *network)
{
	for (size_t i = 0; i < LIMITS_ENTRIES; i++) {
		struct limit_entry *e = &l->entries[i];

		if (e->failures && str_eq(e->user, user) && str_eq(e->network, network))
			return e;
	}
	return NULL;
}

/* A free entry, or the one that was quiet for longest. */
static struct limit_entry *take_entry(struct limits *l)
{
	struct limit_entry *oldest = &l->entries[0];

	for (size_t i = 0; i < LIMITS_ENTRIES && oldest->failures; i++) {
		struct limit_entry *e = &l->entries[i];

		if (!e->failures || e->last < oldest->last)
			oldest = e;
	}
	*oldest = (struct limit_entry){ 0 };
	return oldest;
}

static int64_t delay_after(uint32_t failures)
{
	uint32_t beyond = failures < LIMITS_FREE ? 0 : failures - LIMITS_FREE + 1;

	if (beyond == 0)
		return 0;
	return beyond > 10 ? LIMITS_MAX_DELAY : MD_MIN(1 << (beyond - 1), LIMITS_MAX_DELAY);
}

uint32_t limits_try(struct limits *l, const char *user, const char *address, int64_t now)
{
	char network[BW_ADDRESS_SIZE];
	struct limit_entry *e;

	guard_network(address, network);
	e = find(l, user, network);
	if (e && now - e->last >= LIMITS_FORGET)
		*e = (struct limit_entry){ 0 };
	if (!e || !e->failures) {
		e = take_entry(l);
		BW_PUT(e->user, user);
		BW_PUT(e->network, network);
	}
	if (now < e->until)
		return (uint32_t)(e->until - now);
	e->failures++;
	e->last = now;
	e->until = now + delay_after(e->failures);
	return 0;
}

void limits_success(struct limits *l, const char *user, const char *address)
{
	char network[BW_ADDRESS_SIZE];
	struct limit_entry *e;

	guard_network(address, network);
	e = find(l, user, network);
	if (e)
		*e = (struct limit_entry){ 0 };
}

void limits_undo(struct limits *l, const char *user, const char *address)
{
	char network[BW_ADDRESS_SIZE];
	struct limit_entry *e;

	guard_network(address, network);
	e = find(l, user, network);
	if (!e)
		return;
	e->failures--;
	e->until = 0;
}
