/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's answers to its child. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "runtime/seccomp.h"
#include "sys/kernel.h"
#include "base/poison.h"

static int copy_maps(struct arena *a, const struct oci_id_maps *from,
	const struct idmap_range **ret, size_t *ret_count)
{
	struct idmap_range *r = arena_new(a, struct idmap_range, from->count);

	if (!r)
		return -1;
	for (size_t i = 0; i < from->count; i++)
		r[i] = (struct idmap_range){ from->items[i].container, from->items[i].host,
			from->items[i].size };
	*ret = r;
	*ret_count = from->count;
	return 0;
}

int launch_idmap(struct launch *l, const struct oci_id_maps *uids, const struct oci_id_maps *gids,
	struct idmap *ret, struct md_error *err)
{
	if (copy_maps(&l->plan->arena, uids, &ret->uids, &ret->uid_count) < 0 ||
		copy_maps(&l->plan->arena, gids, &ret->gids, &ret->gid_count) < 0)
		return md_fail_errno(err, "id mappings");
	return 0;
}

int launch_write_proc(pid_t pid, const char *file, const char *text)
{
	_auto_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

int launch_send(struct launch *l, enum sync_stage stage, struct md_error *err)
{
	struct sync_message m = { .stage = stage };

	/* A child that is gone has left a message why; it is read next. */
	if (sync_send(l->sock, &m, -1) < 0 && errno != EPIPE && errno != ECONNRESET)
		return md_fail_errno(err, "talk to the container's process");
	return 0;
}

/* strerror() as Go spells it: the wording that engines look for. */
static void lower_first(char *s)
{
	if (isupper((unsigned char)s[0]) && !isupper((unsigned char)s[1]))
		s[0] = (char)tolower((unsigned char)s[0]);
}

int launch_child_error(const struct sync_message *m, struct md_error *err)
{
	char reason[128];

	if (m->value != SYNC_FAILURE_PROGRAM) {
		if (m->code)
			return md_fail(err, m->code, "%s: %s", m->text, strerror(m->code));
		return md_fail(err, EIO, "%s", m->text);
	}
	if (m->code >= 0)
		return md_fail(err, m->code, "unable to start container process: %s", m->text);
	snprintf(reason, sizeof(reason), "%s", strerror(-m->code));
	lower_first(reason);
	return md_fail(err, -m->code, "unable to start container process: %s: %s", m->text, reason);
}

/* An id-mapped mount is made here: it takes rights over the file system's user namespace. */
static int open_idmapped(
	struct launch *l, const struct oci_mount *m, int tree, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP };
	unsigned int flags = AT_EMPTY_PATH | (m->idmap == OCI_IDMAP_REC ? AT_RECURSIVE : 0);
	_auto_close_ int userns = -1;
	struct idmap map;
	char path[64];

	if (m->uid_maps.count) {
		if (launch_idmap(l, &m->uid_maps, &m->gid_maps, &map, err) < 0 ||
			idmap_open_userns(&map, &userns, err) < 0)
			return -1;
	} else {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", l->pid);
		userns = open(s->ns[OCI_NS_USER].path ? s->ns[OCI_NS_USER].path : path,
			O_RDONLY | O_CLOEXEC);
		if (userns < 0)
			return md_fail_errno(err, "open the user namespace");
	}
	a.userns_fd = (uint64_t)userns;
	if (sys_mount_setattr(tree, "", flags, &a) < 0)
		return md_fail_errno(err, "map the ids of the mount");
	return 0;
}

static const struct oci_mount *find_idmapped(const struct oci_spec *s, const struct init_mount *m)
{
	for (size_t i = 0; i < s->mount_count; i++) {
		if (m->target == s->mounts[i].destination)
			return &s->mounts[i];
	}
	return NULL;
}

static int open_source(struct launch *l, int index, int *ret_fd, struct md_error *err)
{
	struct init_plan *in = &l->plan->init;
	_auto_close_ int tree = -1;
	const struct init_mount *m;

	if (index == INIT_SOURCE_ROOT) {
		tree = init_clone_tree(AT_FDCWD, in->rootfs, true);
		if (tree < 0)
			return md_fail_errno(err, "open '%s'", in->rootfs);
		*ret_fd = take_fd(&tree);
		return 0;
	}
	if (index < 0 || (size_t)index >= in->mount_count)
		return md_fail(err, EINVAL, "no such mount");
	m = &in->mounts[index];
	tree = sys_open_tree(AT_FDCWD, m->source,
		OPEN_TREE_CLONE | (m->recursive ? AT_RECURSIVE : 0) |
			(m->copy_symlink ? AT_SYMLINK_NOFOLLOW : 0));
	if (tree < 0)
		return md_fail_errno(err, "open it");
	if (m->from_runtime && open_idmapped(l, find_idmapped(in->spec, m), tree, err) < 0)
		return -1;
	*ret_fd = take_fd(&tree);
	return 0;
}

/* The id outside of the container's new user namespace; -1: it has none. */
static int64_t outside_id(const struct oci_id_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *m = &maps->items[i];

		if (id >= m->container && id - m->container < m->size)
			return (int64_t)m->host + (id - m->container);
	}
	return -1;
}

/* A node on a file system that belongs to the host, as a detached mount of that node alone: a user namespace makes none, and on file
 * systems of its own none would open. */
static int open_device(struct launch *l, int index, int *ret_fd, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	const struct oci_device *d;
	_auto_close_ int fs = -1;
	_auto_close_ int folder = -1;
	_auto_close_ int node = -1;
	int64_t uid, gid;

	if (index < 0 || (size_t)index >= s->device_count)
		return md_fail(err, EINVAL, "no such device");
	d = &s->devices[index];
	uid = outside_id(&s->uid_maps, d->uid);
	gid = outside_id(&s->gid_maps, d->gid);
	if (uid < 0 || gid < 0)
		return md_fail(err, EINVAL, "its owner is not mapped");
	fs = sys_fsopen("tmpfs");
	if (fs >= 0 && sys_fsconfig_create(fs) == 0)
		folder = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (folder < 0 ||
		mknodat(folder, "node", d->type | d->mode, makedev(d->major, d->minor)) < 0 ||
		fchmodat(folder, "node", d->mode, 0) < 0 ||
		fchownat(folder, "node", (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) < 0)
		return md_fail_errno(err, "make it");
	node = init_clone_tree(folder, "node", false);
	if (node < 0)
		return md_fail_errno(err, "open it");
	*ret_fd = take_fd(&node);
	return 0;
}

static int serve_source(struct launch *l, const struct sync_message *m, struct md_error *err)
{
	struct sync_message reply = { .stage = SYNC_SOURCE_FD };
	struct md_error why = MD_ERROR_INIT;
	_auto_close_ int fd = -1;
	int r = m->stage == SYNC_DEVICE ? open_device(l, m->value, &fd, &why)
					: open_source(l, m->value, &fd, &why);

	if (r < 0) {
		reply.code = why.code;
		snprintf(reply.text, sizeof(reply.text), "%s", why.msg);
	}
	if (sync_send(l->sock, &reply, fd) < 0)
		return md_fail_errno(err, "send a mount to the container's process");
	return 0;
}

static int serve_hooks(struct launch *l, struct md_error *err)
{
	if (hooks_run_creating(l->plan, l->state, &l->hooks_ran, err) < 0)
		return -1;
	return launch_send(l, SYNC_HOOKS_DONE, err);
}

static int serve_time(struct launch *l, struct md_error *err)
{
	const struct oci_spec *s = l->plan->init.spec;
	static const char *const names[] = { "boottime", "monotonic" };
	const struct oci_time_offset *offsets[] = { &s->boottime, &s->monotonic };
	char text[96];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!offsets[i]->set)
			continue;
		snprintf(text, sizeof(text), "%s %lld %u\n", names[i], (long long)offsets[i]->secs,
			offsets[i]->nanosecs);
		if (launch_write_proc(l->pid, "timens_offsets", text) < 0)
			return md_fail_errno(err, "linux.timeOffsets.%s", names[i]);
	}
	return launch_send(l, SYNC_MAPPED, err);
}

static int serve_listener(struct launch *l, int fd, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	int r;

	if (l->state)
		text = container_state_json(l->state, false);
	r = seccomp_send_listener(
		&l->plan->init.spec->seccomp, fd, l->pid, text ? text : "{}", err);
	if (r < 0)
		return md_wrap(err, "linux.seccomp.listenerPath");
	return launch_send(l, SYNC_LISTENER_TAKEN, err);
}

/* One message; 1 if it is the awaited one. */
static int serve_message(struct launch *l, const struct sync_message *m, int fd,
	enum sync_stage stage, struct md_error *err)
{
	if (m->stage == (uint32_t)stage)
		return 1;
	switch ((enum sync_stage)m->stage) {
	case SYNC_SOURCE:
	case SYNC_DEVICE:
		return serve_source(l, m, err);
	case SYNC_HOOKS:
		return serve_hooks(l, err);
	case SYNC_TIME:
		return serve_time(l, err);
	case SYNC_LISTENER:
		return serve_listener(l, fd, err);
	case SYNC_WARNING:
		log_warning("%s: %s", m->text, strerror(m->code));
		return 0;
	case SYNC_FAILED:
		return launch_child_error(m, err);
	default:
		return md_fail(
			err, EPROTO, "unexpected message %u of the container's process", m->stage);
	}
}

int launch_serve(struct launch *l, enum sync_stage stage, struct md_error *err)
{
	for (;;) {
		struct sync_message m;
		_auto_close_ int fd = -1;
		int r = sync_receive(l->sock, &m, &fd);

		if (r < 0)
			return md_fail_errno(err, "hear from the container's process");
		if (r == 0) {
			const volatile bool *executes = l->plan->init.executes;

			if (stage == SYNC_START && (!executes || *executes))
				return 0;
			return md_fail(err, ECHILD,
				"the container's process was killed while it was set up");
		}
		r = serve_message(l, &m, fd, stage, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
}
