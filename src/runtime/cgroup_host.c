/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_host.c - which trees this host has, and small files of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/str.h"
#include "base/log.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* `root` is the tree's from now on. */
static int add_tree(struct cgroup *c, const char *name, const char *mount, bool unified, int root)
{
	struct cgroup_tree *t = &c->trees[c->tree_count];

	if (c->tree_count == CGROUP_TREES) {
		close(root);
		return 0;
	}
	*t = (struct cgroup_tree){
		.name = strdup(name), .mount = strdup(mount), .root = root, .fd = -1
	};
	c->tree_count++;
	if (!t->name || !t->mount)
		return -1;
	t->ops = unified ? &cgroup_unified_ops : &cgroup_single_ops;
	t->controllers = cgroup_controllers_of(name);
	if (unified) {
		char list[512];

		if (cgroup_read(root, "cgroup.controllers", list, sizeof(list)))
			t->controllers = cgroup_controllers_of(list);
	}
	return 0;
}

/* -1: no such tree is mounted there. */
static int open_root(int at, const char *mount, bool unified)
{
	_auto_close_ int fd = openat(at, mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned long magic = unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != magic)
		return -1;
	return take_fd(&fd);
}

static bool is_mounted(const struct cgroup *c, const char *name)
{
	for (size_t i = 0; i < c->tree_count; i++) {
		if (str_eq(c->trees[i].name, name))
			return true;
	}
	return false;
}

static int add_mount_line(struct cgroup *c, char *line)
{
	struct cgroup_mount m;
	int root;

	if (!cgroup_text_mount(line, &m) || is_mounted(c, m.name))
		return 0;
	root = open_root(AT_FDCWD, m.point, m.unified);
	return root < 0 ? 0 : add_tree(c, m.name, m.point, m.unified, root);
}

static int read_mounts(struct cgroup *c, struct md_error *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!f)
		return md_fail_errno(err, "open /proc/self/mountinfo");
	while (r == 0 && getline(&line, &size, f) > 0) {
		if (strstr(line, " - cgroup"))
			r = add_mount_line(c, line);
	}
	free(line);
	fclose(f);
	return r < 0 ? md_fail(err, ENOMEM, "out of memory") : 0;
}

/* "9:memory:/a", "1:name=systemd:/a", "0::/a" of /proc/self/cgroup: adds the tree if it lies where it usually does. False: it doesn't. */
static bool add_usual(struct cgroup *c, int usual, char *line)
{
	const char *name, *folder;
	char path[512];
	bool unified;
	int root;

	strsep(&line, ":");
	name = strsep(&line, ":");
	if (!name || !line)
		return false;
	unified = !name[0];
	folder = str_starts(name, "name=") ? name + strlen("name=") : unified ? "unified" : name;
	root = open_root(usual, folder, unified);
	snprintf(path, sizeof(path), CGROUP_ROOT "/%s", folder);
	if (root >= 0)
		return add_tree(c, name, path, unified, root) == 0;
	/* Beside controllers of v1 there is nothing in the unified tree that we couldn't do without. */
	return unified && c->tree_count;
}

static void forget_trees(struct cgroup *c)
{
	for (size_t i = 0; i < c->tree_count; i++)
		cgroup_tree_done(&c->trees[i]);
	c->tree_count = 0;
}

/* Each tree in the folder of its name below /sys/fs/cgroup, as on nearly all hosts of v1: the list of all mounts takes the kernel several times
 * as long to write. */
static bool find_usual(struct cgroup *c)
{
	_auto_close_ int usual = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[4096], *rest = text, *line;
	bool all;

	if (!cgroup_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) ||
		strlen(text) == sizeof(text) - 1)
		return false;
	do {
		line = strsep(&rest, "\n");
		all = add_usual(c, usual, line);
	} while (all && rest);
	if (!all)
		forget_trees(c);
	return all;
}

int cgroup_find_trees(struct cgroup *c, struct md_error *err)
{
	int root = open_root(AT_FDCWD, CGROUP_ROOT, true);

	/* The usual host needs one look. */
	if (root >= 0) {
		if (add_tree(c, "", CGROUP_ROOT, true, root) < 0)
			return md_fail(err, ENOMEM, "out of memory");
		return 0;
	}
	return find_usual(c) ? 0 : read_mounts(c, err);
}

int cgroup_write(int dirfd, const char *file, const char *text, struct md_error *err)
{
	_auto_close_ int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = strlen(text);

	if (fd < 0)
		return md_fail_errno(err, "cgroup: open %s", file);
	if (write(fd, text, len) != (ssize_t)len)
		return md_fail_errno(err, "cgroup: write '%s' to %s", text, file);
	return 0;
}

int cgroup_write_i64(int dirfd, const char *file, int64_t value, struct md_error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return cgroup_write(dirfd, file, text, err);
}

int cgroup_write_u64(int dirfd, const char *file, uint64_t value, struct md_error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cgroup_write(dirfd, file, text, err);
}

bool cgroup_has(int dirfd, const char *file)
{
	return faccessat(dirfd, file, F_OK, 0) == 0;
}

bool cgroup_read(int dirfd, const char *file, char *ret, size_t size)
{
	_auto_close_ int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : -1;

	if (n < 0)
		return false;
	if (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return true;
}

uint64_t cgroup_read_u64(int dirfd, const char *file)
{
	char text[64];

	return cgroup_read(dirfd, file, text, sizeof(text)) ? cgroup_text_u64(text) : 0;
}

uint64_t cgroup_read_key(int dirfd, const char *file, const char *key)
{
	char text[4096];

	return cgroup_read(dirfd, file, text, sizeof(text)) ? cgroup_text_key(text, key) : 0;
}

void cgroup_warn_memory_part(const char *field, struct oci_i64 value)
{
	if (value.set && value.value > 0)
		log_warning(
			"linux.resources.memory.%s: this kernel has no limit of that part of the "
			"memory; linux.resources.memory.limit covers it",
			field);
}

void cgroup_warn_leaf_weight(const struct oci_blkio *io)
{
	bool wanted = cgroup_wants_u(io->leaf_weight);

	for (size_t i = 0; i < io->weights.count; i++)
		wanted |= cgroup_wants_u(io->weights.items[i].leaf_weight);
	if (wanted)
		log_warning(
			"linux.resources.blockIO.leafWeight: this kernel has none, it is left out");
}
