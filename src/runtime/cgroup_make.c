/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_make.c - making a container's groups, limiting them, and putting processes in. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

/* The next component of a path, "." skipped; false at the end. */
static bool next_part(const char **at, char *part, size_t size)
{
	for (;;) {
		size_t len;

		*at += strspn(*at, "/");
		len = strcspn(*at, "/");
		if (len == 0)
			return false;
		snprintf(part, size, "%.*s", (int)len, *at);
		*at += len;
		if (!str_eq(part, "."))
			return true;
	}
}

/* Whatever umask the caller has: the container's root, a stranger's id, reads its own group. */
static int make_folder(int at, const char *name, bool *ret_fresh)
{
	mode_t mask = umask(0);

	*ret_fresh = mkdirat(at, name, 0755) == 0;
	umask(mask);
	return *ret_fresh || errno == EEXIST ? 0 : -1;
}

/* Without anything to be written into it there: a name alone, or what only counts and freezes. */
static bool is_only_entered(const struct cgroup_tree *t)
{
	return t->ops == &cgroup_single_ops &&
	       !(t->controllers & ~(unsigned int)(CTL_CPUACCT | CTL_DEVICES | CTL_FREEZER));
}

/* Makes the folders of the path below the mount; t->fresh tells whether the last one is new. */
static int make_folders(struct cgroup *c, struct cgroup_tree *t, struct md_error *err)
{
	const char *rest = c->path;
	_auto_close_ int at = -1;
	char part[256];

	while (next_part(&rest, part, sizeof(part))) {
		bool leaf = !rest[strspn(rest, "/")];
		int above = at >= 0 ? at : t->root;
		_auto_close_ int fd = -1;

		if (make_folder(above, part, &t->fresh) < 0)
			return md_fail_errno(err, "cgroup: make %s%s", t->mount, c->path);
		if (leaf && t->fresh && is_only_entered(t))
			return 0;
		fd = openat(above, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return md_fail_errno(err, "cgroup: open %s%s", t->mount, c->path);
		if (t->ops->prepare(t, above, fd, leaf, err) < 0)
			return md_wrap(err, "%s%s", t->mount, c->path);
		fd_close(&at);
		at = take_fd(&fd);
	}
	t->fd = take_fd(&at);
	return 0;
}

static bool has_processes(const struct cgroup_tree *t)
{
	char text[32];

	return cgroup_read(t->fd, "cgroup.procs", text, sizeof(text)) && text[0];
}

/* A group that is left of a container that ended while it was paused: the first process would stop as it enters. */
static int thaw(const struct cgroup *c, const struct cgroup_tree *t, struct md_error *err)
{
	if (t->ops->is_frozen(t) <= 0)
		return 0;
	if (t->ops->freeze(t, false) < 0 || t->ops->is_frozen(t) > 0)
		return md_fail(err, EBUSY, "cgroup: %s%s is frozen", t->mount, c->path);
	return 0;
}

/* What the configuration asks for, and the controller that it takes. */
static unsigned int wanted_controllers(const struct oci_resources *r)
{
	const struct oci_memory *m = &r->memory;
	const struct oci_cpu *cpu = &r->cpu;
	const struct oci_blkio *io = &r->blkio;
	bool throttles = false;
	unsigned int mask = 0;

	for (int i = 0; i < OCI_THROTTLE_KINDS; i++)
		throttles |= io->throttle[i].count > 0;
	if (cgroup_wants(m->limit) || cgroup_wants(m->reservation) || cgroup_wants(m->swap) ||
		m->kernel_tcp.value > 0)
		mask |= CTL_MEMORY;
	if (cgroup_wants_u(cpu->shares) || cgroup_wants(cpu->quota) ||
		cgroup_wants_u(cpu->period) || cgroup_wants_u(cpu->burst) ||
		cgroup_wants(cpu->idle))
		mask |= CTL_CPU;
	if (cpu->cpus || cpu->mems)
		mask |= CTL_CPUSET;
	if (cgroup_wants(r->pids_limit))
		mask |= CTL_PIDS;
	if (cgroup_wants_u(io->weight) || io->weights.count || throttles)
		mask |= CTL_IO;
	if (r->hugepage_count)
		mask |= CTL_HUGETLB;
	if (r->rdma_count)
		mask |= CTL_RDMA;
	if (cgroup_wants_u(r->net_class_id))
		mask |= CTL_NET_CLS;
	if (r->net_priority_count)
		mask |= CTL_NET_PRIO;
	return mask;
}

static int check_controllers(
	const struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	static const struct {
		unsigned int bit;
		const char *field, *name;
	} fields[] = {
		{ CTL_MEMORY, "memory", "memory" },
		{ CTL_CPU, "cpu", "cpu" },
		{ CTL_CPUSET, "cpu.cpus", "cpuset" },
		{ CTL_PIDS, "pids", "pids" },
		{ CTL_IO, "blockIO", "io" },
		{ CTL_RDMA, "rdma", "rdma" },
		{ CTL_HUGETLB, "hugepageLimits", "hugetlb" },
		{ CTL_NET_CLS, "network.classID", "net_cls" },
		{ CTL_NET_PRIO, "network.priorities", "net_prio" },
	};
	unsigned int missing = wanted_controllers(r);

	for (size_t i = 0; i < c->tree_count; i++)
		missing &= ~c->trees[i].controllers;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (missing & fields[i].bit)
			return md_fail(err, ENOTSUP,
				"linux.resources.%s: no cgroup controller '%s' here",
				fields[i].field, fields[i].name);
	}
	return 0;
}

/* In a rootless container a tree that isn't delegated is left out; the limits decide whether that
 * is an error. */
static bool may_be_left_out(const struct cgroup *c, const struct md_error *err)
{
	return c->rootless && (err->code == EACCES || err->code == EPERM || err->code == EROFS);
}

static int make_tree(struct cgroup *c, struct cgroup_tree *t, const struct oci_resources *r,
	struct md_error *err)
{
	if (make_folders(c, t, err) < 0)
		return -1;
	if (!t->fresh && c->manager == CGROUP_MANAGER_CGROUPFS && has_processes(t)) {
		fd_close(&t->fd);
		return md_fail(err, EBUSY, "cgroup: %s%s has processes already", t->mount, c->path);
	}
	if (!t->fresh && thaw(c, t, err) < 0) {
		fd_close(&t->fd);
		return -1;
	}
	if (t->ops->apply(t, r, t->fresh, err) < 0)
		return -1;
	t->ready = true;
	return 0;
}

static void drop_tree(struct cgroup *c, size_t i)
{
	cgroup_tree_done(&c->trees[i]);
	c->tree_count--;
	memmove(&c->trees[i], &c->trees[i + 1], (c->tree_count - i) * sizeof(c->trees[0]));
	memmove(&c->views[i], &c->views[i + 1], (c->tree_count - i) * sizeof(c->views[0]));
}

static int make_trees(struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	for (size_t i = 0; i < c->tree_count;) {
		struct md_error why = MD_ERROR_INIT;

		if (c->trees[i].ready || make_tree(c, &c->trees[i], r, &why) == 0) {
			i++;
			continue;
		}
		if (!may_be_left_out(c, &why)) {
			*err = why;
			return -1;
		}
		log_debug("%s: left out", why.msg);
		drop_tree(c, i);
	}
	return check_controllers(c, r, err);
}

static int apply_devices(struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	struct cgroup_tree *t = cgroup_tree_with(c, CTL_DEVICES);

	if (!t)
		t = cgroup_unified_tree(c);
	if (!t || c->rootless)
		return 0;
	if (cgroup_tree_open(c, t) < 0)
		return md_fail_errno(err, "cgroup: open %s%s", t->mount, c->path);
	return t->ops->apply_devices(t, r, err);
}

int cgroup_undo(struct cgroup *c, struct md_error *err)
{
	for (size_t i = 0; i < c->tree_count;) {
		if (c->trees[i].fresh)
			i++;
		else
			drop_tree(c, i);
	}
	return cgroup_destroy(c, err);
}

bool cgroup_has_birth(struct cgroup *c)
{
	return c->manager != CGROUP_MANAGER_NONE && cgroup_unified_tree(c);
}

int cgroup_create_birth(struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	struct cgroup_tree *t = cgroup_unified_tree(c);
	struct md_error why = MD_ERROR_INIT;

	if (!cgroup_has_birth(c) || make_tree(c, t, r, &why) == 0 || may_be_left_out(c, &why))
		return 0;
	if (t->fresh)
		cgroup_tree_remove(c, t);
	*err = why;
	return -1;
}

/* Takes back what this call made. What was there before may be another container's. */
static void undo(struct cgroup *c)
{
	struct md_error ignored = MD_ERROR_INIT;

	if (c->manager == CGROUP_MANAGER_SYSTEMD)
		cgroup_systemd_stop(c, &ignored);
	for (size_t i = 0; i < c->tree_count; i++) {
		if (c->trees[i].fresh)
			cgroup_tree_remove(c, &c->trees[i]);
	}
}

int cgroup_create(struct cgroup *c, const struct oci_resources *r, pid_t pid, struct md_error *err)
{
	if (c->manager == CGROUP_MANAGER_NONE)
		return check_controllers(c, r, err);
	if (c->manager == CGROUP_MANAGER_SYSTEMD && cgroup_systemd_start(c, pid, err) < 0)
		return -1;
	if (make_trees(c, r, err) < 0) {
		undo(c);
		return -1;
	}
	return 0;
}

int cgroup_complete(struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	if (c->manager == CGROUP_MANAGER_NONE)
		return 0;
	if (apply_devices(c, r, err) < 0)
		return -1;
	if (c->manager == CGROUP_MANAGER_SYSTEMD)
		cgroup_systemd_tell(c);
	return 0;
}

int cgroup_update(struct cgroup *c, const struct oci_resources *r, struct md_error *err)
{
	if (check_controllers(c, r, err) < 0)
		return -1;
	for (size_t i = 0; i < c->tree_count; i++) {
		struct cgroup_tree *t = &c->trees[i];

		if (cgroup_tree_open(c, t) < 0)
			continue;
		if (t->ops->apply(t, r, false, err) < 0)
			return -1;
	}
	if (c->manager == CGROUP_MANAGER_SYSTEMD)
		cgroup_systemd_tell(c);
	return r->device_count ? apply_devices(c, r, err) : 0;
}

static int add_to_tree(
	struct cgroup *c, struct cgroup_tree *t, pid_t pid, const char *sub, struct md_error *err)
{
	_auto_close_ int fd = -1;
	char text[16];

	if (cgroup_tree_open(c, t) < 0)
		return c->rootless ? 0 : md_fail_errno(err, "cgroup: open %s%s", t->mount, c->path);
	snprintf(text, sizeof(text), "%d", (int)pid);
	if (!sub)
		return cgroup_write(t->fd, "cgroup.procs", text, err);
	fd = openat(t->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return md_fail_errno(err, "cgroup: open %s%s/%s", t->mount, c->path, sub);
	return cgroup_write(fd, "cgroup.procs", text, err);
}

static int check_sub_path(const char *sub, struct md_error *err)
{
	const char *rest = sub;
	char part[256];

	while (next_part(&rest, part, sizeof(part))) {
		if (str_eq(part, ".."))
			return md_fail(err, EINVAL, "cgroup: '%s' has '..' in it", sub);
	}
	return 0;
}

/* True if `sub`, "[CONTROLLER,...:]PATH", is meant for the tree. */
static bool is_sub_of(const struct cgroup_tree *t, const char *sub, size_t list_len)
{
	char list[256];

	if (!list_len)
		return true;
	snprintf(list, sizeof(list), "%.*s", (int)list_len, sub);
	return str_eq(list, t->name) || (cgroup_controllers_of(list) & t->controllers);
}

/* Notes in `ret`, tree by tree, the path below the container's group. */
static int find_sub(
	struct cgroup *c, const char *sub, const char *ret[CGROUP_TREES], struct md_error *err)
{
	const char *colon = strchr(sub, ':');
	const char *path = colon ? colon + 1 : sub;
	bool found = false;

	path += strspn(path, "/");
	if (check_sub_path(path, err) < 0)
		return -1;
	for (size_t i = 0; i < c->tree_count; i++) {
		if (!is_sub_of(&c->trees[i], sub, colon ? (size_t)(colon - sub) : 0))
			continue;
		found = true;
		ret[i] = *path ? path : NULL;
	}
	return found ? 0 : md_fail(err, ENOENT, "cgroup: '%s': no such controller here", sub);
}

int cgroup_add(
	struct cgroup *c, pid_t pid, const struct strv *subs, bool born, struct md_error *err)
{
	const char *sub[CGROUP_TREES] = { NULL };

	for (size_t i = 0; subs && i < subs->count; i++) {
		if (find_sub(c, subs->items[i], sub, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < c->tree_count; i++) {
		struct cgroup_tree *t = &c->trees[i];

		if (born && t->ops == &cgroup_unified_ops)
			continue;
		if (add_to_tree(c, t, pid, sub[i], err) < 0)
			return -1;
	}
	return 0;
}

static int open_tasks(const struct cgroup *c, const struct cgroup_tree *t)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
	char path[4096];

	if (t->fd >= 0)
		return openat(t->fd, "tasks", flags);
	snprintf(path, sizeof(path), "%s/tasks", cgroup_below_root(c));
	return openat(t->root, path, flags);
}

int cgroup_open_entries(
	struct cgroup *c, int ret_fds[CGROUP_ENTRIES], size_t *ret_count, struct md_error *err)
{
	size_t count = 0;

	_Static_assert((int)CGROUP_ENTRIES >= (int)CGROUP_TREES, "one entry a tree");
	for (size_t i = 0; i < c->tree_count; i++) {
		struct cgroup_tree *t = &c->trees[i];
		int fd;

		if (t->ops == &cgroup_unified_ops)
			continue;
		fd = open_tasks(c, t);
		if (fd >= 0) {
			ret_fds[count++] = fd;
		} else if (!c->rootless) {
			md_fail_errno(err, "cgroup: open %s%s", t->mount, c->path);
			while (count)
				close(ret_fds[--count]);
			return -1;
		}
	}
	*ret_count = count;
	return 0;
}
