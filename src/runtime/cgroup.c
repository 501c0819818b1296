/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

static const char *const manager_names[] = {
	[CGROUP_MANAGER_CGROUPFS] = "cgroupfs",
	[CGROUP_MANAGER_SYSTEMD] = "systemd",
	[CGROUP_MANAGER_NONE] = "none",
};

static struct cgroup *new_cgroup(enum cgroup_manager manager, bool rootless, struct md_error *err)
{
	struct cgroup *c = calloc(1, sizeof(*c));

	if (!c) {
		md_fail(err, ENOMEM, "out of memory");
		return NULL;
	}
	c->manager = manager;
	c->rootless = rootless;
	if (manager != CGROUP_MANAGER_NONE && cgroup_find_trees(c, err) < 0) {
		cgroup_free(c);
		return NULL;
	}
	for (size_t i = 0; i < c->tree_count; i++) {
		const struct cgroup_tree *t = &c->trees[i];

		c->views[i] = (struct cgroup_hierarchy){ t->name, t->mount, NULL, t->root,
			t->ops == &cgroup_unified_ops };
	}
	return c;
}

void cgroup_tree_done(struct cgroup_tree *t)
{
	fd_close(&t->root);
	fd_close(&t->fd);
	free(t->name);
	free(t->mount);
}

void cgroup_free(struct cgroup *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->tree_count; i++)
		cgroup_tree_done(&c->trees[i]);
	free(c->path);
	free(c->slice);
	free(c->unit);
	free(c->record);
	free(c);
}

/* Refuses `..`, and paths that name the root: `delete` kills and removes what the path names. */
static int check_path(const char *path, struct md_error *err)
{
	const char *at = path;
	bool named = false;

	while (*at) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len == 2 && strncmp(at, "..", 2) == 0)
			return md_fail(err, EINVAL, "'%s' has '..' in it", path);
		named |= len > 0 && !(len == 1 && *at == '.');
		at += len;
	}
	if (!named)
		return md_fail(err, EINVAL, "'%s' names no group", path);
	if (strlen(path) > 2048 || path[strcspn(path, "\n ")])
		return md_fail(err, EINVAL, "is too long or has spaces");
	return 0;
}

/* "slice:prefix:name" as the systemd manager wants it. */
static int split_systemd_path(
	struct cgroup *c, const struct cgroup_request *r, struct md_error *err)
{
	const char *text = r->cgroups_path && r->cgroups_path[0] ? r->cgroups_path : NULL;
	const char *prefix = text ? strchr(text, ':') : NULL;
	const char *name = prefix ? strchr(prefix + 1, ':') : NULL;

	if (text && (!name || strchr(name + 1, ':')))
		return md_fail(err, EINVAL,
			"'%s' is not SLICE:PREFIX:NAME, as the systemd manager "
			"wants it",
			text);
	if (text && prefix > text)
		c->slice = strndup(text, (size_t)(prefix - text));
	else
		c->slice = strdup(r->rootless ? "user.slice" : "system.slice");
	if (!text)
		c->unit = str_format("mdocker-%s.scope", r->id);
	else if (str_ends(name + 1, ".slice"))
		c->unit = strdup(name + 1);
	else if (name == prefix + 1)
		c->unit = str_format("%s.scope", name + 1);
	else
		c->unit =
			str_format("%.*s-%s.scope", (int)(name - prefix - 1), prefix + 1, name + 1);
	return c->slice && c->unit ? 0 : md_fail(err, ENOMEM, "out of memory");
}

/* a-b.slice lies in a.slice: ROOT/a.slice/a-b.slice/unit */
static char *systemd_path(const char *root, const char *slice, const char *unit)
{
	_auto_buf_ struct buf path = BUF_INIT(4096);

	buf_add_str(&path, root);
	if (!str_eq(slice, "-.slice")) {
		for (const char *dash = strchr(slice, '-'); dash; dash = strchr(dash + 1, '-'))
			buf_addf(&path, "/%.*s.slice", (int)(dash - slice), slice);
		buf_addf(&path, "/%s", slice);
	}
	buf_addf(&path, "/%s", unit);
	return buf_take(&path);
}

static int make_record(struct cgroup *c, struct md_error *err)
{
	c->record = str_format("%s %s %s %s %s", manager_names[c->manager],
		c->rootless ? "rootless" : "root", c->slice ? c->slice : "-",
		c->unit ? c->unit : "-", c->path);
	for (size_t i = 0; i < c->tree_count; i++)
		c->views[i].path = c->path;
	return c->record ? 0 : md_fail(err, ENOMEM, "out of memory");
}

static int choose_path(struct cgroup *c, const struct cgroup_request *r, struct md_error *err)
{
	const char *given = r->cgroups_path && r->cgroups_path[0] ? r->cgroups_path : r->id;
	_auto_free_ char *root = NULL;

	switch (c->manager) {
	case CGROUP_MANAGER_SYSTEMD:
		if (split_systemd_path(c, r, err) < 0 ||
			(c->rootless && cgroup_systemd_user_root(&root, err) < 0))
			return -1;
		c->path = systemd_path(root ? root : "", c->slice, c->unit);
		break;
	case CGROUP_MANAGER_CGROUPFS:
		if (check_path(given, err) < 0)
			return -1;
		c->path = str_format("%s%s", given[0] == '/' ? "" : "/", given);
		break;
	case CGROUP_MANAGER_NONE:
		c->path = strdup("/");
		break;
	}
	if (!c->path)
		return md_fail(err, ENOMEM, "out of memory");
	return c->manager == CGROUP_MANAGER_NONE ? 0 : check_path(c->path, err);
}

int cgroup_plan(const struct cgroup_request *r, struct cgroup **ret, struct md_error *err)
{
	_auto_(cgroup_freep) struct cgroup *c = new_cgroup(r->manager, r->rootless, err);

	if (!c || choose_path(c, r, err) < 0 || make_record(c, err) < 0)
		return -1;
	c->annotations = r->annotations;
	*ret = take_ptr(c);
	return 0;
}

const char *cgroup_record(const struct cgroup *c)
{
	return c->record;
}

static int parse_record(const char *record, char *part[5], char *copy)
{
	for (int i = 0; i < 5; i++) {
		part[i] = i < 4 ? strsep(&copy, " ") : copy;
		if (!part[i] || !part[i][0])
			return -1;
	}
	return 0;
}

int cgroup_open(const char *record, struct cgroup **ret, struct md_error *err)
{
	_auto_free_ char *copy = strdup(record);
	_auto_(cgroup_freep) struct cgroup *c = NULL;
	size_t manager = 0;
	char *part[5];

	if (!copy)
		return md_fail(err, ENOMEM, "out of memory");
	if (parse_record(record, part, copy) < 0)
		return md_fail(err, EINVAL, "cgroup record '%s' is damaged", record);
	while (manager < ARRAY_SIZE(manager_names) && !str_eq(manager_names[manager], part[0]))
		manager++;
	if (manager == ARRAY_SIZE(manager_names))
		return md_fail(err, EINVAL, "cgroup record '%s' is damaged", record);
	c = new_cgroup((enum cgroup_manager)manager, str_eq(part[1], "rootless"), err);
	if (!c)
		return -1;
	if (manager != CGROUP_MANAGER_NONE && check_path(part[4], err) < 0)
		return -1;
	c->slice = str_eq(part[2], "-") ? NULL : strdup(part[2]);
	c->unit = str_eq(part[3], "-") ? NULL : strdup(part[3]);
	c->path = strdup(part[4]);
	if (!c->path || make_record(c, err) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	*ret = take_ptr(c);
	return 0;
}

struct cgroup_tree *cgroup_unified_tree(struct cgroup *c)
{
	for (size_t i = 0; i < c->tree_count; i++) {
		if (c->trees[i].ops == &cgroup_unified_ops)
			return &c->trees[i];
	}
	return NULL;
}

struct cgroup_tree *cgroup_tree_with(struct cgroup *c, unsigned int controller)
{
	for (size_t i = 0; i < c->tree_count; i++) {
		if (c->trees[i].controllers & controller)
			return &c->trees[i];
	}
	return NULL;
}

const char *cgroup_below_root(const struct cgroup *c)
{
	return c->path + strspn(c->path, "/");
}

int cgroup_tree_open(const struct cgroup *c, struct cgroup_tree *t)
{
	if (t->fd < 0)
		t->fd = openat(t->root, cgroup_below_root(c),
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return t->fd < 0 ? -1 : 0;
}

bool cgroup_exists(struct cgroup *c)
{
	for (size_t i = 0; i < c->tree_count; i++) {
		if (cgroup_tree_open(c, &c->trees[i]) == 0)
			return true;
	}
	return false;
}

size_t cgroup_hierarchies(const struct cgroup *c, const struct cgroup_hierarchy **ret)
{
	*ret = c->views;
	return c->tree_count;
}

bool cgroup_is_pure_v2(const struct cgroup *c)
{
	return c->tree_count == 1 && c->trees[0].ops == &cgroup_unified_ops;
}

bool cgroup_needs_pid(const struct cgroup *c)
{
	return c->manager == CGROUP_MANAGER_SYSTEMD;
}

int cgroup_birth_fd(struct cgroup *c)
{
	struct cgroup_tree *t = cgroup_unified_tree(c);

	return t && cgroup_tree_open(c, t) == 0 ? t->fd : -1;
}
