/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/boot.h"
#include "engine/storage.h"
#include "base/poison.h"

enum { DOCUMENT_MAX = 1 << 20 };

/* The folders may be told relative to the caller's; everything behind us gets absolute paths. */
static int set_absolute(char **field, const char *path, struct md_error *err)
{
	char cwd[PATH_MAX];

	if (!*path)
		return md_fail(err, EINVAL, "a folder's name is empty: --root DIR, --state DIR");
	if (path[0] == '/')
		*field = strdup(path);
	else if (getcwd(cwd, sizeof(cwd)))
		*field = str_format("%s/%s", cwd, path);
	return *field ? 0 : md_fail_errno(err, "folder '%s'", path);
}

static int set_runtime(struct engine *e, const char *path, struct md_error *err)
{
	const char *base;

	if (!path) {
		/* Images can be handled without one. */
		e->runtime = file_sibling_program("mdocker-runtime");
		e->own_runtime = true;
		return 0;
	} else if (set_absolute(&e->runtime, path, err) < 0) {
		return -1;
	}
	if (access(e->runtime, X_OK) < 0)
		return md_fail_errno(err, "runtime '%s'", e->runtime);
	base = strrchr(e->runtime, '/') + 1;
	e->own_runtime = str_eq(base, "mdocker-runtime");
	return 0;
}

static int make_folder(const char *top, const char *below, mode_t mode, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s%s", top, below);

	if (!path || file_mkdirs(path, mode) < 0)
		return md_fail_errno(err, "folder '%s%s'", top, below);
	return 0;
}

int engine_open(struct engine *e, const struct engine_options *o, struct md_error *err)
{
	_auto_engine_ struct engine made = ENGINE_INIT;
	_auto_free_ char *workspaces = NULL;

	if (geteuid() != 0)
		return md_fail(err, EPERM, "this needs root: sudo mdocker ...");
	if (set_absolute(&made.root, o->root, err) < 0 ||
		set_absolute(&made.state, o->state, err) < 0 ||
		set_runtime(&made, o->runtime, err) < 0)
		return -1;
	/* The container's root, a stranger's id, has to pass through the state folder to its
	 * rootfs. */
	if (make_folder(made.root, "/workspaces", 0700, err) < 0 ||
		make_folder(made.state, "/workspaces", 0711, err) < 0 ||
		make_folder(made.state, "/runtime", 0711, err) < 0)
		return -1;
	workspaces = str_format("%s/workspaces", made.root);
	if (!workspaces)
		return md_fail_errno(err, "folder '%s'", made.root);
	made.workspaces_fd = open(workspaces, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made.workspaces_fd < 0)
		return md_fail_errno(err, "folder '%s'", workspaces);
	if (image_store_open(&made.images, made.root, err) < 0)
		return -1;
	*e = made;
	made = (struct engine)ENGINE_INIT;
	return 0;
}

void engine_close(struct engine *e)
{
	image_store_close(&e->images);
	fd_close(&e->workspaces_fd);
	free(e->root);
	free(e->state);
	free(e->runtime);
	*e = (struct engine)ENGINE_INIT;
}

int engine_need_runtime(const struct engine *e, struct md_error *err)
{
	if (!e->runtime)
		return md_fail(err, ENOENT,
			"mdocker-runtime is not installed beside mdocker: install it, or name an "
			"OCI "
			"runtime by --runtime");
	return 0;
}

char *engine_path(const struct engine *e, const char *id, const char *name)
{
	return str_format("%s/workspaces/%s/%s", e->root, id, name);
}

char *engine_state_path(const struct engine *e, const char *id, const char *name)
{
	return str_format("%s/workspaces/%s/%s", e->state, id, name);
}

int engine_load(struct engine *e, const char *id, struct workspace *ret, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/workspace.json", id);
	_auto_free_ char *text = NULL;
	size_t len;

	if (!path || file_read(e->workspaces_fd, path, DOCUMENT_MAX, &text, &len) < 0)
		return md_fail_errno(err, "workspace %s", id);
	if (workspace_read(text, len, ret, err) < 0)
		return md_wrap(err, "%s/workspaces/%s/workspace.json", e->root, id);
	if (!str_eq(ret->id, id)) {
		workspace_done(ret);
		return md_fail(err, EINVAL, "%s/workspaces/%s/workspace.json: the id isn't %s",
			e->root, id, id);
	}
	return 0;
}

int engine_save(struct engine *e, const struct workspace *w, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/workspace.json", w->id);
	_auto_buf_ struct buf text = BUF_INIT(DOCUMENT_MAX);

	workspace_write(w, &text);
	if (!path || text.failed)
		return md_fail(err, ENOMEM, "workspace %s: its document is too large", w->name);
	if (file_write_atomic(e->workspaces_fd, path, text.data, text.len, 0600) < 0)
		return md_fail_errno(
			err, "workspace %s: writing its document in %s", w->name, e->root);
	return 0;
}

void workspaces_done(struct workspaces *l)
{
	for (size_t i = 0; i < l->count; i++)
		workspace_done(&l->items[i]);
	free(l->items);
	l->items = NULL;
	l->count = 0;
	strv_done(&l->unreadable);
}

static int by_creation(const void *a, const void *b)
{
	const struct workspace *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int add_listed(struct engine *e, struct workspaces *l, const char *id, struct md_error *err)
{
	struct workspace w = WORKSPACE_INIT;
	struct md_error problem = MD_ERROR_INIT;
	struct workspace *grown;

	if (engine_load(e, id, &w, &problem) < 0) {
		/* Gone since the folder was read, or about to be: no news. */
		if (problem.code == ENOENT)
			return 0;
		if (problem.code == ENOMEM || problem.code == EMFILE || problem.code == ENFILE)
			return md_fail(err, problem.code, "%s", problem.msg);
		log_warning("%s: restore it, or remove the workspace with its files by `mdocker rm "
			    "-f %s`",
			problem.msg, id);
		return strv_add(&l->unreadable, id) < 0 ? md_fail_errno(err, "listing workspaces")
							: 0;
	}
	grown = mem_resize(l->items, l->count + 1);
	if (!grown) {
		workspace_done(&w);
		return md_fail_errno(err, "listing workspaces");
	}
	l->items = grown;
	l->items[l->count++] = w;
	return 0;
}

int engine_list(struct engine *e, struct workspaces *ret, struct md_error *err)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	int fd = openat(e->workspaces_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&fd);
		return md_fail_errno(err, "folder '%s/workspaces'", e->root);
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (workspace_id_valid(entry->d_name))
			r = add_listed(e, &l, entry->d_name, err);
	}
	closedir(dir);
	if (r < 0)
		return -1;
	if (l.count)
		qsort(l.items, l.count, sizeof(*l.items), by_creation);
	*ret = l;
	l = (struct workspaces){ NULL, 0, STRV_INIT };
	return 0;
}

static ssize_t index_of_name(const struct workspaces *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (str_eq(l->items[i].name, name))
			return (ssize_t)i;
	}
	return -1;
}

/* Index of the one that `word` means: its ID, else its name, else the beginning of just one ID. -1
 * none, -2 several. */
static ssize_t match(const struct workspaces *l, const char *word)
{
	ssize_t found = -1, named = index_of_name(l, word);

	if (!*word)
		return -1;
	for (size_t i = 0; i < l->count; i++) {
		if (!str_starts(l->items[i].id, word))
			continue;
		if (str_eq(l->items[i].id, word))
			return (ssize_t)i;
		found = found == -1 ? (ssize_t)i : -2;
	}
	return named >= 0 ? named : found;
}

static int find(struct engine *e, const char *word,
	ssize_t (*look_up)(const struct workspaces *l, const char *word), struct workspace *ret,
	struct md_error *err)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	ssize_t at;

	if (engine_list(e, &l, err) < 0)
		return -1;
	at = look_up(&l, word);
	if (at == -2)
		return md_fail(
			err, EINVAL, "several workspaces have an ID that begins with '%s'", word);
	if (at < 0)
		return md_fail(
			err, ENOENT, "no workspace '%.80s': `mdocker ps -a` lists them", word);
	*ret = l.items[at];
	l.items[at] = (struct workspace)WORKSPACE_INIT;
	return 0;
}

int engine_find(struct engine *e, const char *name, struct workspace *ret, struct md_error *err)
{
	return find(e, name, match, ret, err);
}

int engine_find_named(
	struct engine *e, const char *name, struct workspace *ret, struct md_error *err)
{
	return find(e, name, index_of_name, ret, err);
}

/* Replaces what was found by its document under its lock. */
static int lock_found(struct engine *e, struct workspace *w, int *ret_lock, struct md_error *err)
{
	_auto_workspace_ struct workspace found = *w;
	_auto_free_ char *path = str_format("%s/lock", found.id);
	_auto_close_ int lock = -1;

	*w = (struct workspace)WORKSPACE_INIT;
	if (!path)
		return md_fail_errno(err, "workspace %s", found.name);
	lock = file_lock(e->workspaces_fd, path, true, true);
	if (lock < 0 && errno != ENOENT)
		return md_fail_errno(err, "lock of workspace %s", found.name);
	/* Who had the lock before may have changed or removed it. */
	if (lock < 0 || engine_load(e, found.id, w, err) < 0)
		return md_fail(err, ENOENT, "workspace '%.80s' was removed meanwhile", found.name);
	*ret_lock = take_fd(&lock);
	return 0;
}

int engine_find_locked(struct engine *e, const char *name, struct workspace *ret, int *ret_lock,
	struct md_error *err)
{
	return engine_find(e, name, ret, err) < 0 ? -1 : lock_found(e, ret, ret_lock, err);
}

int engine_find_named_locked(struct engine *e, const char *name, struct workspace *ret,
	int *ret_lock, struct md_error *err)
{
	return engine_find_named(e, name, ret, err) < 0 ? -1 : lock_found(e, ret, ret_lock, err);
}

/* What it was made with nobody knows; so all that it may have had is looked for, under its ID. */
static int assume(struct workspace *w, const char *id, struct md_error *err)
{
	char boot[BOOT_ID_LEN + 1];
	const struct {
		char **field;
		const char *value;
	} fields[] = { { &w->name, id }, { &w->network, "bridge" }, { &w->boot_id, boot },
		{ &w->owner, "" }, { &w->image, "" }, { &w->rootfs, "" }, { &w->hostname, "" },
		{ &w->egress, "" }, { &w->profile, "" }, { &w->cwd, "" }, { &w->user, "" } };

	if (boot_id(boot, err) < 0)
		return -1;
	snprintf(w->id, sizeof(w->id), "%s", id);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (workspace_set(fields[i].field, fields[i].value) < 0)
			return md_fail_errno(err, "workspace %s", id);
	}
	return 0;
}

int engine_find_damaged(struct engine *e, const char *id, struct workspace *ret, int *ret_lock,
	struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error why = MD_ERROR_INIT;
	_auto_free_ char *path = str_format("%s/lock", id);
	_auto_close_ int lock = -1;

	if (!path)
		return md_fail_errno(err, "workspace %s", id);
	if (workspace_id_valid(id))
		lock = file_lock(e->workspaces_fd, path, true, true);
	if (lock < 0 || engine_load(e, id, &w, &why) == 0 || why.code == ENOENT)
		return md_fail(err, ENOENT, "no workspace '%.80s': `mdocker ps -a` lists them", id);
	if (assume(&w, id, err) < 0)
		return -1;
	*ret = w;
	w = (struct workspace)WORKSPACE_INIT;
	*ret_lock = take_fd(&lock);
	return 0;
}

/* The document goes last: until then the workspace is listed as being removed, holds its block of
 * ids, and another `rm` goes on where a dead one stopped. */
int engine_delete(struct engine *e, struct workspace *w, struct md_error *err)
{
	static const char *const parts[] = { "disk", "upper", "work", "log", "log.1", "exit.json",
		"recordings", "layers" };
	_auto_free_ char *gone = str_format(".gone-%s", w->id);
	struct md_error unsaved = MD_ERROR_INIT;
	_auto_close_ int lock = -1;

	if (!gone)
		return md_fail_errno(err, "remove workspace %s", w->name);
	w->removing = true;
	/* A full disk must not stand in the way of making room: the mark is for who comes after a
	 * crash. */
	if (engine_save(e, w, &unsaved) < 0 && unsaved.code != ENOSPC && unsaved.code != EDQUOT)
		return md_fail(err, unsaved.code, "%s", unsaved.msg);
	storage_release(e, w);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_auto_free_ char *path = str_format("%s/%s", w->id, parts[i]);

		if (!path || file_remove_tree(e->workspaces_fd, path) < 0)
			return md_fail_errno(err, "remove workspace %s: '%s/workspaces/%s/%s'",
				w->name, e->root, w->id, parts[i]);
	}
	/* Who makes a workspace sweeps such folders away, so this is done under the same lock. */
	lock = file_lock(e->workspaces_fd, "lock", true, true);
	if (lock < 0 || renameat(e->workspaces_fd, w->id, e->workspaces_fd, gone) < 0 ||
		fsync(e->workspaces_fd) < 0 || file_remove_tree(e->workspaces_fd, gone) < 0)
		return md_fail_errno(err, "remove workspace %s", w->name);
	return 0;
}

static const char *layer_user(const char *layer_id, void *data)
{
	struct engine_image_users *u = data;
	struct md_error ignored = MD_ERROR_INIT;

	if (!u->read && engine_list(u->engine, &u->list, &ignored) < 0)
		return "(unknown: the workspaces can't be listed)";
	u->read = true;
	for (size_t i = 0; i < u->list.count; i++) {
		const struct workspace *w = &u->list.items[i];

		for (size_t k = 0; k < w->layers.count; k++) {
			if (str_eq(w->layers.items[k], layer_id))
				return w->name;
		}
	}
	/* It may be of any of them. */
	return u->list.unreadable.count ? u->list.unreadable.items[0] : NULL;
}

void engine_image_users(struct engine *e, struct engine_image_users *u)
{
	*u = (struct engine_image_users){ .users = { layer_user, u }, .engine = e };
}

void engine_image_users_done(struct engine_image_users *u)
{
	workspaces_done(&u->list);
	u->read = false;
}

static int import_default(struct engine *e, struct md_error *err)
{
	struct engine_image_users users;
	_auto_free_ char *tar = image_default_tar();
	_auto_close_ int fd = tar ? open(tar, O_RDONLY | O_CLOEXEC) : -1;
	int r;

	if (!tar)
		return md_fail(err, ENOENT,
			"no default image, and no default-image.tar beside the installation: "
			"`make image` makes one, `mdocker import FILE %s` takes yours",
			IMAGE_DEFAULT_NAME);
	if (fd < 0)
		return md_fail_errno(err, "default image '%s'", tar);
	engine_image_users(e, &users);
	r = image_import_tar(&e->images, fd, IMAGE_DEFAULT_NAME, NULL, &users.users, err);
	engine_image_users_done(&users);
	return r < 0 ? md_wrap(err, "importing the default image '%s'", tar) : 0;
}

int engine_find_image(struct engine *e, const char *name, struct image *ret, struct md_error *err)
{
	struct md_error absent = MD_ERROR_INIT;
	_auto_close_ int lock = -1;

	if (name && !str_eq(name, IMAGE_DEFAULT_NAME))
		return image_find(&e->images, name, ret, err);
	if (image_find(&e->images, IMAGE_DEFAULT_NAME, ret, &absent) == 0)
		return 0;
	if (absent.code != ENOENT) {
		*err = absent;
		return -1;
	}
	/* Only the first of several commands imports it. */
	lock = file_lock(e->workspaces_fd, "default-image.lock", true, true);
	if (lock < 0)
		return md_fail_errno(err, "lock of the default image");
	if (image_find(&e->images, IMAGE_DEFAULT_NAME, ret, &absent) == 0)
		return 0;
	if (import_default(e, err) < 0)
		return -1;
	return image_find(&e->images, IMAGE_DEFAULT_NAME, ret, err);
}
