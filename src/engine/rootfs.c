/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "disk/disk.h"
#include "engine/idmap.h"
#include "engine/layer_copy.h"
#include "base/poison.h"

void rootfs_done(struct rootfs *r)
{
	free(r->bundle);
	free(r->upper);
	free(r->work);
	free(r->disk);
	free(r->copies);
	strv_done(&r->layers);
	volumes_done(&r->volumes);
	*r = (struct rootfs){ .bundle = NULL };
}

static int make_place(const char *path, bool folder)
{
	_auto_close_ int fd = -1;

	if (folder)
		return file_mkdirs(path, 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -1 : 0;
}

/* A volume may be a folder or one file; what it is mounted on must be the same. */
static int prepare_volume(const struct rootfs *r, size_t i, struct md_error *err)
{
	const struct volume *v = &r->volumes.items[i];
	_auto_free_ char *path = str_format("%s/volumes/%zu", r->bundle, i);
	struct stat st;

	if (stat(v->source, &st) < 0)
		return md_fail_errno(err, "volume '%s'", v->source);
	if (!path || make_place(path, S_ISDIR(st.st_mode)) < 0)
		return md_fail_errno(err, "volume '%s': a place in the bundle", v->source);
	return 0;
}

int rootfs_prepare(const struct rootfs *r, struct md_error *err)
{
	static const char *const folders[] = { "", "/rootfs", "/lower", "/volumes", "/disk" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_auto_free_ char *path = str_format("%s%s", r->bundle, folders[i]);

		if (!path || file_mkdirs(path, 0755) < 0)
			return md_fail_errno(err, "folder '%s%s'", r->bundle, folders[i]);
	}
	if (r->disk && disk_prepare(r->disk, &r->disk_limits, r->id_base, err) < 0)
		return -1;
	for (size_t i = 0; i < r->layers.count; i++) {
		_auto_free_ char *path = str_format("%s/lower/%zu", r->bundle, i);

		if (!path || file_mkdirs(path, 0755) < 0)
			return md_fail_errno(err, "folder '%s/lower/%zu'", r->bundle, i);
	}
	for (size_t i = 0; i < r->volumes.count; i++) {
		if (prepare_volume(r, i, err) < 0)
			return -1;
	}
	return 0;
}

static int attach(int tree_fd, const char *path)
{
	return move_mount(tree_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/* What says that there are no idmapped mounts here: the file system (EINVAL), a kernel before 5.12
 * (ENOSYS), a filter around us (EPERM). */
static bool lacks_idmaps(int code)
{
	return code == EINVAL || code == ENOSYS || code == EPERM || code == EOPNOTSUPP;
}

/* A copy of the layer whose files belong to the workspace's ids, made at the first start. */
static int mount_copy(
	const struct rootfs *r, size_t i, const char *target, int why, struct md_error *err)
{
	_auto_free_ char *copy = str_format("%s/%zu", r->copies, i);

	if (!copy || file_mkdirs(r->copies, 0700) < 0)
		return md_fail_errno(err, "folder '%s'", r->copies);
	if (access(copy, F_OK) < 0) {
		log_warning("no idmapped mounts here (%s): the workspace gets a copy of layer '%s' "
			    "of its own, once",
			strerror(why), r->layers.items[i]);
		if (layer_copy(r->layers.items[i], copy, r->id_base, err) < 0)
			return -1;
	}
	if (mount(copy, target, NULL, MS_BIND, NULL) < 0)
		return md_fail_errno(err, "mount layer '%s'", copy);
	return 0;
}

/* Layer `i` of the row, counted from the lowest, goes to lower/N counted from the highest, as
 * overlayfs wants them. */
static int mount_layer(const struct rootfs *r, size_t i, int userns_fd, struct md_error *err)
{
	const char *source = r->layers.items[i];
	_auto_free_ char *target = str_format("%s/lower/%zu", r->bundle, r->layers.count - 1 - i);
	_auto_close_ int tree = idmap_clone(source, userns_fd, false);

	if (!target)
		return md_fail(err, ENOMEM, "layer '%s'", source);
	if (tree < 0 && lacks_idmaps(errno))
		return mount_copy(r, i, target, errno, err);
	if (tree < 0)
		return md_fail_errno(err, "layer '%s'", source);
	if (attach(tree, target) < 0)
		return md_fail_errno(err, "mount layer '%s'", source);
	return 0;
}

/* The host's root is never who a layer is left to: a start was killed before it gave the folder away. Later owners are the workspace's
 * own affair. */
static int make_layer_folder(int disk, const char *name, uint32_t owner)
{
	struct stat st;

	if ((mkdirat(disk, name, 0755) < 0 && errno != EEXIST) ||
		fstatat(disk, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return st.st_uid == 0 ? fchownat(disk, name, owner, owner, AT_SYMLINK_NOFOLLOW) : 0;
}

/* The two folders of the writable layer: the workspace's own, or those on its disk. */
static int open_writable(
	const struct rootfs *r, int *ret_disk, int *ret_upper, int *ret_work, struct md_error *err)
{
	_auto_free_ char *at = str_format("%s/disk", r->bundle);
	int disk = -1;

	if (!at)
		return md_fail_errno(err, "writable layer");
	if (r->disk) {
		if (disk_attach(r->disk, at, err) < 0)
			return -1;
		*ret_disk = disk = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (disk >= 0)
			disk_reserve_free(disk);
		if (disk < 0 || make_layer_folder(disk, "upper", r->id_base) < 0 ||
			make_layer_folder(disk, "work", 0) < 0)
			return md_fail_errno(err, "writable layer '%s'", r->disk);
	}
	*ret_upper = openat(disk, r->disk ? "upper" : r->upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*ret_work = openat(disk, r->disk ? "work" : r->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_upper < 0 || *ret_work < 0)
		return md_fail_errno(err, "writable layer '%s'", r->disk ? r->disk : r->upper);
	return 0;
}

static int mount_overlay(const struct rootfs *r, struct md_error *err)
{
	_auto_buf_ struct buf options = BUF_INIT(4000);
	_auto_close_ int disk = -1;
	_auto_close_ int upper = -1;
	_auto_close_ int work = -1;

	if (open_writable(r, &disk, &upper, &work, err) < 0)
		return -1;
	/* Names relative to the bundle, and descriptors: any path may have a ':' or ',' and be
	 * long. */
	if (chdir(r->bundle) < 0)
		return md_fail_errno(err, "folder '%s'", r->bundle);
	buf_addf(&options, "upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,lowerdir=", upper,
		work);
	for (size_t i = 0; i < r->layers.count; i++)
		buf_addf(&options, "%slower/%zu", i ? ":" : "", i);
	if (options.failed)
		return md_fail(err, E2BIG, "too many layers");
	if (mount("overlay", "rootfs", "overlay", MS_NODEV, buf_str(&options)) < 0)
		return md_fail_errno(err, "mount the overlay (the folder of --root must be on "
					  "ext4, xfs, btrfs or tmpfs)");
	if (disk >= 0)
		disk_reserve_take(disk);
	return chdir("/") < 0 ? md_fail_errno(err, "folder '/'") : 0;
}

/* Before mount_setattr(2) of 5.12: without what is mounted below, since a remount reaches the uppermost
 * mount only. */
static int bind_volume(const struct volume *v, const char *target, struct md_error *err)
{
	unsigned long flags =
		MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | (v->read_only ? MS_RDONLY : 0);

	if (mount(v->source, target, NULL, MS_BIND, NULL) < 0 ||
		mount(NULL, target, NULL, flags, NULL) < 0)
		return md_fail_errno(err, "mount volume '%s'", v->source);
	return 0;
}

/* Idmapped, so that the workspace's root writes as the host's root: what -v says. Where the file
 * system can't, the plain folder, in which the workspace is a stranger. */
static int mount_volume(const struct rootfs *r, size_t i, int userns_fd, struct md_error *err)
{
	const struct volume *v = &r->volumes.items[i];
	_auto_free_ char *target = str_format("%s/volumes/%zu", r->bundle, i);
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    (v->read_only ? MOUNT_ATTR_RDONLY : 0),
	};
	_auto_close_ int tree = idmap_clone(v->source, userns_fd, true);

	if (!target)
		return md_fail(err, ENOMEM, "volume '%s'", v->source);
	if (tree < 0)
		tree = idmap_clone(v->source, userns_fd, false);
	if (tree < 0)
		tree = open_tree(
			AT_FDCWD, v->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree >= 0 &&
		mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) == 0 &&
		attach(tree, target) == 0)
		return 0;
	if (errno != ENOSYS)
		return md_fail_errno(err, "mount volume '%s'", v->source);
	return bind_volume(v, target, err);
}

int rootfs_mount(const struct rootfs *r, int userns_fd, struct md_error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return md_fail_errno(err, "a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return md_fail_errno(err, "cutting the mounts off from the host's");
	for (size_t i = 0; i < r->layers.count; i++) {
		if (mount_layer(r, i, userns_fd, err) < 0)
			return -1;
	}
	if (mount_overlay(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->volumes.count; i++) {
		if (mount_volume(r, i, userns_fd, err) < 0)
			return -1;
	}
	return 0;
}
