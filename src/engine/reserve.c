/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/cgroups.h"
#include "engine/profile.h"
#include "base/poison.h"

#define RESERVE_MIN (UINT64_C(256) << 20)

uint64_t reserve_memory_limit(uint64_t total)
{
	uint64_t reserve = MD_MAX(total / 10, RESERVE_MIN);

	return total - MD_MIN(reserve, total / 2);
}

uint64_t reserve_pids_limit(uint64_t total)
{
	return total - total / 10;
}

/* The files of one kind of limit, of v1 and v2; the hierarchy that has the file is the
 * controller's. */
static const struct knob {
	const char *file;
	bool memory;
} knobs[] = {
	{ "memory.limit_in_bytes", true },
	{ "memory.max", true },
	{ "pids.max", false },
};

static uint64_t read_number(int dirfd, const char *path)
{
	_auto_free_ char *text = NULL;
	size_t len;

	/* "max", and v1's enormous number, are larger than anything. */
	if (file_read(dirfd, path, 64, &text, &len) < 0 || text[0] < '0' || text[0] > '9')
		return UINT64_MAX;
	return strtoull(text, NULL, 10);
}

static uint64_t total_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int limit_group(int fd, const struct knob *k, const char *path, struct md_error *err)
{
	uint64_t limit =
		k->memory ? reserve_memory_limit(total_memory())
			  : reserve_pids_limit(read_number(AT_FDCWD, "/proc/sys/kernel/pid_max"));
	char text[32];

	if (faccessat(fd, k->file, F_OK, 0) < 0 || read_number(fd, k->file) <= limit)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)limit);
	if (file_write_knob(fd, k->file, text) < 0)
		return md_fail_errno(err, "limit of all workspaces: %s of %s", k->file, path);
	return 0;
}

static int apply_in(const char *mount, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s%s", mount, PROFILE_CGROUP);
	_auto_close_ int fd = -1;

	if (!path)
		return md_fail_errno(err, "limit of all workspaces");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "cgroup '%s'", path);
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (limit_group(fd, &knobs[i], path, err) < 0)
			return -1;
	}
	return 0;
}

int reserve_apply(struct md_error *err)
{
	_auto_strv_ struct strv mounts = STRV_INIT;

	if (cgroups_mounts(&mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < mounts.count; i++) {
		if (apply_in(mounts.items[i], err) < 0)
			return -1;
	}
	return 0;
}
