/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/poison.h"

/* "8:1" of a partition becomes the "8:0" of its disk: its folder in sysfs lies in the disk's. */
static int to_whole_disk(struct disk_device *d)
{
	char path[80];
	_auto_free_ char *text = NULL;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", d->major, d->minor);
	if (access(path, F_OK) < 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", d->major, d->minor);
	if (file_read(AT_FDCWD, path, 64, &text, NULL) < 0)
		return -1;
	if (sscanf(text, "%u:%u", &d->major, &d->minor) != 2) {
		errno = ENODEV;
		return -1;
	}
	return 0;
}

int disk_device_of(const char *path, struct disk_device *ret)
{
	struct disk_device d;
	struct stat st;

	if (stat(path, &st) < 0)
		return -1;
	d = (struct disk_device){ major(st.st_dev), minor(st.st_dev) };
	if (d.major == 0) { /* a number that stands for no device */
		errno = ENODEV;
		return -1;
	}
	if (to_whole_disk(&d) < 0)
		return -1;
	*ret = d;
	return 0;
}
