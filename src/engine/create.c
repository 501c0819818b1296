/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - engine_create(): from a request and an image to a workspace on the disk. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/connect.h"
#include "engine/engine.h"
#include "engine/idblock.h"
#include "engine/profile_kind.h"
#include "engine/recordings.h"
#include "engine/setting.h"
#include "base/poison.h"

enum { SUBID_MAX = 1 << 20 };

/* What every workspace's environment starts with; the image and the request add to it. HOME is the
 * user's, known when the workspace starts. */
static const char *const base_env[][2] = {
	{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	{ "LANG", "C.UTF-8" },
	{ "TERM", "xterm-256color" },
};

static int set_pairs(struct strv *env, char *const *pairs)
{
	for (; pairs && *pairs; pairs++) {
		const char *equals = strchr(*pairs, '=');
		_auto_free_ char *name = equals ? strndup(*pairs, (size_t)(equals - *pairs)) : NULL;

		if (!name || strv_env_set(env, name, equals + 1) < 0)
			return -1;
	}
	return 0;
}

static int fill_env(struct workspace *w, const struct workspace_request *r,
	const struct image_config *c, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(base_env); i++) {
		if (strv_env_set(&w->env, base_env[i][0], base_env[i][1]) < 0)
			return md_fail_errno(err, "environment");
	}
	for (char *const *pair = r->env; pair && *pair; pair++) {
		const char *equals = strchr(*pair, '=');

		if (!equals || equals == *pair)
			return md_fail(
				err, EINVAL, "environment '%.80s': write it as NAME=value", *pair);
	}
	if (set_pairs(&w->env, c->env.items) < 0 || set_pairs(&w->env, r->env) < 0)
		return md_fail(err, ENOMEM, "environment");
	return 0;
}

/* Docker's rule: entrypoint and command are joined; an entrypoint of one's own drops the image's
 * command. */
static int fill_args(struct workspace *w, const struct workspace_request *r,
	const struct image_config *c, struct md_error *err)
{
	bool own_entry = r->entrypoint != NULL;
	bool own_args = r->args && r->args[0];

	if (own_entry) {
		if (*r->entrypoint && strv_add(&w->args, r->entrypoint) < 0)
			return md_fail_errno(err, "command");
	} else if (strv_add_all(&w->args, c->entrypoint.items) < 0) {
		return md_fail_errno(err, "command");
	}
	if (own_args || !own_entry) {
		if (strv_add_all(&w->args, own_args ? r->args : c->cmd.items) < 0)
			return md_fail_errno(err, "command");
	}
	if (w->args.count == 0)
		return md_fail(err, EINVAL, "no command: the image names none, so write one");
	return 0;
}

static const char *first_of(const char *a, const char *b, const char *c)
{
	if (a && *a)
		return a;
	return b && *b ? b : c;
}

static int fill(struct workspace *w, const struct workspace_request *r, const struct image *image,
	struct md_error *err)
{
	const struct image_config *c = &image->config;
	const char *cwd = first_of(r->cwd, c->working_dir, "/");

	if (cwd[0] != '/')
		return md_fail(err, EINVAL, "working directory '%.200s' is not absolute", cwd);
	w->kind = r->kind;
	w->limits = r->limits;
	w->recording = r->recording;
	w->terminals = r->terminals;
	w->terminal = r->terminal;
	w->remove_on_exit = r->remove_on_exit;
	w->created = time(NULL);
	if (workspace_set(&w->name, first_of(r->name, w->id, NULL)) < 0 ||
		workspace_set(&w->owner, r->owner) < 0 ||
		workspace_set(&w->rootfs, r->rootfs) < 0 ||
		workspace_set(&w->image, image->name) < 0 ||
		workspace_set(&w->hostname, first_of(r->hostname, NULL, "container")) < 0 ||
		workspace_set(&w->network, first_of(r->network, NULL, "none")) < 0 ||
		workspace_set(&w->profile, first_of(r->profile, NULL, PROFILE_DEFAULT_NAME)) < 0 ||
		workspace_set(&w->egress, first_of(r->egress, NULL, "internet")) < 0 ||
		strv_add_all(&w->publish, r->publish) < 0 || workspace_set(&w->cwd, cwd) < 0 ||
		workspace_set(&w->boot_id, "") < 0 ||
		workspace_set(&w->user, first_of(r->user, c->user, "")) < 0 ||
		strv_add_all(&w->layers, image->layers.items) < 0)
		return md_fail_errno(err, "new workspace");
	for (size_t i = 0; i < r->volumes.count; i++) {
		const struct volume *v = &r->volumes.items[i];

		if (volumes_add(&w->volumes, v->source, v->target, v->read_only, err) < 0)
			return -1;
	}
	if (workspace_name_check(w->name, err) < 0 || hostname_check(w->hostname, err) < 0 ||
		limits_check(&w->limits, err) < 0 ||
		recording_policy_check(&w->recording, err) < 0 || connect_check(w, err) < 0)
		return -1;
	if (fill_env(w, r, c, err) < 0)
		return -1;
	return fill_args(w, r, c, err);
}

/* The image's layers, or the folder of --rootfs with the defaults of an image that says nothing. */
static int find_source(struct engine *e, const struct workspace_request *r, struct image *ret,
	struct md_error *err)
{
	struct stat st;

	if (!r->rootfs)
		return engine_find_image(e, r->image, ret, err);
	if (r->rootfs[0] != '/')
		return md_fail(err, EINVAL, "rootfs '%.200s' is not an absolute path", r->rootfs);
	if (stat(r->rootfs, &st) < 0)
		return md_fail_errno(err, "rootfs '%.200s'", r->rootfs);
	if (!S_ISDIR(st.st_mode))
		return md_fail(err, ENOTDIR, "rootfs '%.200s' is not a folder", r->rootfs);
	*ret = (struct image)IMAGE_INIT;
	if (strv_add(&ret->config.cmd, "/bin/sh") < 0)
		return md_fail_errno(err, "rootfs");
	return 0;
}

static void add_subids(struct id_ranges *used, const char *path)
{
	_auto_free_ char *text = NULL;
	size_t len;

	/* No such file: no such ids. */
	if (file_read(AT_FDCWD, path, SUBID_MAX, &text, &len) == 0)
		id_ranges_add_subids(used, text, len);
}

/* Of a workspace whose document can't be read: its files' owner tells. Root inside may have given "/" to another id of the block. */
static int add_block_of_files(struct engine *e, const char *id, struct id_ranges *used)
{
	_auto_free_ char *path = str_format("%s/upper", id);
	struct stat st;

	if (!path)
		return -1;
	if (fstatat(e->workspaces_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	return id_ranges_add(used, st.st_uid / ID_BLOCK_SIZE * ID_BLOCK_SIZE, ID_BLOCK_SIZE);
}

static int pick_ids(
	struct engine *e, const struct workspaces *l, uint32_t *ret_base, struct md_error *err)
{
	_auto_id_ranges_ struct id_ranges used = { NULL, 0 };

	for (size_t i = 0; i < l->count; i++) {
		if (id_ranges_add(&used, l->items[i].id_base, ID_BLOCK_SIZE) < 0)
			return md_fail_errno(err, "block of user ids");
	}
	for (size_t i = 0; i < l->unreadable.count; i++) {
		if (add_block_of_files(e, l->unreadable.items[i], &used) < 0)
			return md_fail_errno(
				err, "block of user ids of workspace %s", l->unreadable.items[i]);
	}
	add_subids(&used, "/etc/subuid");
	add_subids(&used, "/etc/subgid");
	return id_block_pick(&used, ret_base, err);
}

/* What died while it was made or removed. Its block of ids is free: nothing of it ever ran, or all
 * of it is gone. */
static size_t sweep_halves(struct engine *e, bool dry)
{
	int fd = openat(e->workspaces_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t found = 0;

	if (!dir) {
		fd_close(&fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		if (!str_starts(entry->d_name, ".new-") && !str_starts(entry->d_name, ".gone-"))
			continue;
		found++;
		if (!dry)
			file_remove_tree(e->workspaces_fd, entry->d_name);
	}
	closedir(dir);
	return found;
}

size_t engine_sweep_halves(struct engine *e, bool dry)
{
	_auto_close_ int lock = file_lock(e->workspaces_fd, "lock", true, true);

	return lock < 0 ? 0 : sweep_halves(e, dry);
}

static int make_layer_folder(int dir, const char *name, uint32_t owner)
{
	if (mkdirat(dir, name, 0755) < 0)
		return -1;
	return fchownat(dir, name, owner, owner, AT_SYMLINK_NOFOLLOW);
}

/* Everything is made under a name that nobody looks at, then appears at once. */
static int make_folders(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_free_ char *half = str_format(".new-%s", w->id);
	_auto_buf_ struct buf text = BUF_INIT(1 << 20);
	_auto_close_ int dir = -1;

	workspace_write(w, &text);
	if (!half || text.failed)
		return md_fail(err, ENOMEM, "the document is too large");
	if (mkdirat(e->workspaces_fd, half, 0700) < 0)
		return md_fail_errno(err, "folder '%s/workspaces/%s'", e->root, half);
	dir = openat(e->workspaces_fd, half, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || make_layer_folder(dir, "upper", w->id_base) < 0 ||
		mkdirat(dir, "work", 0700) < 0 ||
		file_write_atomic(dir, "workspace.json", text.data, text.len, 0600) < 0 ||
		renameat(e->workspaces_fd, half, e->workspaces_fd, w->id) < 0 ||
		fsync(e->workspaces_fd) < 0) {
		md_fail_errno(err, "folder '%s/workspaces/%s'", e->root, half);
		file_remove_tree(e->workspaces_fd, half);
		return -1;
	}
	return 0;
}

static int settle(struct engine *e, struct workspace *w, struct md_error *err)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	_auto_close_ int lock = file_lock(e->workspaces_fd, "lock", true, true);

	if (lock < 0)
		return md_fail_errno(err, "lock in '%s/workspaces'", e->root);
	sweep_halves(e, false);
	if (engine_list(e, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.count; i++) {
		if (str_eq(l.items[i].name, w->name))
			return md_fail(err, EEXIST,
				"the name '%s' is taken by workspace %s: `mdocker rm %s` removes "
				"it",
				w->name, l.items[i].id, w->name);
		if (str_eq(l.items[i].id, w->id))
			return md_fail(err, EAGAIN, "the ID %s was drawn twice: try again", w->id);
	}
	if (pick_ids(e, &l, &w->id_base, err) < 0)
		return -1;
	return make_folders(e, w, err);
}

static int create(struct engine *e, const struct workspace_request *r, struct workspace *ret,
	struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_image_ struct image image = IMAGE_INIT;
	_auto_close_ int hold = -1;

	if (random_hex(w.id, WORKSPACE_ID_LEN / 2) < 0)
		return md_fail_errno(err, "random ID");
	if (r->rootfs && r->image)
		return md_fail(err, EINVAL, "either an image or a rootfs, not both");
	/* Imports take the store's lock for themselves, so the image is there before we hold it. */
	if (find_source(e, r, &image, err) < 0)
		return -1;
	if (!r->rootfs) {
		image_done(&image);
		image = (struct image)IMAGE_INIT;
		hold = image_store_hold(&e->images, err);
		if (hold < 0 || image_find(&e->images, r->image ? r->image : IMAGE_DEFAULT_NAME,
					&image, err) < 0)
			return -1;
	}
	if (fill(&w, r, &image, err) < 0 || settle(e, &w, err) < 0)
		return -1;
	*ret = w;
	w = (struct workspace)WORKSPACE_INIT;
	return 0;
}

int engine_create(struct engine *e, const struct workspace_request *r, struct workspace *ret,
	struct md_error *err)
{
	struct workspace_request full = *r;
	_auto_strv_ struct strv kept = STRV_INIT;

	if (r->settings && settings_apply(e, &full, r->settings, &kept, err) < 0)
		return -1;
	if (settings_check(&full, err) < 0)
		return -1;
	return create(e, &full, ret, err);
}
