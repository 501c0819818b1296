/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the block device under a file, as control groups limit it.
 */
#ifndef MD_DISK_DEVICE_H
#define MD_DISK_DEVICE_H

struct disk_device {
	unsigned int major, minor;
};

/* The whole disk that `path` is on: partitions have no rates of their own. -1 and ENODEV for a file
 * system without one device under it (tmpfs, overlay, btrfs, a network's). */
int disk_device_of(const char *path, struct disk_device *ret);

#endif
