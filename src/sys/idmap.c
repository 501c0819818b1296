/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "base/str.h"
#include "sys/kernel.h"
#include "base/poison.h"

enum { MAP_TEXT_CEILING = 32 * 1024 };

static int write_proc(pid_t pid, const char *file, const char *text, size_t len)
{
	_auto_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* One write only: the kernel takes the whole mapping or nothing. */
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return -1;
	return 0;
}

static void add_ranges(struct buf *b, const struct idmap_range *r, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_addf(b, "%u %u %u\n", r[i].inside, r[i].outside, r[i].count);
}

static bool is_single(const struct idmap_range *r, size_t count, uint32_t own)
{
	return count == 1 && r[0].count == 1 && r[0].outside == own;
}

static const char *find_helper(const char *name, char *to, size_t size)
{
	static const char *const folders[] = { "/usr/bin", "/bin", "/usr/local/bin", "/sbin" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(to, size, "%s/%s", folders[i], name);
		if (access(to, X_OK) == 0)
			return to;
	}
	return NULL;
}

/* newuidmap PID INSIDE OUTSIDE COUNT... */
static int run_helper(const char *name, pid_t pid, const struct idmap_range *r, size_t count,
	struct md_error *err)
{
	_auto_strv_ struct strv argv = STRV_INIT;
	struct spawn s = SPAWN_INIT;
	char path[64];
	pid_t helper;
	int code;

	if (!find_helper(name, path, sizeof(path)))
		return md_fail(err, ENOENT,
			"more than one id is mapped and %s is missing: install the package uidmap",
			name);
	if (strv_add(&argv, name) < 0 || strv_addf(&argv, "%d", pid) < 0)
		return md_fail_errno(err, "%s", name);
	for (size_t i = 0; i < count; i++) {
		if (strv_addf(&argv, "%u", r[i].inside) < 0 ||
			strv_addf(&argv, "%u", r[i].outside) < 0 ||
			strv_addf(&argv, "%u", r[i].count) < 0)
			return md_fail_errno(err, "%s", name);
	}
	s.path = path;
	s.argv = argv.items;
	s.std[2] = STDERR_FILENO;
	helper = spawn_start(&s, NULL);
	if (helper < 0)
		return md_fail_errno(err, "%s", name);
	code = spawn_wait(helper);
	if (code != 0)
		return md_fail(err, EPERM,
			"%s refused the mapping (exit code %d): see /etc/subuid and /etc/subgid",
			name, code);
	return 0;
}

struct map_kind {
	const char *file, *helper;
	const struct idmap_range *ranges;
	size_t count;
	uint32_t own;
	bool setgroups; /* must be denied before an unprivileged write */
};

static int write_map(pid_t pid, const struct map_kind *k, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(MAP_TEXT_CEILING);

	add_ranges(&text, k->ranges, k->count);
	if (text.failed)
		return md_fail(err, EINVAL, "%s: too many ranges", k->file);
	if (write_proc(pid, k->file, text.data, text.len) == 0)
		return 0;
	if (errno != EPERM && errno != EACCES)
		return md_fail_errno(err, "write /proc/%d/%s", pid, k->file);
	if (!is_single(k->ranges, k->count, k->own))
		return run_helper(k->helper, pid, k->ranges, k->count, err);
	if (k->setgroups && write_proc(pid, "setgroups", "deny", 4) < 0)
		return md_fail_errno(err, "write /proc/%d/setgroups", pid);
	if (write_proc(pid, k->file, text.data, text.len) < 0)
		return md_fail_errno(err, "write /proc/%d/%s", pid, k->file);
	return 0;
}

int idmap_write(pid_t pid, const struct idmap *m, struct md_error *err)
{
	struct map_kind uids = { "uid_map", "newuidmap", m->uids, m->uid_count, geteuid(), false };
	struct map_kind gids = { "gid_map", "newgidmap", m->gids, m->gid_count, getegid(), true };

	if (write_map(pid, &gids, err) < 0)
		return -1;
	return write_map(pid, &uids, err);
}

int idmap_open_userns(const struct idmap *m, int *ret_fd, struct md_error *err)
{
	_auto_close_ int fd = -1;
	char path[64];
	int result;
	pid_t parent = getpid(), pid;

	pid = sys_clone(CLONE_NEWUSER, -1);
	if (pid == 0) {
		while (spawn_die_with(parent, SIGKILL) == 0)
			pause();
		_exit(1);
	}
	if (pid < 0)
		return md_fail_errno(err, "make a user namespace for an id-mapped mount");
	result = idmap_write(pid, m, err);
	if (result == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			result = md_fail_errno(err, "open %s", path);
	}
	kill(pid, SIGKILL);
	spawn_wait(pid);
	if (result == 0)
		*ret_fd = take_fd(&fd);
	return result;
}
