/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

enum {
	PROJECT_TRIES = 64,
	UNIT = 1024, /* of bytes in the kernel's limits */
};

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

/* Linux 5.14: by a descriptor, where the older call wants the path of the device. File systems translate the generic commands, xfs too. */
static int quota_ctl(int folder, unsigned int command, uint32_t project, void *data)
{
	return (int)syscall(SYS_quotactl_fd, folder, QCMD(command, PRJQUOTA), (long)project, data);
}

/* xfs has no record of a project that never had a file or a limit. */
static int quota_get(int folder, uint32_t project, struct if_dqblk *ret)
{
	*ret = (struct if_dqblk){ .dqb_valid = 0 };
	return quota_ctl(folder, Q_GETQUOTA, project, ret) < 0 && errno != ENOENT ? -1 : 0;
}

static int quota_set(int folder, uint32_t project, uint64_t bytes, uint64_t inodes)
{
	struct if_dqblk limits = {
		.dqb_bhardlimit = bytes / UNIT, .dqb_ihardlimit = inodes, .dqb_valid = QIF_LIMITS
	};

	return quota_ctl(folder, Q_SETQUOTA, project, &limits);
}

static bool is_enforced(int folder)
{
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

	return quota_ctl(folder, Q_XGETQSTATV, 0, &state) == 0 &&
	       (state.qs_flags & FS_QUOTA_PDQ_ENFD);
}

static int set_project(int folder, uint32_t project)
{
	struct fsxattr attr;

	if (ioctl(folder, FS_IOC_FSGETXATTR, &attr) < 0)
		return -1;
	attr.fsx_projid = project;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(folder, FS_IOC_FSSETXATTR, &attr);
}

/* 0: none that what is made in it would get. */
static uint32_t get_project(int folder)
{
	struct fsxattr attr;

	if (ioctl(folder, FS_IOC_FSGETXATTR, &attr) < 0 ||
		!(attr.fsx_xflags & FS_XFLAG_PROJINHERIT))
		return 0;
	return attr.fsx_projid;
}

bool quota_enforced(const char *folder)
{
	_auto_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct if_dqblk limits;

	return fd >= 0 && is_enforced(fd) && quota_get(fd, 0, &limits) == 0 && !get_project(fd);
}

/* Has nobody a limit or more than `files` files under this number, such as another --root on the same file system? -1: error. */
static int is_free(int folder, uint32_t project, uint64_t files)
{
	struct if_dqblk q;

	if (quota_get(folder, project, &q) < 0)
		return -1;
	return q.dqb_curinodes <= files && !q.dqb_bhardlimit && !q.dqb_ihardlimit &&
	       !q.dqb_bsoftlimit && !q.dqb_isoftlimit;
}

/* The first of our numbers that is free. Looked at when it is ours already, so that of two who take one at the same time both see
 * it. */
static int take_project(int folder, uint32_t first)
{
	for (uint32_t project = first; project < first + PROJECT_TRIES; project++) {
		int free = set_project(folder, project) < 0 ? -1 : is_free(folder, project, 1);

		if (free != 0)
			return free < 0 ? -1 : 0;
	}
	errno = EBUSY;
	return -1;
}

static int quota_create(const char *path, const struct disk_limits *l _unused_, uint32_t project,
	struct md_error *err)
{
	_auto_free_ char *temporary = str_format("%s.new", path);
	_auto_close_ int folder = -1;

	if (!temporary || mkdir(temporary, 0700) < 0)
		return md_fail_errno(err, "disk: make '%s'", path);
	folder = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder >= 0 && take_project(folder, project) == 0 && fsync(folder) == 0 &&
		rename(temporary, path) == 0)
		return 0;
	md_fail_errno(err, "disk: make '%s' a project of its file system", path);
	rmdir(temporary);
	return -1;
}

static int set_limits(int folder, const char *path, const struct disk_limits *l, uint32_t project,
	struct md_error *err)
{
	uint64_t inodes = l->inodes ? l->inodes : l->bytes / DISK_BYTES_PER_INODE;

	if (quota_set(folder, project, l->bytes, inodes) < 0)
		return md_fail_errno(err, "disk: set the quota of '%s'", path);
	return 0;
}

/* By a program of the admin's, for once. Other files than these have no attributes. */
static int tell_how_to_give_one(int folder, const char *path, uint32_t first, struct md_error *err)
{
	uint32_t n = first;

	while (n < first + PROJECT_TRIES - 1 && is_free(folder, n, 0) == 0)
		n++;
	return md_fail(err, EINVAL,
		"disk: it has lost its project, as a copied one does. Give it one: find '%s' "
		"-type d -exec chattr +P -p %u {} + -o -type f -exec chattr -p %u {} +",
		path, n, n);
}

static int quota_prepare(
	const char *path, const struct disk_limits *l, uint32_t first, struct md_error *err)
{
	_auto_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	uint32_t project = folder < 0 ? 0 : get_project(folder);

	if (folder < 0)
		return md_fail_errno(err, "disk: '%s'", path);
	if (!is_enforced(folder))
		return md_fail(err, ENOTSUP,
			"disk: the file system of '%s' holds no project to its quota any more: "
			"mount it with -o prjquota again",
			path);
	if (!project)
		return tell_how_to_give_one(folder, path, first, err);
	return set_limits(folder, path, l, project, err);
}

static int quota_attach(const char *path, const char *target, struct md_error *err)
{
	if (mount(path, target, NULL, MS_BIND, NULL) < 0 ||
		mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_NODEV | MS_NOATIME, NULL) < 0)
		return md_fail_errno(err, "disk: mount '%s' at '%s'", path, target);
	return 0;
}

/* Without a project, and where nothing is enforced, the next start says what to do. */
static int quota_change(const char *path, const struct disk_limits *from _unused_,
	const struct disk_limits *to, const char *mounted _unused_, struct md_error *err)
{
	_auto_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	uint32_t project = folder < 0 ? 0 : get_project(folder);

	if (folder < 0)
		return md_fail_errno(err, "disk: '%s'", path);
	return project ? set_limits(folder, path, to, project, err) : 0;
}

/* A record that has no limits goes with the last file. That it stays is no harm: nobody takes a project that has limits. */
static void quota_release(const char *path)
{
	_auto_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	uint32_t project = folder < 0 ? 0 : get_project(folder);

	if (project)
		quota_set(folder, project, 0, 0);
}

const struct disk_kind disk_quota = {
	.name = "quota",
	.create = quota_create,
	.prepare = quota_prepare,
	.attach = quota_attach,
	.change = quota_change,
	.release = quota_release,
};
