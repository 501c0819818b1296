/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/janitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/boot.h"
#include "engine/lifecycle.h"
#include "base/poison.h"

enum { CMDLINE_MAX = 64 << 10 };

static void tell(const struct janitor *j, const char *what, const char *id)
{
	_auto_free_ char *line = str_format("%s %s", what, id);

	if (line && j->found)
		j->found(line, j->data);
}

/* Is there anything of a run that ended? */
static bool has_leftovers(const struct engine *e, const char *id)
{
	_auto_free_ char *state = engine_state_path(e, id, "");
	_auto_free_ char *container = str_format("%s/runtime/%s", e->state, id);

	return (state && access(state, F_OK) == 0) || (container && access(container, F_OK) == 0);
}

/* What a stopped workspace needs, under its lock, since it may be started meanwhile. */
static int clean_workspace(
	struct engine *e, const struct janitor *j, const char *id, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int lock = -1;
	struct md_error gone = MD_ERROR_INIT;

	if (engine_find_locked(e, id, &w, &lock, &gone) < 0)
		return 0;
	if (workspace_is_running(e, &w))
		return 0;
	if (w.removing || workspace_is_forsaken(e, &w)) {
		tell(j, w.removing ? "half-removed workspace" : "ended workspace of run --rm",
			w.id);
		return j->dry ? 0 : workspace_remove(e, &w, false, err);
	}
	if (!has_leftovers(e, w.id))
		return 0;
	tell(j, "remains of the last run of workspace", w.id);
	return j->dry ? 0 : workspace_sweep(e, &w, err);
}

/* Another --root may have the same --state, and its workspaces no document in ours: the command line of a shim tells whose it is. */
static bool is_of_another_root(const struct engine *e, const char *id)
{
	_auto_free_ char *path = str_format("/proc/%d/cmdline", (int)workspace_shim_pid(e, id));
	_auto_free_ char *ours = engine_path(e, id, "exit.json");
	_auto_free_ char *cmdline = NULL;
	size_t len;

	return path && ours && file_read(AT_FDCWD, path, CMDLINE_MAX, &cmdline, &len) == 0 &&
	       !memmem(cmdline, len, ours, strlen(ours) + 1);
}

/* A run whose workspace is gone: nobody can start it, so there is no lock to take. */
static int clean_orphan(
	struct engine *e, const struct janitor *j, const char *id, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	char boot[BOOT_ID_LEN + 1];

	snprintf(w.id, sizeof(w.id), "%s", id);
	if (boot_id(boot, err) < 0)
		return -1;
	if (workspace_set(&w.name, id) < 0 || workspace_set(&w.boot_id, boot) < 0 ||
		workspace_set(&w.network, "none") < 0)
		return md_fail_errno(err, "orphan");
	tell(j, "run without a workspace", id);
	return j->dry ? 0 : workspace_stop(e, &w, 0, "the janitor", err);
}

static bool is_listed(const struct workspaces *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++) {
		if (str_eq(l->items[i].id, id))
			return true;
	}
	return false;
}

/* Folders below STATE/`part` that carry an ID which no document has. */
static int clean_orphans(struct engine *e, const struct janitor *j, const struct workspaces *l,
	const char *part, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/%s", e->state, part);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;
	int result = 0;

	if (!dir)
		return md_fail_errno(err, "folder '%s/%s'", e->state, part);
	while ((entry = readdir(dir))) {
		_auto_free_ char *document = NULL;

		if (!workspace_id_valid(entry->d_name) || is_listed(l, entry->d_name))
			continue;
		/* Not one that was made after the list, and not one whose document is merely
		 * unreadable. */
		document = engine_path(e, entry->d_name, "");
		if (!document || access(document, F_OK) == 0 ||
			is_of_another_root(e, entry->d_name))
			continue;
		if (clean_orphan(e, j, entry->d_name, err) < 0)
			result = -1;
	}
	closedir(dir);
	return result;
}

static int clean_images(struct engine *e, const struct janitor *j, struct md_error *err)
{
	struct engine_image_users users;
	size_t removed = 0;
	char count[32];
	int r;

	if (j->dry)
		return 0;
	engine_image_users(e, &users);
	r = image_store_gc(&e->images, &users.users, &removed, err);
	engine_image_users_done(&users);
	snprintf(count, sizeof(count), "%zu", removed);
	if (removed)
		tell(j, "unused layers:", count);
	return r;
}

int janitor_run(struct engine *e, const struct janitor *j, struct md_error *err)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	size_t halves = engine_sweep_halves(e, j->dry);
	int result = 0;
	char count[32];

	snprintf(count, sizeof(count), "%zu", halves);
	if (halves)
		tell(j, "half-made workspaces:", count);
	if (engine_list(e, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.count; i++) {
		if (clean_workspace(e, j, l.items[i].id, err) < 0)
			result = -1;
	}
	if (clean_orphans(e, j, &l, "workspaces", err) < 0 ||
		clean_orphans(e, j, &l, "runtime", err) < 0)
		result = -1;
	if (clean_images(e, j, err) < 0)
		result = -1;
	return result;
}
