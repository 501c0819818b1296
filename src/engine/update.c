/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - workspace_update(): other limits for a workspace, running or not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "engine/cgroups.h"
#include "engine/connect.h"
#include "engine/lifecycle.h"
#include "engine/profile.h"
#include "engine/runtime_cli.h"
#include "engine/storage.h"
#include "base/poison.h"

enum { RESOURCES_MAX = 64 << 10 };

/* The document still has the limits of before. */
static int describe_ground(struct engine *e, const struct workspace *w, const struct limits *l,
	struct limits_ground *ret, struct md_error *err)
{
	_auto_cgroups_host_ struct cgroups_host host = { .layout = "" };
	_auto_free_ char *disk = NULL;

	if (cgroups_describe(&host, err) < 0)
		return -1;
	*ret = (struct limits_ground){ .counts_swap = host.counts_swap,
		.io_weight_was_set = w->limits.io_weight != 0 };
	if (!limits_have_rates(&w->limits) && !limits_have_rates(l))
		return 0;
	disk = w->limits.disk ? storage_mounted_path(e, w) : NULL;
	if (w->limits.disk && !disk)
		return md_fail_errno(err, "disk");
	return storage_devices(e, w, disk, ret, err);
}

static int update_cgroups(
	struct engine *e, const struct workspace *w, const struct limits *l, struct md_error *err)
{
	const char *const args[] = { "update", "--resources", "-", w->id, NULL };
	_auto_buf_ struct buf text = BUF_INIT(RESOURCES_MAX);
	struct limits_ground ground;

	if (describe_ground(e, w, l, &ground, err) < 0)
		return -1;
	profile_write_update(l, &ground, &text);
	if (text.failed)
		return md_fail(err, ENOMEM, "limits");
	return runtime_run(e, args, buf_str(&text), NULL, err);
}

static int update_bandwidth(
	struct engine *e, const struct workspace *w, uint64_t rate, struct md_error *err)
{
	_auto_status_ struct workspace_status status = { .state = WORKSPACE_STOPPED };
	_auto_close_ int netns = -1;
	char path[64];

	if (workspace_status(e, w, &status, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)status.init_pid);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return md_fail_errno(err, "the workspace's network");
	return connect_limit(e, w, rate, netns, err);
}

/* All of it or, as far as the kernel lets us, nothing. */
static int update_running(
	struct engine *e, const struct workspace *w, const struct limits *l, struct md_error *err)
{
	struct md_error ignored = MD_ERROR_INIT;

	if (update_cgroups(e, w, l, err) == 0 &&
		(l->bandwidth == w->limits.bandwidth ||
			update_bandwidth(e, w, l->bandwidth, err) == 0))
		return 0;
	update_cgroups(e, w, &w->limits, &ignored);
	return -1;
}

static int check(const struct workspace *w, const struct limits *l, struct md_error *err)
{
	if (limits_check(l, err) < 0)
		return -1;
	if (l->bandwidth && l->bandwidth != w->limits.bandwidth && !str_eq(w->network, "bridge") &&
		!str_eq(w->network, "auto"))
		return md_fail(err, EINVAL, "a limit of bandwidth needs --network bridge");
	return 0;
}

static int update_disk(struct engine *e, const struct workspace *w, const struct limits *from,
	const struct limits *to, struct md_error *err)
{
	if (to->disk == from->disk && to->disk_inodes == from->disk_inodes)
		return 0;
	return storage_change(e, w, from, to, err);
}

int workspace_update(
	struct engine *e, struct workspace *w, const struct limits *limits, struct md_error *err)
{
	struct limits before = w->limits;
	struct md_error ignored = MD_ERROR_INIT;
	bool running;

	if (check(w, limits, err) < 0 || update_disk(e, w, &before, limits, err) < 0)
		return -1;
	running = workspace_stays(e, w);
	if (running && update_running(e, w, limits, err) < 0) {
		running = workspace_stays(e, w);
		if (running) {
			md_wrap(err, "update workspace '%s'", w->name);
			/* What has grown and can't shrink stays so. */
			update_disk(e, w, limits, &before, &ignored);
			return -1;
		}
		/* It has ended meanwhile, and has them at its next start. */
		*err = (struct md_error)MD_ERROR_INIT;
	}
	w->limits = *limits;
	if (engine_save(e, w, err) == 0)
		return 0;
	/* It must not have what the next start doesn't give it. */
	if (running)
		update_running(e, w, &before, &ignored);
	update_disk(e, w, limits, &before, &ignored);
	w->limits = before;
	return -1;
}
