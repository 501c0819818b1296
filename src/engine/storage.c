/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/storage.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/lifecycle.h"
#include "base/poison.h"

/* The disk is mounted in the shim's mount namespace only, so it is reached through the shim's root.
 * Heap; NULL: errno. */
static char *mounted_path(struct engine *e, const struct workspace *w)
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
	path = mounted_path(e, w);
	if (!path)
		return md_fail_errno(err, "disk of workspace '%s'", w->name);
	return disk_usage(path, ret, err);
}

int storage_grow(struct engine *e, const struct workspace *w, uint64_t bytes, struct md_error *err)
{
	_auto_free_ char *file = engine_path(e, w->id, "disk");
	_auto_free_ char *mounted = NULL;

	if (!w->limits.disk)
		return md_fail(err, EINVAL,
			"workspace '%s' was made without a limit of its disk: a new one can have "
			"it",
			w->name);
	if (!file)
		return md_fail_errno(err, "disk of workspace '%s'", w->name);
	/* It is made at the first start, with the size that the document says then. */
	if (access(file, F_OK) < 0)
		return 0;
	if (workspace_is_running(e, w)) {
		mounted = mounted_path(e, w);
		if (!mounted)
			return md_fail_errno(err, "disk of workspace '%s'", w->name);
	}
	return disk_grow(file, bytes, mounted, err);
}
