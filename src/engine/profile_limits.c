/* SPDX-License-Identifier: Apache-2.0 */
/* profile_limits.c - a workspace's limits as linux.resources of the OCI runtime specification. */
#define _GNU_SOURCE
#include <stdint.h>

#include "engine/profile.h"
#include "base/poison.h"

enum { CPU_PERIOD_US = 100000, IO_WEIGHT = 100 };

static const char *const rate_keys[LIMITS_RATES] = {
	[LIMITS_READ_BPS] = "throttleReadBpsDevice",
	[LIMITS_WRITE_BPS] = "throttleWriteBpsDevice",
	[LIMITS_READ_IOPS] = "throttleReadIOPSDevice",
	[LIMITS_WRITE_IOPS] = "throttleWriteIOPSDevice",
};

/* Where the host counts swap, memory and swap together have a limit of their own or the same: no
 * swap beyond it. */
static void write_memory(const struct limits *l, bool counts_swap, struct json_writer *w)
{
	int64_t memory = l->memory ? (int64_t)l->memory : -1;

	json_object_begin(w, "memory");
	json_add_i64(w, "limit", memory);
	if (counts_swap)
		json_add_i64(w, "swap", l->swap ? (int64_t)l->swap : memory);
	json_object_end(w);
}

static void write_cpu(const struct limits *l, struct json_writer *w)
{
	uint64_t millis = l->cpu_millis;

	json_object_begin(w, "cpu");
	json_add_u64(w, "shares", l->cpu_shares ? l->cpu_shares : LIMITS_CPU_SHARES);
	json_add_u64(w, "period", CPU_PERIOD_US);
	json_add_i64(w, "quota", millis ? (int64_t)(millis * CPU_PERIOD_US / 1000) : -1);
	json_object_end(w);
}

static void write_rate(
	const struct limits_ground *g, const char *key, uint64_t rate, struct json_writer *w)
{
	json_array_begin(w, key);
	for (size_t i = 0; i < g->device_count; i++) {
		json_object_begin(w, NULL);
		json_add_u64(w, "major", g->devices[i].major);
		json_add_u64(w, "minor", g->devices[i].minor);
		json_add_u64(w, "rate", rate);
		json_object_end(w);
	}
	json_array_end(w);
}

/* Asked for only where somebody wants it: a host without this controller still runs workspaces. */
static void write_io(const struct limits *l, const struct limits_ground *g, struct json_writer *w)
{
	if (!l->io_weight && !g->io_weight_was_set && !g->device_count)
		return;
	json_object_begin(w, "blockIO");
	if (l->io_weight || g->io_weight_was_set)
		json_add_u64(w, "weight", l->io_weight ? l->io_weight : IO_WEIGHT);
	for (size_t i = 0; g->device_count && i < LIMITS_RATES; i++)
		write_rate(g, rate_keys[i], l->io_rates[i], w);
	json_object_end(w);
}

void profile_write_limits(
	const struct limits *l, const struct limits_ground *g, struct json_writer *w)
{
	write_memory(l, g->counts_swap, w);
	write_cpu(l, w);
	json_object_begin(w, "pids");
	json_add_i64(w, "limit", l->pids ? (int64_t)l->pids : -1);
	json_object_end(w);
	write_io(l, g, w);
}

void profile_write_update(const struct limits *l, const struct limits_ground *g, struct buf *out)
{
	struct json_writer w = { .out = out };

	json_object_begin(&w, NULL);
	profile_write_limits(l, g, &w);
	json_object_end(&w);
}
