/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/storage.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/lifecycle.h"
#include "base/poison.h"

/* It is mounted in the shim's mount namespace only, so it is reached through the shim's root. */
char *storage_mounted_path(struct engine *e, const struct workspace *w)
{
	_auto_status_ struct workspace_status status = { .state = WORKSPACE_STOPPED };
	_auto_free_ char *inside = engine_state_path(e, w->id, "bundle/disk");

	if (!inside)
		return NULL;
	if (workspace_status(e, w, &status, NULL) < 0 || status.shim_pid <= 0) {
		errno = ESRCH;
		return NULL;
	}
	return str_format("/proc/%d/root%s", (int)status.shim_pid, inside);
}

int storage_usage(
	struct engine *e, const struct workspace *w, struct disk_usage *ret, struct md_error *err)
{
	_auto_free_ char *path = NULL;

	if (!w->limits.disk) {
		*ret = (struct disk_usage){ 0 };
		return 0;
	}
	path = storage_mounted_path(e, w);
	if (!path)
		return md_fail_errno(err, "disk of workspace '%s'", w->name);
	return disk_usage(path, ret, err);
}

const char *storage_kind(const struct engine *e, const struct workspace *w)
{
	_auto_free_ char *path = engine_path(e, w->id, "disk");
	const struct disk_kind *kind = path && w->limits.disk ? disk_kind_of(path) : NULL;

	return kind ? kind->name : "";
}

void storage_warn_low(const struct engine *e, const struct workspace *w)
{
	enum { MARGIN = 256 << 20 };
	struct statvfs fs;
	uint64_t left;

	if (!str_eq(storage_kind(e, w), "loop") || statvfs(e->root, &fs) < 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < MD_MIN(w->limits.disk, (uint64_t)MARGIN))
		log_warning("workspace '%s': the host has %llu MB left under its disk of %llu MB: "
			    "make room in '%s', or its writes fail as errors of the device",
			w->name, (unsigned long long)(left >> 20),
			(unsigned long long)(w->limits.disk >> 20), e->root);
}

static int add_device(const char *path, struct limits_ground *to, struct md_error *err)
{
	struct disk_device d;

	if (disk_device_of(path, &d) < 0)
		return errno == ENODEV ? 0 : md_fail_errno(err, "the device under '%s'", path);
	for (size_t i = 0; i < to->device_count; i++) {
		if (to->devices[i].major == d.major && to->devices[i].minor == d.minor)
			return 0;
	}
	to->devices[to->device_count++] = d;
	return 0;
}

int storage_devices(const struct engine *e, const struct workspace *w, const char *disk,
	struct limits_ground *ret, struct md_error *err)
{
	ret->device_count = 0;
	if (add_device(e->root, ret, err) < 0 || (w->limits.disk && add_device(disk, ret, err) < 0))
		return -1;
	if (ret->device_count == 0)
		return md_fail(err, ENODEV,
			"limits of storage: '%s' is on no block device of its own: put --root on "
			"ext4 or xfs, or give the workspace a --disk",
			e->root);
	return 0;
}

int storage_change(struct engine *e, const struct workspace *w, const struct limits *from,
	const struct limits *to, struct md_error *err)
{
	const struct disk_limits before = { from->disk, from->disk_inodes };
	const struct disk_limits after = { to->disk, to->disk_inodes };
	_auto_free_ char *path = engine_path(e, w->id, "disk");
	_auto_free_ char *mounted = NULL;

	if (!from->disk)
		return md_fail(err, EINVAL,
			"workspace '%s' was made without a limit of its disk: a new one can have "
			"it",
			w->name);
	if (!path)
		return md_fail_errno(err, "disk of workspace '%s'", w->name);
	if (workspace_is_running(e, w)) {
		mounted = storage_mounted_path(e, w);
		if (!mounted)
			return md_fail_errno(err, "disk of workspace '%s'", w->name);
	}
	if (disk_change(path, &before, &after, mounted, err) == 0)
		return 0;
	if (!mounted || !err || err->code != EPERM)
		return md_wrap(err, "the disk of workspace '%s'", w->name);
	/* disk_prepare() does it then. */
	log_warning("workspace '%s': its disk grows at its next start: this host doesn't give the "
		    "capability (CAP_SYS_RESOURCE) to do it while it runs",
		w->name);
	*err = (struct md_error)MD_ERROR_INIT;
	return 0;
}

void storage_release(struct engine *e, const struct workspace *w)
{
	_auto_free_ char *path = engine_path(e, w->id, "disk");

	if (path)
		disk_release(path);
}
