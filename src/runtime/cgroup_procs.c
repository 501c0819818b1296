/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_procs.c - the processes of a container's groups: listing, freezing, killing, and the
 * groups' end. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

enum {
	PROCS_CEILING = 16 * 1024 * 1024,
	MAX_DEPTH = 64,
	FREEZE_MS = 10000,
	END_MS = 10000,
};

struct pid_list {
	pid_t *pids;
	size_t count;
};

static int list_group(int dirfd, struct pid_list *l)
{
	_auto_close_ int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_auto_free_ char *text = NULL;
	size_t len;

	/* A threaded group has no list of processes (EOPNOTSUPP): the one above it has. */
	if (fd < 0 || fd_read_to_end(fd, PROCS_CEILING, &text, &len) < 0)
		return errno == EOPNOTSUPP || errno == ENOENT || errno == ENODEV ? 0 : -1;
	return cgroup_text_pids(text, &l->pids, &l->count);
}

/* Calls `each` for every folder directly in `dirfd`, with a descriptor of it. */
static int each_child(
	int dirfd, int (*each)(int parent, const char *name, int fd, void *data), void *data)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	int r = 0;

	if (!dir) {
		fd_close(&copy);
		return -1;
	}
	while (r == 0 && (e = readdir(dir))) {
		_auto_close_ int fd = -1;

		if (e->d_type != DT_DIR || str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		fd = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			r = each(dirfd, e->d_name, fd, data);
	}
	closedir(dir);
	return r;
}

struct list_walk {
	struct pid_list *list;
	int depth;
};

static int list_tree(int parent _unused_, const char *name _unused_, int fd, void *data)
{
	struct list_walk *w = data;
	struct list_walk below = { w->list, w->depth + 1 };

	if (list_group(fd, w->list) < 0)
		return -1;
	return below.depth < MAX_DEPTH ? each_child(fd, list_tree, &below) : 0;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The processes may sit in a group of their own in one tree only, so that every tree is asked. */
static int list_all(struct cgroup *c, struct pid_list *l)
{
	size_t unique = 0;

	for (size_t i = 0; i < c->tree_count; i++) {
		struct list_walk w = { l, 0 };

		if (cgroup_tree_open(c, &c->trees[i]) < 0)
			continue;
		if (list_tree(-1, "", c->trees[i].fd, &w) < 0)
			return -1;
	}
	if (l->count)
		qsort(l->pids, l->count, sizeof(*l->pids), compare_pids);
	for (size_t i = 0; i < l->count; i++) {
		if (unique == 0 || l->pids[unique - 1] != l->pids[i])
			l->pids[unique++] = l->pids[i];
	}
	l->count = unique;
	return 0;
}

int cgroup_pids(struct cgroup *c, pid_t **ret, size_t *ret_count, struct md_error *err)
{
	struct pid_list l = { NULL, 0 };

	if (list_all(c, &l) < 0) {
		free(l.pids);
		return md_fail_errno(err, "cgroup: list the processes of %s", c->path);
	}
	*ret = l.pids;
	*ret_count = l.count;
	return 0;
}

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The tree that freezes: the unified one, whose events can be waited for, else the freezer's. */
static struct cgroup_tree *freezer_of(struct cgroup *c)
{
	struct cgroup_tree *t = cgroup_unified_tree(c);

	if (t && cgroup_tree_open(c, t) == 0 && cgroup_has(t->fd, "cgroup.freeze"))
		return t;
	t = cgroup_tree_with(c, CTL_FREEZER);
	return t && cgroup_tree_open(c, t) == 0 ? t : NULL;
}

/* Where the kernel tells of changes by poll(2) that is waited for; the old freezer tells nobody and
 * must be asked again. */
static void wait_for_change(const struct cgroup_tree *t, int events_fd)
{
	struct pollfd p = { .fd = events_fd, .events = POLLPRI };
	char text[256];

	if (events_fd < 0) {
		nap(1);
		return;
	}
	if (pread(events_fd, text, sizeof(text), 0) >= 0 && t->ops->is_frozen(t) == 0)
		poll(&p, 1, 100);
}

int cgroup_freeze(struct cgroup *c, bool frozen, struct md_error *err)
{
	struct cgroup_tree *t = freezer_of(c);
	_auto_close_ int events = -1;
	int64_t end = now_ms() + FREEZE_MS;

	if (!t)
		return md_fail(err, ENOTSUP, "cgroup: nothing here can freeze %s", c->path);
	if (t->ops == &cgroup_unified_ops)
		events = openat(t->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	for (;;) {
		int is;

		if (t->ops->freeze(t, frozen) < 0)
			return md_fail_errno(
				err, "cgroup: %s %s", frozen ? "freeze" : "thaw", c->path);
		is = t->ops->is_frozen(t);
		if (is < 0)
			return md_fail_errno(err, "cgroup: read the freezer of %s", c->path);
		if (is == frozen)
			return 0;
		if (now_ms() > end)
			break;
		wait_for_change(t, frozen ? events : -1);
	}
	if (frozen)
		t->ops->freeze(t, false);
	return md_fail(err, ETIMEDOUT, "cgroup: %s does not get %s", c->path,
		frozen ? "frozen" : "thawed");
}

bool cgroup_is_frozen(struct cgroup *c)
{
	struct cgroup_tree *t = freezer_of(c);

	return t && t->ops->is_frozen(t) == 1;
}

static void signal_pid(pid_t pid, int sig)
{
	if (pid != getpid())
		kill(pid, sig);
}

/* Signals all; those that fork meanwhile are caught by going on until no new one shows up. */
static int signal_all(struct cgroup *c, int sig, struct md_error *err)
{
	struct pid_list seen = { NULL, 0 };
	int result = 0;

	for (int round = 0; round < 100; round++) {
		struct pid_list l = { NULL, 0 };
		size_t fresh = 0;

		if (list_all(c, &l) < 0) {
			result = md_fail_errno(err, "cgroup: list the processes of %s", c->path);
			free(l.pids);
			break;
		}
		for (size_t i = 0; i < l.count; i++) {
			bool known = seen.count && bsearch(&l.pids[i], seen.pids, seen.count,
							   sizeof(pid_t), compare_pids);

			if (known)
				continue;
			signal_pid(l.pids[i], sig);
			fresh++;
		}
		free(seen.pids);
		seen = l;
		if (!fresh)
			break;
	}
	free(seen.pids);
	return result;
}

static int thaw_tree(int parent _unused_, const char *name _unused_, int fd, void *data)
{
	int depth = *(int *)data + 1;

	cgroup_write(fd, "freezer.state", "THAWED", NULL);
	return depth < MAX_DEPTH ? each_child(fd, thaw_tree, &depth) : 0;
}

/* A process in a frozen group of the old kind takes no signal, not even SIGKILL. Whom somebody moved into a group of theirs thaws when moved back into ours; and ours
 * may be frozen, or those below, by others than us. */
static void rescue_frozen(struct cgroup *c)
{
	struct cgroup_tree *t = cgroup_tree_with(c, CTL_FREEZER);
	struct pid_list all = { NULL, 0 }, ours = { NULL, 0 };
	struct list_walk w = { &ours, 0 };
	int depth = 0;

	if (!t || cgroup_tree_open(c, t) < 0)
		return;
	if (list_tree(-1, "", t->fd, &w) == 0 && list_all(c, &all) == 0) {
		if (ours.count)
			qsort(ours.pids, ours.count, sizeof(pid_t), compare_pids);
		for (size_t i = 0; i < all.count; i++) {
			if (!ours.count || !bsearch(&all.pids[i], ours.pids, ours.count,
						   sizeof(pid_t), compare_pids))
				cgroup_write_i64(t->fd, "cgroup.procs", all.pids[i], NULL);
		}
	}
	thaw_tree(-1, "", t->fd, &depth);
	free(ours.pids);
	free(all.pids);
}

int cgroup_kill(struct cgroup *c, int sig, struct md_error *err)
{
	struct cgroup_tree *t = cgroup_unified_tree(c);
	struct md_error ignored = MD_ERROR_INIT;

	if (sig == SIGKILL && t && cgroup_tree_open(c, t) == 0 && t->ops->kill(t) == 0) {
		rescue_frozen(c);
		return 0;
	}
	/* Frozen, nobody forks between the list and the signal; a kill reaches the v1-frozen only
	 * when thawed. */
	if (sig == SIGKILL && !cgroup_is_frozen(c))
		cgroup_freeze(c, true, &ignored);
	if (signal_all(c, sig, err) < 0)
		return -1;
	if (sig == SIGKILL) {
		rescue_frozen(c);
		cgroup_freeze(c, false, &ignored);
	}
	return 0;
}

int cgroup_tree_remove(const struct cgroup *c, struct cgroup_tree *t)
{
	if (unlinkat(t->root, cgroup_below_root(c), AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -1;
	fd_close(&t->fd);
	return 0;
}

static int remove_below(int parent, const char *name, int fd, void *data)
{
	int depth = *(int *)data + 1;

	if (depth < MAX_DEPTH)
		each_child(fd, remove_below, &depth);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

/* 0: all gone. -1 and errno: EBUSY while processes are left. */
static int remove_all(struct cgroup *c)
{
	int result = 0, saved = 0;

	for (size_t i = 0; i < c->tree_count; i++) {
		struct cgroup_tree *t = &c->trees[i];
		int depth = 0;

		if (cgroup_tree_remove(c, t) == 0)
			continue;
		if (errno == EBUSY && cgroup_tree_open(c, t) == 0)
			each_child(t->fd, remove_below, &depth);
		if (cgroup_tree_remove(c, t) == 0)
			continue;
		saved = errno;
		result = -1;
	}
	errno = saved;
	return result;
}

/* Waits until the processes that are there now have ended, at most `ms`. */
static void wait_for_end(struct cgroup *c, int64_t end)
{
	struct pid_list l = { NULL, 0 };

	if (list_all(c, &l) < 0)
		l.count = 0;
	for (size_t i = 0; i < l.count && now_ms() < end; i++) {
		_auto_close_ int fd = (int)syscall(SYS_pidfd_open, l.pids[i], 0);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (fd >= 0 && l.pids[i] != getpid())
			poll(&p, 1, (int)MD_MAX(end - now_ms(), (int64_t)1));
	}
	free(l.pids);
}

int cgroup_destroy(struct cgroup *c, struct md_error *err)
{
	struct md_error ignored = MD_ERROR_INIT;
	int64_t end = now_ms() + END_MS;

	if (c->manager == CGROUP_MANAGER_NONE)
		return 0;
	/* A killed process leaves its group a moment after its parent may have reaped it: hence the
	 * short naps. */
	while (remove_all(c) < 0) {
		if (errno != EBUSY || now_ms() > end)
			return md_fail_errno(err, "cgroup: remove %s", c->path);
		if (cgroup_kill(c, SIGKILL, err) < 0)
			return -1;
		cgroup_freeze(c, false, &ignored);
		wait_for_end(c, end);
		nap(1);
	}
	if (c->manager == CGROUP_MANAGER_SYSTEMD)
		return cgroup_systemd_stop(c, err);
	return 0;
}
