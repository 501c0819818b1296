/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/disk_watch.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/shim_wire.h"
#include "base/poison.h"

enum {
	SLACK = 2,            /* percent */
	LAST_BYTES = 1 << 20, /* ext4 refuses a large write with so much left */
};

static const unsigned int percents[] = {
	[DISK_FILLING] = 80, [DISK_NEARLY_FULL] = 95, [DISK_FULL] = 100
};

void disk_watch_open(struct disk_watch *w, const char *folder)
{
	if (!folder)
		return;
	w->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->fd < 0)
		log_warning("the disk '%s' can't be watched", folder);
}

void disk_watch_close(struct disk_watch *w)
{
	fd_close(&w->fd);
}

static unsigned int percent_of(
	unsigned long long total, unsigned long long left, unsigned long long last)
{
	if (!total || left <= last)
		return total ? 100 : 0;
	return (unsigned int)MD_MIN((total - MD_MIN(left, total)) * 100 / total, 99ull);
}

enum disk_level disk_level_of(
	const struct statvfs *s, enum disk_level told, char *text, size_t room)
{
	unsigned int bytes =
		percent_of(s->f_blocks, s->f_bavail, LAST_BYTES / MD_MAX(s->f_frsize, 1ul));
	unsigned int files = percent_of(s->f_files, s->f_favail, 0);
	unsigned int worst = MD_MAX(bytes, files);
	unsigned long long used =
		(unsigned long long)(s->f_blocks - MD_MIN(s->f_bavail, s->f_blocks)) * s->f_frsize;
	unsigned long long size = (unsigned long long)s->f_blocks * s->f_frsize;
	enum disk_level level = DISK_FULL;

	while (level > DISK_FINE && worst + (level <= told ? SLACK : 0) < percents[level])
		level--;
	if (level == DISK_FULL && files > bytes)
		snprintf(text, room, "the disk is full: it holds no more than %llu files",
			(unsigned long long)s->f_files);
	else if (level == DISK_FULL)
		snprintf(text, room, "the disk is full: %.1f of %.1f MiB are used",
			(double)used / (1 << 20), (double)size / (1 << 20));
	else
		snprintf(text, room, "%u %% of the disk are used%s", worst,
			files > bytes ? ", by the number of files" : "");
	return level;
}

void disk_watch_look(struct disk_watch *w,
	void (*hit)(unsigned int kind, const char *text, void *data), void *data)
{
	enum disk_level level;
	struct statvfs now;
	char text[96];

	if (w->fd < 0 || fstatvfs(w->fd, &now) < 0)
		return;
	level = disk_level_of(&now, w->told, text, sizeof(text));
	if (level > w->told)
		hit(SHIM_NOTICE_DISK, text, data);
	w->told = level;
}
