/* SPDX-License-Identifier: Apache-2.0 */
/* A container's folder: made, opened, locked, removed; and those that there are. */
#define _GNU_SOURCE
#include "runtime/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "oci/spec.h"
#include "base/poison.h"

bool container_id_valid(const char *id)
{
	return oci_id_valid(id);
}

void state_dir_close(struct state_dir *d)
{
	fd_close(&d->lock);
	fd_close(&d->fd);
	free(d->path);
	d->path = NULL;
}

/* The first half is crun's wording. */
static int check_id(const char *id, struct md_error *err)
{
	size_t at = oci_id_span(id);

	if (container_id_valid(id))
		return 0;
	if (id[at] > ' ' && id[at] < 0x7f)
		return md_fail(err, EINVAL,
			"invalid character `%.1s` in the ID `%.64s`: letters, digits and _+.- only",
			id + at, id);
	return md_fail(err, EINVAL,
		"invalid container ID `%.64s`: 1 to 1024 letters, digits and _+.-, not . or ..",
		id);
}

static int open_dir(
	const struct runtime *rt, const char *id, struct state_dir *d, struct md_error *err)
{
	d->path = str_format("%s/%s", rt->root, id);
	if (!d->path)
		return md_fail_errno(err, "container '%s'", id);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0 && errno == ENOENT)
		return md_fail(err, ENOENT, "container '%s' does not exist", id);
	if (d->fd < 0)
		return md_fail_errno(err, "open '%s'", d->path);
	return 0;
}

static int lock_new(
	const struct runtime *rt, const char *id, struct state_dir *d, struct md_error *err)
{
	bool taken;

	if (open_dir(rt, id, d, err) < 0)
		return -1;
	d->lock = file_lock(d->fd, "lock", true, false);
	if (d->lock >= 0)
		return 0;
	taken = errno == EWOULDBLOCK;
	md_fail_errno(err, "lock '%s'", d->path);
	if (!taken)
		unlinkat(d->fd, "lock", 0);
	return -1;
}

int state_dir_make(
	const struct runtime *rt, const char *id, struct state_dir *ret, struct md_error *err)
{
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;
	_auto_free_ char *path = str_format("%s/%s", rt->root, id);

	if (check_id(id, err) < 0)
		return -1;
	if (!path)
		return md_fail_errno(err, "container '%s'", id);
	if (mkdir(path, 0700) < 0) {
		if (errno == EEXIST)
			return md_fail(
				err, EEXIST, "container with given ID already exists: '%s'", id);
		if (errno != ENOENT)
			return md_fail_errno(err, "make '%s'", path);
		if (file_mkdirs(rt->root, 0700) < 0 || mkdir(path, 0700) < 0)
			return md_fail_errno(err, "make '%s'", path);
	}
	if (lock_new(rt, id, &d, err) < 0) {
		/* Not empty is what somebody deletes already, with the lock that we didn't get. */
		rmdir(path);
		return -1;
	}
	*ret = d;
	d = (struct state_dir)STATE_DIR_INIT;
	return 0;
}

int state_dir_lock(const struct state_dir *d, int operation)
{
	_auto_close_ int fd = openat(d->fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return -1;
	do {
		r = flock(fd, operation);
	} while (r < 0 && errno == EINTR);
	if (r < 0 || fstat(d->fd, &st) < 0)
		return -1;
	/* A folder without links is a removed one: who had the lock before us deleted it. */
	if (st.st_nlink == 0) {
		errno = ENOENT;
		return -1;
	}
	return take_fd(&fd);
}

int state_dir_take(struct state_dir *d, const char *id, bool wait, struct md_error *err)
{
	struct stat st;

	d->lock = state_dir_lock(d, LOCK_EX | (wait ? 0 : LOCK_NB));
	if (d->lock >= 0)
		return 0;
	if (errno == ENOENT)
		return md_fail(err, fstat(d->fd, &st) == 0 && st.st_nlink ? ENOLCK : ENOENT,
			"container '%s' does not exist", id);
	return md_fail_errno(err, "lock '%s'", d->path);
}

int state_dir_open(const struct runtime *rt, const char *id, bool lock, struct state_dir *ret,
	struct md_error *err)
{
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;

	if (check_id(id, err) < 0 || open_dir(rt, id, &d, err) < 0 ||
		(lock && state_dir_take(&d, id, true, err) < 0))
		return -1;
	*ret = d;
	d = (struct state_dir)STATE_DIR_INIT;
	return 0;
}

int state_dir_remove(const struct runtime *rt, const char *id, struct md_error *err)
{
	_auto_close_ int root = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 && errno == ENOENT)
		return 0;
	if (root < 0 || file_remove_tree(root, id) < 0)
		return md_fail_errno(err, "remove '%s/%s'", rt->root, id);
	return 0;
}

/* What `container_run` leaves, without a look into the folder; anything else takes one. */
int state_dir_remove_open(const struct state_dir *d, struct md_error *err)
{
	static const char *const names[] = { "lock", "creating.json", "config.json", "state.json" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(d->fd, names[i], 0);
	if (rmdir(d->path) < 0 && errno != ENOENT && file_remove_tree(AT_FDCWD, d->path) < 0)
		return md_fail_errno(err, "remove '%s'", d->path);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int container_list(const struct runtime *rt, struct strv *ret_ids, struct md_error *err)
{
	DIR *d = opendir(rt->root);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : md_fail_errno(err, "open '%s'", rt->root);
	while ((e = readdir(d))) {
		if (e->d_type != DT_DIR || !container_id_valid(e->d_name))
			continue;
		if (strv_add(ret_ids, e->d_name) < 0) {
			closedir(d);
			return md_fail_errno(err, "list containers");
		}
	}
	closedir(d);
	if (ret_ids->count)
		qsort(ret_ids->items, ret_ids->count, sizeof(char *), compare_ids);
	return 0;
}
