/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/limits.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "disk/disk.h"
#include "base/poison.h"

enum { CPUS_MAX = 4096, PIDS_MIN = 3 };
#define MEMORY_MIN (UINT64_C(6) << 20)

enum limit_kind { LIMIT_BYTES, LIMIT_COUNT, LIMIT_CPUS };

static const struct limit_field {
	const char *key;    /* in the document */
	const char *option; /* as Docker calls it, where Docker has it */
	enum limit_kind kind;
	size_t offset;
} fields[] = {
#define AT(member) offsetof(struct limits, member)
	{ "memory", "memory", LIMIT_BYTES, AT(memory) },
	{ "swap", "memory-swap", LIMIT_BYTES, AT(swap) },
	{ "pids", "pids-limit", LIMIT_COUNT, AT(pids) },
	{ "cpuMillis", "cpus", LIMIT_CPUS, AT(cpu_millis) },
	{ "cpuShares", "cpu-shares", LIMIT_COUNT, AT(cpu_shares) },
	{ "ioWeight", "blkio-weight", LIMIT_COUNT, AT(io_weight) },
	{ "readBps", "device-read-bps", LIMIT_BYTES, AT(io_rates[LIMITS_READ_BPS]) },
	{ "writeBps", "device-write-bps", LIMIT_BYTES, AT(io_rates[LIMITS_WRITE_BPS]) },
	{ "readIops", "device-read-iops", LIMIT_COUNT, AT(io_rates[LIMITS_READ_IOPS]) },
	{ "writeIops", "device-write-iops", LIMIT_COUNT, AT(io_rates[LIMITS_WRITE_IOPS]) },
	{ "disk", "disk", LIMIT_BYTES, AT(disk) },
	{ "diskInodes", "disk-inodes", LIMIT_COUNT, AT(disk_inodes) },
	{ "bandwidth", "bandwidth", LIMIT_BYTES, AT(bandwidth) },
#undef AT
};

/* Weights have ends of the kernel's. */
static const struct limit_range {
	const char *what;
	size_t offset;
	uint64_t min, max;
} ranges[] = {
	{ "--cpu-shares", offsetof(struct limits, cpu_shares), 2, 262144 },
	{ "--blkio-weight", offsetof(struct limits, io_weight), 10, 1000 },
};

static const uint64_t *field_of(const struct limits *l, const struct limit_field *f)
{
	return (const uint64_t *)((const char *)l + f->offset);
}

int limits_parse_cpus(const char *text, uint64_t *ret_millis, struct md_error *err)
{
	const char *point = strchr(text, '.');
	size_t whole_len = point ? (size_t)(point - text) : strlen(text);
	const char *fraction = point ? point + 1 : "0";
	static const uint64_t scale[] = { 0, 100, 10, 1 };
	uint64_t whole, part;
	char digits[8];

	if (whole_len == 0 || whole_len >= sizeof(digits) || strlen(fraction) > 3)
		goto bad;
	memcpy(digits, text, whole_len);
	digits[whole_len] = '\0';
	if (str_to_u64(digits, CPUS_MAX, &whole) < 0 || str_to_u64(fraction, 999, &part) < 0)
		goto bad;
	*ret_millis = whole * 1000 + part * scale[strlen(fraction)];
	return 0;
bad:
	return md_fail(err, EINVAL,
		"--cpus: '%.40s' is not a number of processors, such as 0.5 or 2, at most %d", text,
		CPUS_MAX);
}

static int set_count(uint64_t *field, const char *name, const char *value, struct md_error *err)
{
	int64_t n;

	if (str_to_i64(value, INT64_MIN, INT64_MAX, &n) < 0)
		return md_fail(
			err, EINVAL, "option --%s: '%.40s' is not a whole number", name, value);
	*field = n > 0 ? (uint64_t)n : 0; /* Docker's -1 is no limit, too */
	return 0;
}

int limits_set(struct limits *l, const char *name, const char *value, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t *field = (uint64_t *)((char *)l + fields[i].offset);

		if (!str_eq(fields[i].option, name))
			continue;
		if (fields[i].kind == LIMIT_CPUS)
			return limits_parse_cpus(value, field, err);
		if (fields[i].kind == LIMIT_COUNT)
			return set_count(field, name, value, err);
		if (str_to_size(value, field) < 0)
			return md_fail(err, EINVAL,
				"option --%s: '%.40s' is not a size such as 100m", name, value);
		return 0;
	}
	return md_fail(err, ENOENT, "'%.40s' is no limit", name);
}

bool limits_have_rates(const struct limits *l)
{
	for (size_t i = 0; i < LIMITS_RATES; i++) {
		if (l->io_rates[i])
			return true;
	}
	return false;
}

static int check_ranges(const struct limits *l, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct limit_range *r = &ranges[i];
		uint64_t value = *(const uint64_t *)((const char *)l + r->offset);

		if (value && (value < r->min || value > r->max))
			return md_fail(err, EINVAL, "%s is from %llu to %llu", r->what,
				(unsigned long long)r->min, (unsigned long long)r->max);
	}
	if (l->swap && (!l->memory || l->swap < l->memory))
		return md_fail(err, EINVAL,
			"--memory-swap is the limit of memory and swap together: not less than "
			"--memory");
	return 0;
}

int limits_check(const struct limits *l, struct md_error *err)
{
	if (l->memory && l->memory < MEMORY_MIN)
		return md_fail(err, EINVAL, "memory limit of %llu bytes: the least is 6m",
			(unsigned long long)l->memory);
	if (l->memory > INT64_MAX || l->swap > INT64_MAX)
		return md_fail(err, ERANGE, "memory limit is too large");
	if (l->pids && l->pids < PIDS_MIN)
		return md_fail(err, EINVAL,
			"limit of %llu processes: the least is %d (init, the shell and a command)",
			(unsigned long long)l->pids, PIDS_MIN);
	if (l->pids > INT32_MAX)
		return md_fail(err, ERANGE, "limit of processes is too large");
	if (l->disk && l->disk < DISK_MIN_BYTES)
		return md_fail(err, EINVAL, "disk of %llu bytes: the least is %dm",
			(unsigned long long)l->disk, DISK_MIN_BYTES >> 20);
	if (l->disk > INT64_MAX || l->disk_inodes > UINT32_MAX)
		return md_fail(err, ERANGE, "disk limit is too large");
	if (l->disk_inodes && !l->disk)
		return md_fail(err, EINVAL, "a limit of files needs a limit of bytes too");
	if (l->cpu_millis && l->cpu_millis < 10)
		return md_fail(err, EINVAL, "the least part of a processor is 0.01");
	return check_ranges(l, err);
}

void limits_write(const struct limits *l, struct json_writer *w)
{
	json_object_begin(w, "limits");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_add_u64(w, fields[i].key, *field_of(l, &fields[i]));
	json_object_end(w);
}

int limits_read(const struct json_node *object, struct limits *ret, struct md_error *err)
{
	struct limits l = LIMITS_DEFAULT;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t *field = (uint64_t *)((char *)&l + fields[i].offset);

		if (json_get_u64(object, fields[i].key, UINT64_MAX, field, err) < 0)
			return -1;
	}
	*ret = l;
	return 0;
}
