/* SPDX-License-Identifier: Apache-2.0 */
/* The mount table of a container: entries of config.json, and what the type "cgroup" stands for. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "runtime/plan.h"
#include "sys/kernel.h"
#include "base/poison.h"

/* mount(2)'s flags and what the new mount API calls them. */
static const struct {
	unsigned long flag;
	uint64_t attribute;
} attributes[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

static uint64_t to_attributes(unsigned long flags)
{
	uint64_t result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (flags & attributes[i].flag)
			result |= attributes[i].attribute;
	}
	return result;
}

/* File systems whose superblock is shared or new and in memory: read-only is a matter of the mount. */
static bool is_pseudo(const char *type)
{
	static const char *const types[] = { "proc", "sysfs", "tmpfs", "mqueue", "devpts", "cgroup",
		"cgroup2" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_eq(type, types[i]))
			return true;
	}
	return false;
}

/* The table while it grows. */
struct table {
	struct arena *arena;
	const char *label; /* of new file systems; NULL: none */
	struct init_mount *items;
	size_t count, capacity;
	bool failed; /* out of memory; checked once at the end */
};

static struct init_mount *table_add(struct table *t)
{
	static struct init_mount nowhere;

	if (t->count == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 32;
		struct init_mount *bigger = arena_new(t->arena, struct init_mount, capacity);

		if (!bigger) {
			t->failed = true;
			return &nowhere;
		}
		if (t->count)
			memcpy(bigger, t->items, t->count * sizeof(*bigger));
		t->items = bigger;
		t->capacity = capacity;
	}
	return &t->items[t->count++];
}

static char *table_text(struct table *t, const char *fmt, ...) _printf_(2, 3);
static char *table_text(struct table *t, const char *fmt, ...)
{
	char text[8192];
	va_list ap;
	char *copy;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy = len < 0 || (size_t)len >= sizeof(text) ? NULL : arena_str(t->arena, text);
	if (!copy)
		t->failed = true;
	return copy;
}

/* ---- cgroup ---- */

/* "name=systemd" lies in the folder "systemd", "cpu,cpuacct" in "cpu,cpuacct", the v2 tree of a hybrid host in "unified". */
static const char *hierarchy_folder(const struct cgroup_hierarchy *h)
{
	if (h->v2)
		return "unified";
	return str_starts(h->name, "name=") ? h->name + 5 : h->name;
}

static void add_hierarchy(struct table *t, const struct oci_mount *m,
	const struct cgroup_hierarchy *h, const char *target, bool own_namespace)
{
	struct init_mount *i = table_add(t);

	i->target = target;
	i->ms_flags = m->flags;
	i->attr_set = to_attributes(m->flags);
	i->in_cgroup = true;
	if (!own_namespace) {
		i->kind = target == m->destination ? INIT_MOUNT_BIND : INIT_MOUNT_HIERARCHY;
		i->source = table_text(t, "%s%s", h->mount, h->path);
		i->source_at = h->root;
		i->source_below = h->path + strspn(h->path, "/");
		return;
	}
	i->kind = INIT_MOUNT_NEW;
	i->source = "cgroup";
	i->type = h->v2 ? "cgroup2" : "cgroup";
	/* A named hierarchy has no controller. */
	if (!h->v2)
		i->data =
			table_text(t, "%s%s", str_starts(h->name, "name=") ? "none," : "", h->name);
}

/* /sys/fs/cgroup/cpu -> cpu,cpuacct */
static void add_links(struct table *t, const struct oci_mount *m, const struct cgroup_hierarchy *h)
{
	const char *at = h->name;

	if (h->v2 || !strchr(at, ',') || str_starts(at, "name="))
		return;
	while (*at) {
		int len = (int)strcspn(at, ",");
		struct init_mount *i = table_add(t);

		i->kind = INIT_MOUNT_SYMLINK;
		i->source = h->name;
		i->target = table_text(t, "%s/%.*s", m->destination, len, at);
		at += len + (at[len] == ',');
	}
}

static void add_read_only(struct table *t, const struct oci_mount *m)
{
	struct init_mount *i = table_add(t);

	i->kind = INIT_MOUNT_ATTR;
	i->target = m->destination;
	i->ms_flags = m->flags;
	i->attr_set = to_attributes(m->flags);
	i->in_cgroup = true;
}

static void add_cgroup(struct table *t, const struct plan_request *r, const struct oci_mount *m)
{
	bool own_namespace = r->spec->ns[OCI_NS_CGROUP].set;
	const struct cgroup_hierarchy *list;
	size_t count = cgroup_hierarchies(r->cgroup, &list);
	struct init_mount *i;

	if (cgroup_is_pure_v2(r->cgroup)) {
		if (count)
			add_hierarchy(t, m, &list[0], m->destination, own_namespace);
		return;
	}
	i = table_add(t);
	i->kind = INIT_MOUNT_NEW;
	i->source = "tmpfs";
	i->type = "tmpfs";
	i->target = m->destination;
	i->data = table_text(t, "mode=755,size=64k,nr_inodes=128");
	i->holds_hierarchies = true;
	i->ms_flags = m->flags & ~(unsigned long)MS_RDONLY;
	i->attr_set = to_attributes(i->ms_flags);
	for (size_t k = 0; k < count; k++) {
		add_hierarchy(t, m, &list[k],
			table_text(t, "%s/%s", m->destination, hierarchy_folder(&list[k])),
			own_namespace);
		add_links(t, m, &list[k]);
	}
	if (m->flags & MS_RDONLY)
		add_read_only(t, m);
}

/* ---- entries of the document ---- */

static const char *bind_source(
	struct table *t, const struct plan_request *r, const struct oci_mount *m)
{
	if (!m->source)
		return "";
	return m->source[0] == '/' ? m->source : table_text(t, "%s/%s", r->bundle, m->source);
}

static void set_data(struct table *t, struct init_mount *i, const char *data)
{
	bool whole = str_eq(i->type, "tmpfs") || str_eq(i->type, "devpts");

	if (whole || str_eq(i->type, "mqueue"))
		i->label = t->label;
	if (whole && i->label)
		i->data = table_text(
			t, "%s%scontext=\"%s\"", data ? data : "", data ? "," : "", i->label);
	else if (data)
		i->data = table_text(t, "%s", data);
}

/* One lies on the way to the other, or can't be compared by its letters. */
static bool overlap(const char *a, const char *b)
{
	size_t n = 0;

	if (strstr(a, "//") || strstr(a, "/.") || strstr(b, "//") || strstr(b, "/."))
		return true;
	while (a[n] && a[n] == b[n])
		n++;
	if (a[n] && b[n])
		return false;
	/* The shorter one has ended: in the middle of a name of the other, or not. */
	return a[n] == b[n] || a[n] == '/' || b[n] == '/' || n == 0 || a[n - 1] == '/';
}

/* A tmpfs in which something is still to be made: a mount's target, a device, what /dev has always. It becomes read-only when that is there. */
static bool is_read_only_later(const struct plan_request *r, const struct oci_mount *m)
{
	const struct oci_spec *s = r->spec;

	if (!(m->flags & MS_RDONLY) || m->flags & MS_BIND || !m->type || !str_eq(m->type, "tmpfs"))
		return false;
	for (const struct oci_mount *k = m + 1; k < s->mounts + s->mount_count; k++) {
		if (str_eq(m->destination, k->destination))
			return false;
	}
	if (overlap(m->destination, "/dev"))
		return true;
	for (const struct oci_mount *k = m + 1; k < s->mounts + s->mount_count; k++) {
		if (overlap(m->destination, k->destination))
			return true;
	}
	for (size_t i = 0; i < s->device_count; i++) {
		if (overlap(m->destination, s->devices[i].path))
			return true;
	}
	return false;
}

static void add_mount(struct table *t, const struct plan_request *r, const struct oci_mount *m)
{
	struct init_mount *i;

	if (!(m->flags & MS_BIND) && m->type && str_eq(m->type, "cgroup")) {
		add_cgroup(t, r, m);
		return;
	}
	i = table_add(t);
	i->target = m->destination;
	i->ms_flags = m->flags;
	i->attr_set = to_attributes(m->flags);
	i->attr_clear = to_attributes(m->cleared);
	i->rec_set = m->rec_set;
	i->rec_clear = m->rec_clear;
	i->propagation = m->propagation;
	if (m->flags & MS_BIND) {
		i->kind = INIT_MOUNT_BIND;
		i->source = bind_source(t, r, m);
		i->recursive = (m->flags & MS_REC) != 0;
		i->copy_symlink = m->copy_symlink;
		i->from_runtime = m->idmap != OCI_IDMAP_NONE;
		return;
	}
	i->kind = INIT_MOUNT_NEW;
	i->type = m->type ? m->type : "none";
	i->source = m->source ? m->source : i->type;
	set_data(t, i, m->data);
	i->tmpcopyup = m->tmpcopyup;
	i->superblock_readonly = (m->flags & MS_RDONLY) && !is_pseudo(i->type);
	i->in_cgroup = str_eq(i->type, "cgroup2");
	if (is_read_only_later(r, m)) {
		i->ms_flags &= ~(unsigned long)MS_RDONLY;
		i->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	}
}

/* ---- the order ---- */

static bool overlaps_any(const char *path, const struct oci_strs *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (overlap(path, list->items[i]))
			return true;
	}
	return false;
}

/* The v1 hierarchies need the cgroups, which the runtime makes while the child works: so they come last where nothing is done to them
 * afterwards, and no hook expects them. */
static bool comes_last(const struct plan_request *r, const struct oci_mount *m)
{
	const struct oci_spec *s = r->spec;

	if ((m->flags & MS_BIND) || !m->type || !str_eq(m->type, "cgroup") ||
		cgroup_is_pure_v2(r->cgroup) || s->hooks[OCI_HOOK_PRESTART].count ||
		s->hooks[OCI_HOOK_CREATE_RUNTIME].count ||
		s->hooks[OCI_HOOK_CREATE_CONTAINER].count)
		return false;
	for (const struct oci_mount *k = m + 1; k < s->mounts + s->mount_count; k++) {
		if (overlap(m->destination, k->destination))
			return false;
	}
	for (size_t i = 0; i < s->device_count; i++) {
		if (overlap(m->destination, s->devices[i].path))
			return false;
	}
	return !overlaps_any(m->destination, &s->masked_paths) &&
	       !overlaps_any(m->destination, &s->readonly_paths);
}

int plan_mounts(struct plan *p, const struct plan_request *r, struct md_error *err)
{
	struct table t = { .arena = &p->arena, .label = p->init.mount_label };
	const struct oci_spec *s = r->spec;

	for (size_t i = 0; i < s->mount_count; i++) {
		if (!comes_last(r, &s->mounts[i]))
			add_mount(&t, r, &s->mounts[i]);
	}
	p->init.early_mounts = t.count;
	for (size_t i = 0; i < s->mount_count; i++) {
		if (comes_last(r, &s->mounts[i]))
			add_mount(&t, r, &s->mounts[i]);
	}
	for (size_t i = 0; i < s->mount_count; i++) {
		if (is_read_only_later(r, &s->mounts[i]))
			add_read_only(&t, &s->mounts[i]);
	}
	if (t.failed)
		return md_fail(err, ENOMEM, "mounts");
	p->init.mounts = t.items;
	p->init.mount_count = t.count;
	return 0;
}
