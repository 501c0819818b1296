/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/cgroups.h"
#include "base/poison.h"

#define HUGE_PAGE_FOLDER "/sys/kernel/mm/hugepages"

static int kernel_version(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) == 0)
		sscanf(u.release, "%d.%d", &major, &minor);
	return major * 100 + minor;
}

int host_huge_page_name(const char *folder, char *to, size_t room)
{
	static const char *const units[] = { "KB", "MB", "GB" };
	unsigned long size;
	size_t unit = 0;
	int end = 0;

	if (sscanf(folder, "hugepages-%lukB%n", &size, &end) != 1 || !end || folder[end] || !size)
		return -1;
	for (; size >= 1024 && size % 1024 == 0 && unit + 1 < ARRAY_SIZE(units); unit++)
		size /= 1024;
	snprintf(to, room, "%lu%s", size, units[unit]);
	return 0;
}

static int list_huge_pages(struct strv *ret, struct md_error *err)
{
	DIR *dir = opendir(HUGE_PAGE_FOLDER);
	struct dirent *entry;
	char name[32];
	int r = 0;

	/* A kernel without huge pages has none to forbid. */
	if (!dir)
		return 0;
	while (r == 0 && (entry = readdir(dir))) {
		if (host_huge_page_name(entry->d_name, name, sizeof(name)) == 0)
			r = strv_add(ret, name);
	}
	closedir(dir);
	return r < 0 ? md_fail_errno(err, "sizes of huge pages") : 0;
}

int host_describe(struct profile_host *h, struct md_error *err)
{
	_auto_cgroups_host_ struct cgroups_host groups = { .layout = "" };

	if (cgroups_describe(&groups, err) < 0)
		return -1;
	h->kernel = kernel_version();
	h->cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
	h->ground.counts_swap = groups.counts_swap;
	return cgroups_host_has(&groups, "hugetlb") ? list_huge_pages(&h->huge_pages, err) : 0;
}

void host_done(struct profile_host *h)
{
	strv_done(&h->huge_pages);
}
