/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_stats.c - what a container has used, and notice of the memory limit. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

static void hugetlb_size(int dirfd, const char *size, const char *usage, const char *max,
	struct cgroup_hugetlb_stats *ret)
{
	char file[96];

	snprintf(ret->page_size, sizeof(ret->page_size), "%s", size);
	snprintf(file, sizeof(file), "hugetlb.%s.%s", size, usage);
	ret->usage = cgroup_read_u64(dirfd, file);
	if (max[0]) {
		snprintf(file, sizeof(file), "hugetlb.%s.%s", size, max);
		ret->max = cgroup_read_u64(dirfd, file);
	}
	snprintf(file, sizeof(file), "hugetlb.%s.events", size);
	ret->failcnt = cgroup_read_key(dirfd, file, "max");
	if (!ret->failcnt) {
		snprintf(file, sizeof(file), "hugetlb.%s.failcnt", size);
		ret->failcnt = cgroup_read_u64(dirfd, file);
	}
}

void cgroup_hugetlb_stats(int dirfd, const char *usage, const char *max, struct cgroup_stats *ret)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (!dir) {
		fd_close(&copy);
		return;
	}
	while (ret->hugetlb_count < CGROUP_STAT_HUGETLB && (e = readdir(dir))) {
		const char *name = e->d_name;
		size_t len;
		char size[16];

		if (!str_starts(name, "hugetlb."))
			continue;
		name += strlen("hugetlb.");
		len = strcspn(name, ".");
		if (name[len] != '.' || !str_eq(name + len + 1, usage) || len >= sizeof(size))
			continue;
		snprintf(size, sizeof(size), "%.*s", (int)len, name);
		hugetlb_size(dirfd, size, usage, max, &ret->hugetlb[ret->hugetlb_count++]);
	}
	closedir(dir);
}

int cgroup_stats(struct cgroup *c, struct cgroup_stats *ret, struct md_error *err)
{
	bool found = false;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < c->tree_count; i++) {
		if (cgroup_tree_open(c, &c->trees[i]) < 0)
			continue;
		found = true;
		c->trees[i].ops->stats(&c->trees[i], ret);
	}
	return found ? 0 : md_fail(err, ENOENT, "cgroup: %s does not exist", c->path);
}

void cgroup_stats_done(struct cgroup_stats *s)
{
	free(s->memory_raw);
	s->memory_raw = NULL;
}

int cgroup_oom_open(struct cgroup *c, struct cgroup_oom *ret, struct md_error *err)
{
	struct cgroup_tree *t = cgroup_tree_with(c, CTL_MEMORY);

	*ret = (struct cgroup_oom){ .fd = -1, .group_fd = -1 };
	if (!t)
		return md_fail(err, ENOTSUP, "cgroup: no memory controller here");
	if (cgroup_tree_open(c, t) < 0 || t->ops->oom_open(t, ret) < 0)
		return md_fail_errno(err, "cgroup: watch the memory of %s", c->path);
	return 0;
}

int cgroup_oom_take(struct cgroup_oom *o)
{
	char events[4096];
	uint64_t now;
	int fresh;

	while (read(o->fd, events, sizeof(events)) > 0 && o->unified)
		;
	if (!cgroup_has(o->group_fd, "cgroup.procs"))
		return -1;
	if (o->unified)
		now = cgroup_read_key(o->group_fd, "memory.events", "oom_kill");
	else
		now = cgroup_read_key(o->group_fd, "memory.oom_control", "oom_kill");
	fresh = (int)(now - o->seen);
	o->seen = now;
	if (!fresh && o->unified && !cgroup_read_key(o->group_fd, "cgroup.events", "populated"))
		return -1;
	return fresh;
}

void cgroup_oom_close(struct cgroup_oom *o)
{
	fd_close(&o->fd);
	fd_close(&o->group_fd);
}
