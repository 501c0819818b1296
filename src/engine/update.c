/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - workspace_update(): other limits for a workspace, running or not. */
#define _GNU_SOURCE
#include <errno.h>

#include "base/buf.h"
#include "engine/cgroups.h"
#include "engine/lifecycle.h"
#include "engine/profile.h"
#include "engine/runtime_cli.h"
#include "engine/storage.h"
#include "base/poison.h"

enum { RESOURCES_MAX = 64 << 10 };

static int update_running(
	struct engine *e, const struct workspace *w, const struct limits *l, struct md_error *err)
{
	const char *const args[] = { "update", "--resources", "-", w->id, NULL };
	_auto_cgroups_host_ struct cgroups_host host = { .layout = "" };
	_auto_buf_ struct buf text = BUF_INIT(RESOURCES_MAX);

	if (cgroups_describe(&host, err) < 0)
		return -1;
	profile_write_update(l, host.counts_swap, &text);
	if (text.failed)
		return md_fail(err, ENOMEM, "limits");
	return runtime_run(e, args, buf_str(&text), NULL, err);
}

int workspace_update(
	struct engine *e, struct workspace *w, const struct limits *limits, struct md_error *err)
{
	struct limits before = w->limits;

	if (limits_check(limits, err) < 0)
		return -1;
	if (limits->bandwidth != before.bandwidth)
		return md_fail(
			err, EINVAL, "the bandwidth of a workspace stays what it was made with");
	if (limits->disk < before.disk)
		return md_fail(err, EINVAL, "the disk of workspace '%s' can only grow", w->name);
	if (limits->disk != before.disk && storage_grow(e, w, limits->disk, err) < 0)
		return -1;
	if (workspace_is_running(e, w) && update_running(e, w, limits, err) < 0)
		return md_wrap(err, "update workspace '%s'", w->name);
	w->limits = *limits;
	if (engine_save(e, w, err) < 0) {
		w->limits = before;
		return -1;
	}
	return 0;
}
