/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota.h - a disk that is a folder with a project of its own in its file system (ext4, xfs).
 *
 * The folder has FS_XFLAG_PROJINHERIT, so that all that is ever made below it belongs to the project, and the project has hard
 * limits. Which project stands in the folder's own attributes and nowhere else. Nobody in a user namespace can change the
 * project of a file nor the flag (fileattr_set_prepare() of Linux 5.13; quota_enforced() says no on older ones).
 * Source: quotactl(2), ioctl_fsxattr(2).
 */
#ifndef MD_DISK_QUOTA_H
#define MD_DISK_QUOTA_H

#include <stdbool.h>

#include "disk/disk.h"

extern const struct disk_kind disk_quota;

/* Does the file system of `folder` hold projects to their limits, and may we set those? Not where the folder is in a project already, which
 * an admin has given the store: there are none within projects, and nothing can be moved from one to another. */
bool quota_enforced(const char *folder);

#endif
