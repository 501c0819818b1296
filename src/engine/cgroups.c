/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/profile.h"
#include "base/poison.h"

enum { MOUNTINFO_MAX = 16 << 20, PROCS_MAX = 1 << 20, DEATH_MS = 10000, ROUNDS = 16 };

/* A line is `id parent dev root mountpoint options... - type source super`; \040 and the like are
 * escapes. */
static bool line_is_cgroup(const char *line, size_t len)
{
	const char *dash = memmem(line, len, " - ", 3);
	size_t left = dash ? len - (size_t)(dash + 3 - line) : 0;

	return dash && ((left > 7 && strncmp(dash + 3, "cgroup ", 7) == 0) ||
			       (left > 8 && strncmp(dash + 3, "cgroup2 ", 8) == 0));
}

int cgroups_parse_mounts(const char *mountinfo, struct strv *ret)
{
	for (const char *line = mountinfo; *line;) {
		size_t len = strcspn(line, "\n");
		const char *at = line;

		for (int skip = 0; skip < 4 && at; skip++) {
			at = memchr(at, ' ', len - (size_t)(at - line));
			at = at ? at + 1 : NULL;
		}
		if (at && line_is_cgroup(line, len)) {
			size_t path_len = strcspn(at, " \n");

			/* A folder with a blank in its name is no place that any system mounts
			 * cgroups on. */
			if (!memchr(at, '\\', path_len) &&
				strv_addf(ret, "%.*s", (int)path_len, at) < 0)
				return -1;
		}
		line += len + (line[len] == '\n');
	}
	return 0;
}

/* A plain folder can stand at such a path too, where a hierarchy was covered: look at the file
 * system. */
static bool is_cgroup_folder(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	       (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

int cgroups_mounts(struct strv *ret, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, &len) < 0 ||
		cgroups_parse_mounts(text, ret) < 0)
		return md_fail_errno(err, "finding the cgroups");
	return 0;
}

void cgroups_host_done(struct cgroups_host *h)
{
	free(h->v1);
	free(h->v2);
	h->v1 = h->v2 = NULL;
}

/* v1 lists the controllers with their hierarchies, 0 being none: "memory\t4\t120\t1". */
static bool listed_in_v1(const char *table, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = table; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (strncmp(at, name, len) == 0 && at[len] == '\t' && at[len + 1] != '0')
			return true;
	}
	return false;
}

static bool listed_in_v2(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = words; *at; at += strcspn(at, " \n"), at += *at != '\0') {
		if (strncmp(at, name, len) == 0 && (at[len] == ' ' || at[len] == '\n' || !at[len]))
			return true;
	}
	return false;
}

bool cgroups_host_has(const struct cgroups_host *h, const char *controller)
{
	bool built_in = str_eq(controller, "devices") || str_eq(controller, "freezer");

	if (listed_in_v1(h->v1, controller))
		return true;
	if (built_in && *h->v2 && !*h->v1)
		return true;
	return listed_in_v2(h->v2, str_eq(controller, "blkio") ? "io" : controller);
}

static bool has_file(const char *folder, const char *name)
{
	_auto_free_ char *path = str_format("%s/%s", folder, name);

	return path && access(path, F_OK) == 0;
}

/* v1 tells at its root. v2's root has no such files, but the group of all workspaces has them, once
 * it was made. */
static bool counts_swap(const struct strv *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		_auto_free_ char *group = str_format("%s%s", mounts->items[i], PROFILE_CGROUP);

		if (has_file(mounts->items[i], "memory.limit_in_bytes"))
			return has_file(mounts->items[i], "memory.memsw.limit_in_bytes");
		if (group && has_file(group, "memory.max"))
			return has_file(group, "memory.swap.max");
	}
	return true;
}

int cgroups_describe(struct cgroups_host *ret, struct md_error *err)
{
	_auto_cgroups_host_ struct cgroups_host h = { .layout = "v1" };
	_auto_strv_ struct strv mounts = STRV_INIT;
	size_t len;

	if (cgroups_mounts(&mounts, err) < 0)
		return -1;
	if (mounts.count == 0)
		return md_fail(err, ENOENT, "no cgroup hierarchy is mounted");
	for (size_t i = 0; i < mounts.count && !h.v2; i++) {
		_auto_free_ char *path = str_format("%s/cgroup.controllers", mounts.items[i]);

		if (!path || file_read(AT_FDCWD, path, 1 << 12, &h.v2, &len) < 0)
			h.v2 = NULL;
	}
	if (h.v2)
		h.layout = mounts.count == 1 ? "v2" : "hybrid";
	if (mounts.count == (h.v2 ? 1 : 0) ||
		file_read(AT_FDCWD, "/proc/cgroups", 1 << 16, &h.v1, &len) < 0)
		h.v1 = strdup("");
	if (!h.v2)
		h.v2 = strdup("");
	if (!h.v1 || !h.v2)
		return md_fail_errno(err, "cgroups of this host");
	h.counts_swap = counts_swap(&mounts);
	*ret = h;
	h.v1 = h.v2 = NULL;
	return 0;
}

/* The folders that exist of group /minidocker/ID, one a hierarchy. */
static int find_groups(const char *id, struct strv *ret, struct md_error *err)
{
	_auto_strv_ struct strv mounts = STRV_INIT;

	if (cgroups_mounts(&mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < mounts.count; i++) {
		_auto_free_ char *path = str_format("%s%s/%s", mounts.items[i], PROFILE_CGROUP, id);

		if (!path)
			return md_fail_errno(err, "finding the cgroups");
		if (is_cgroup_folder(path) && strv_add(ret, path) < 0)
			return md_fail_errno(err, "finding the cgroups");
	}
	return 0;
}

/* Kills one process and waits for its end; by pidfd, since its number may be another's a moment
 * later. */
static int kill_one(pid_t pid)
{
	_auto_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return errno == ESRCH ? 0 : -1;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		return errno == ESRCH ? 0 : -1;
	if (poll(&p, 1, DEATH_MS) == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	return 0;
}

/* 1: there were some, 0: none, -1 and errno. */
static int kill_members(int fd)
{
	_auto_free_ char *text = NULL;
	char *at, *end;
	size_t len;
	int found = 0;

	if (file_read(fd, "cgroup.procs", PROCS_MAX, &text, &len) < 0)
		return -1;
	for (at = text; *at; at = *end ? end + 1 : end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		found = 1;
		/* 0: a process that this pid namespace doesn't see. */
		if (pid > 0 && kill_one((pid_t)pid) < 0)
			return -1;
	}
	return found;
}

static int remove_group(int parent, const char *name);

static int remove_children(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&copy);
		return -1;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = remove_group(fd, entry->d_name);
	}
	closedir(dir);
	return r;
}

static int remove_group(int parent, const char *name)
{
	_auto_close_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	/* What forks while we kill is caught by the next round. */
	for (int round = 0; round < ROUNDS; round++) {
		r = kill_members(fd);
		if (r < 0 || remove_children(fd) < 0)
			return -1;
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

/* Frozen processes die only when they are thawed. */
static void thaw(const char *path)
{
	static const char *const knobs[][2] = { { "freezer.state", "THAWED" },
		{ "cgroup.freeze", "0" } };
	_auto_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		file_write_knob(fd, knobs[i][0], knobs[i][1]);
}

int cgroups_remove(const char *id, struct md_error *err)
{
	_auto_strv_ struct strv groups = STRV_INIT;

	if (find_groups(id, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.count; i++)
		thaw(groups.items[i]);
	for (size_t i = 0; i < groups.count; i++) {
		if (remove_group(AT_FDCWD, groups.items[i]) < 0)
			return md_fail_errno(err, "remove cgroup '%s'", groups.items[i]);
	}
	return 0;
}
