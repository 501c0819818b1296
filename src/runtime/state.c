/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "sys/proc.h"
#include "base/poison.h"

enum { STATE_CEILING = 1 << 20 };

static const char *const status_names[] = {
	[CONTAINER_CREATING] = "creating",
	[CONTAINER_CREATED] = "created",
	[CONTAINER_RUNNING] = "running",
	[CONTAINER_PAUSED] = "paused",
	[CONTAINER_STOPPED] = "stopped",
};

const char *container_status_name(enum container_status s)
{
	return status_names[s];
}

void container_state_done(struct container_state *s)
{
	free(s->id);
	free(s->bundle);
	free(s->rootfs);
	free(s->created);
	free(s->owner);
	free(s->cgroup);
	free(s->rdt);
	strv_done(&s->annotations);
	*s = (struct container_state){ .status = CONTAINER_STOPPED };
}

/* ---- files that are replaced as a whole ---- */

/* The name that a file has while it is written. */
static void temporary_name(char to[NAME_MAX], const char *name)
{
	snprintf(to, NAME_MAX, ".%s.new", name);
}

static int fail_write(int dirfd, const char *name, struct md_error *err)
{
	char temporary[NAME_MAX];
	int saved = errno;

	temporary_name(temporary, name);
	unlinkat(dirfd, temporary, 0);
	errno = saved;
	return md_fail_errno(err, "write %s", name);
}

static int write_temporary(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
	struct md_error *err)
{
	_auto_close_ int fd = -1;
	char temporary[NAME_MAX];

	temporary_name(temporary, name);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || fd_write_all(fd, data, len) < 0)
		return fail_write(dirfd, name, err);
	return 0;
}

static int publish(int dirfd, const char *name, struct md_error *err)
{
	char temporary[NAME_MAX];

	temporary_name(temporary, name);
	if (renameat(dirfd, temporary, dirfd, name) < 0)
		return fail_write(dirfd, name, err);
	return 0;
}

int state_write_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
	struct md_error *err)
{
	if (write_temporary(dirfd, name, data, len, mode, err) < 0)
		return -1;
	return publish(dirfd, name, err);
}

/* ---- state.json ---- */

static void write_annotations(struct json_writer *w, const struct strv *v)
{
	if (!v->count)
		return;
	json_object_begin(w, "annotations");
	for (size_t i = 0; i < v->count; i++) {
		char *item = v->items[i];
		char *equals = strchr(item, '=');

		*equals = '\0';
		json_add_string(w, item, equals + 1);
		*equals = '=';
	}
	json_object_end(w);
}

/* While it is made the state has a file of its own: renaming over an existing one makes ext4 write the data out at once, and deleting it
 * wait for that (5 to 30 ms). */
static const char *state_name(bool complete)
{
	return complete ? "state.json" : "creating.json";
}

static int write_state(const struct state_dir *d, const struct container_state *s, bool complete,
	struct md_error *err)
{
	_auto_buf_ struct buf b = BUF_INIT(STATE_CEILING);
	struct json_writer w = { .out = &b };

	json_object_begin(&w, NULL);
	json_add_string(&w, "id", s->id);
	json_add_string(&w, "bundle", s->bundle);
	json_add_string(&w, "rootfs", s->rootfs);
	json_add_string(&w, "created", s->created);
	json_add_string(&w, "owner", s->owner);
	json_add_u64(&w, "ownerUid", s->owner_uid);
	json_add_i64(&w, "pid", s->pid);
	json_add_u64(&w, "startTime", s->start_time);
	json_add_bool(&w, "complete", complete);
	json_add_string(&w, "cgroup", s->cgroup);
	if (s->rdt)
		json_add_string(&w, "rdt", s->rdt);
	json_add_bool(&w, "systemdCgroup", s->systemd_cgroup);
	json_add_bool(&w, "rootless", s->rootless);
	json_add_bool(&w, "userNamespace", s->user_namespace);
	json_add_bool(&w, "ownKeyring", s->own_keyring);
	if (s->early)
		json_add_bool(&w, "early", true);
	write_annotations(&w, &s->annotations);
	json_object_end(&w);
	if (b.failed)
		return md_fail(err, ENOMEM, "write state.json");
	return write_temporary(d->fd, state_name(complete), b.data, b.len, 0600, err);
}

int state_write(const struct state_dir *d, const struct container_state *s, struct md_error *err)
{
	bool complete = s->status != CONTAINER_CREATING;

	if (write_state(d, s, complete, err) < 0)
		return -1;
	return publish(d->fd, state_name(complete), err);
}

int state_prepare(const struct state_dir *d, const struct container_state *s, struct md_error *err)
{
	return write_state(d, s, true, err);
}

int state_publish(const struct state_dir *d, struct md_error *err)
{
	return publish(d->fd, state_name(true), err);
}

static int add_annotation(const char *key, const struct json_node *value, void *data)
{
	struct strv *v = data;
	const char *text;

	if (json_as_string(value, &text, NULL) < 0)
		return 0;
	return strv_addf(v, "%s=%s", key, text);
}

/* A string member as a copy; an absent one is NULL. */
static int take_string(const struct json_node *n, const char *key, char **ret, struct md_error *err)
{
	const char *text;
	int found = json_get_string(n, key, &text, err);

	if (found <= 0)
		return found;
	*ret = strdup(text);
	return *ret ? 0 : md_fail_errno(err, "%s", key);
}

static int parse_members(const struct json_node *n, struct container_state *s, struct md_error *err)
{
	uint64_t owner_uid = 0;
	int64_t pid = 0;
	bool complete = false;
	struct json_node annotations;

	if (take_string(n, "id", &s->id, err) < 0 ||
		take_string(n, "bundle", &s->bundle, err) < 0 ||
		take_string(n, "rootfs", &s->rootfs, err) < 0 ||
		take_string(n, "created", &s->created, err) < 0 ||
		take_string(n, "owner", &s->owner, err) < 0 ||
		take_string(n, "cgroup", &s->cgroup, err) < 0 ||
		take_string(n, "rdt", &s->rdt, err) < 0 ||
		json_get_u64(n, "ownerUid", UINT32_MAX, &owner_uid, err) < 0 ||
		json_get_i64(n, "pid", 0, INT32_MAX, &pid, err) < 0 ||
		json_get_u64(n, "startTime", UINT64_MAX, &s->start_time, err) < 0 ||
		json_get_bool(n, "complete", &complete, err) < 0 ||
		json_get_bool(n, "systemdCgroup", &s->systemd_cgroup, err) < 0 ||
		json_get_bool(n, "userNamespace", &s->user_namespace, err) < 0 ||
		json_get_bool(n, "ownKeyring", &s->own_keyring, err) < 0 ||
		json_get_bool(n, "early", &s->early, err) < 0 ||
		json_get_bool(n, "rootless", &s->rootless, err) < 0)
		return -1;
	if (!s->id || !s->bundle)
		return md_fail(err, EINVAL, "incomplete");
	s->owner_uid = (uid_t)owner_uid;
	s->pid = (pid_t)pid;
	s->status = complete ? CONTAINER_CREATED : CONTAINER_CREATING;
	if (json_get_object(n, "annotations", &annotations, err) > 0 &&
		json_each_member(&annotations, add_annotation, &s->annotations) < 0)
		return md_fail_errno(err, "annotations");
	return 0;
}

int state_parse(const char *text, size_t len, struct container_state *ret, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_CREATING };
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root;

	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		parse_members(&root, &s, err) < 0)
		return md_wrap(err, "state.json");
	*ret = s;
	s = (struct container_state){ .status = CONTAINER_STOPPED };
	return 0;
}

/* ---- the status ---- */

/* While "created" the first process listens on start.sock. A `start` that was killed may have left the name behind: nobody listens then. */
static bool awaits_start(const struct state_dir *d)
{
	_auto_free_ char *path = NULL;
	_auto_close_ int conn = -1;

	if (faccessat(d->fd, "start.sock", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	path = str_format("%s/start.sock", d->path);
	if (!path)
		return false;
	/* It takes nobody's connection while it is stopped by a signal, say: the queue may be full. */
	conn = sock_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
	return conn >= 0 || errno != ECONNREFUSED;
}

static bool is_frozen(const struct container_state *s)
{
	struct cgroup *c = NULL;
	bool frozen;

	if (!s->cgroup || cgroup_open(s->cgroup, &c, NULL) < 0)
		return false;
	frozen = cgroup_is_frozen(c);
	cgroup_free(c);
	return frozen;
}

/* Whoever makes the container holds the lock meanwhile. */
static bool is_locked(const struct state_dir *d)
{
	_auto_close_ int lock = -1;

	if (d->lock >= 0)
		return true;
	lock = openat(d->fd, "lock", O_RDONLY | O_CLOEXEC);
	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static enum container_status find_status(const struct state_dir *d, const struct container_state *s)
{
	if (s->status == CONTAINER_CREATING)
		return is_locked(d) ? CONTAINER_CREATING : CONTAINER_STOPPED;
	if (!proc_alive(s->pid, s->start_time))
		return CONTAINER_STOPPED;
	/* Only a mark makes a created one worth the look at its cgroups. */
	if (faccessat(d->fd, STATE_PAUSED, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && is_frozen(s))
		return CONTAINER_PAUSED;
	if (awaits_start(d))
		return CONTAINER_CREATED;
	return is_frozen(s) ? CONTAINER_PAUSED : CONTAINER_RUNNING;
}

int state_read(const struct state_dir *d, struct container_state *ret, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(d->fd, "state.json", STATE_CEILING, &text, &len) < 0 &&
		(errno != ENOENT ||
			file_read(d->fd, "creating.json", STATE_CEILING, &text, &len) < 0))
		return md_fail_errno(err, "read '%s/state.json'", d->path);
	if (state_parse(text, len, ret, err) < 0)
		return -1;
	ret->status = find_status(d, ret);
	if (ret->status == CONTAINER_STOPPED)
		ret->pid = 0;
	return 0;
}

int state_await_made(const struct state_dir *d, struct container_state *s, struct md_error *err)
{
	_auto_close_ int lock = -1;
	bool waited = false;

	if (!s->early || s->status == CONTAINER_STOPPED)
		return 0;
	lock = state_dir_lock(d, LOCK_SH | LOCK_NB);
	if (lock < 0 && errno == EWOULDBLOCK) {
		waited = true;
		lock = state_dir_lock(d, LOCK_SH);
	}
	/* It could not be made, or has ended since. */
	if (lock < 0 && errno == ENOENT)
		return md_fail(err, ENOENT, "container '%s' does not exist", s->id);
	if (lock < 0)
		return md_fail_errno(err, "lock '%s'", d->path);
	if (!waited)
		return 0;
	container_state_done(s);
	return state_read(d, s, err);
}

int container_load(
	const struct runtime *rt, const char *id, struct container_state *ret, struct md_error *err)
{
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;

	if (state_dir_open(rt, id, false, &d, err) < 0)
		return -1;
	return state_read(&d, ret, err);
}

char *container_state_json(const struct container_state *s, bool full)
{
	struct buf b = BUF_INIT(STATE_CEILING);
	struct json_writer w = { .out = &b };
	char *text;

	json_object_begin(&w, NULL);
	json_add_string(&w, "ociVersion", OCI_SPEC_VERSION);
	json_add_string(&w, "id", s->id);
	json_add_string(&w, "status", container_status_name(s->status));
	if (s->pid || full)
		json_add_i64(&w, "pid", s->pid);
	json_add_string(&w, "bundle", s->bundle);
	if (full) {
		json_add_string(&w, "rootfs", s->rootfs);
		json_add_string(&w, "created", s->created);
		json_add_string(&w, "owner", s->owner ? s->owner : "");
	}
	write_annotations(&w, &s->annotations);
	json_object_end(&w);
	text = buf_take(&b);
	buf_done(&b);
	return text;
}
