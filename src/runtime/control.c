/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on a container that is there: kill, delete, pause, resume, update, ps. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "runtime/cgroup.h"
#include "runtime/common.h"
#include "runtime/hooks.h"
#include "runtime/rdt.h"
#include "runtime/state.h"
#include "sys/proc.h"
#include "base/poison.h"

enum { KILL_WAIT_MS = 10000 };

static int open_cgroup(const struct container_state *s, struct cgroup **ret, struct md_error *err)
{
	if (!s->cgroup)
		return md_fail(err, ENOTSUP, "container '%s' has no cgroup", s->id);
	return cgroup_open(s->cgroup, ret, err);
}

int container_kill(
	const struct runtime *rt, const char *id, int sig, bool all, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_(cgroup_freep) struct cgroup *c = NULL;

	if (container_load(rt, id, &s, err) < 0)
		return -1;
	if (all) {
		if (open_cgroup(&s, &c, err) < 0)
			return -1;
		return cgroup_kill(c, sig, err);
	}
	if (s.status == CONTAINER_STOPPED || s.status == CONTAINER_CREATING)
		return md_fail(err, ESRCH, "container not running");
	if (proc_signal(s.pid, s.start_time, sig) < 0)
		return errno == ESRCH ? md_fail(err, ESRCH, "container not running")
				      : md_fail_errno(err, "send signal %d", sig);
	/* A frozen process takes no signal, not even this one (v1). */
	if (s.status == CONTAINER_PAUSED && sig == SIGKILL && open_cgroup(&s, &c, NULL) == 0)
		cgroup_freeze(c, false, NULL);
	return 0;
}

/* ---- delete ---- */

/* The first process and, where it is not the init of its own pid namespace, all others. */
static int kill_all(
	const struct container_state *s, pid_t pid, struct cgroup *c, struct md_error *err)
{
	if (proc_signal(pid, s->start_time, SIGKILL) < 0 && errno != ESRCH)
		return md_fail_errno(err, "kill process %d", pid);
	if (c) {
		(void)cgroup_kill(c, SIGKILL, NULL);
		if (s->status == CONTAINER_PAUSED)
			(void)cgroup_freeze(c, false, NULL);
	}
	if (proc_wait_gone(pid, s->start_time, KILL_WAIT_MS) < 0)
		return md_fail_errno(err, "wait for process %d to end", pid);
	return 0;
}

static void run_poststop(const struct state_dir *d, const struct container_state *s)
{
	_auto_spec_ struct oci_spec spec = OCI_SPEC_INIT;

	/* The copy is there once the container was complete; before, its hooks were run by the creator. */
	if (runtime_load_spec(d->fd, "config.json", &spec, NULL, NULL, NULL) < 0)
		return;
	hooks_run(&spec.hooks[OCI_HOOK_POSTSTOP], OCI_HOOK_POSTSTOP, s, CONTAINER_STOPPED, true,
		NULL);
}

static int delete_locked(const struct runtime *rt, const struct state_dir *d,
	struct container_state *s, bool force, struct md_error *err)
{
	_auto_(cgroup_freep) struct cgroup *c = NULL;

	if (s->cgroup && cgroup_open(s->cgroup, &c, err) < 0 && !force)
		return -1;
	if (s->status != CONTAINER_STOPPED) {
		/* Under our lock nobody makes it any more. */
		if (!force && s->status != CONTAINER_CREATED && s->status != CONTAINER_CREATING)
			return md_fail(err, EBUSY,
				"cannot delete container %s that is not stopped: %s", s->id,
				container_status_name(s->status));
		if (s->pid && kill_all(s, s->pid, c, err) < 0)
			return -1;
	}
	if ((c && cgroup_destroy(c, err) < 0) || (s->rdt && rdt_remove(s->rdt, s->id, err) < 0))
		return -1;
	run_poststop(d, s);
	return state_dir_remove(rt, s->id, err);
}

/* A folder without a readable state: a creator was killed before it had made anything else. */
static int delete_remains(
	const struct runtime *rt, const char *id, struct md_error *why, struct md_error *err)
{
	log_warning("%s", why->msg);
	return state_dir_remove(rt, id, err);
}

/* Whoever has the lock may be waiting for the container's process, and that for a hook of the image. One that is still being made has an end. */
static void kill_locked(const struct state_dir *d)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_(cgroup_freep) struct cgroup *c = NULL;

	if (state_read(d, &s, NULL) < 0 || !s.pid || s.status == CONTAINER_CREATING)
		return;
	(void)open_cgroup(&s, &c, NULL);
	(void)kill_all(&s, s.pid, c, NULL);
}

static int open_for_delete(const struct runtime *rt, const char *id, bool force,
	struct state_dir *ret, struct md_error *err)
{
	if (!force)
		return state_dir_open(rt, id, true, ret, err);
	if (state_dir_open(rt, id, false, ret, err) < 0)
		return -1;
	if (state_dir_take(ret, id, false, err) == 0)
		return 0;
	if (err->code != EWOULDBLOCK)
		return -1;
	kill_locked(ret);
	return state_dir_take(ret, id, true, err);
}

int container_delete(const struct runtime *rt, const char *id, bool force, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;
	struct md_error why = MD_ERROR_INIT;

	if (open_for_delete(rt, id, force, &d, &why) < 0) {
		if (force && why.code == ENOENT)
			return 0;
		if (why.code == ENOLCK)
			return state_dir_remove(rt, id, err);
		return md_fail(err, why.code, "%s", why.msg);
	}
	if (state_read(&d, &s, &why) < 0) {
		if (force || why.code == ENOENT)
			return delete_remains(rt, id, &why, err);
		return md_fail(err, why.code, "%s", why.msg);
	}
	return delete_locked(rt, &d, &s, force, err);
}

int container_delete_own(const struct runtime *rt, struct container_state *s,
	const struct state_dir *own, struct cgroup *cgroup, const struct oci_spec *spec,
	struct md_error *err)
{
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;
	struct md_error why = MD_ERROR_INIT;
	struct stat made, found;

	if (state_dir_open(rt, s->id, true, &d, &why) < 0)
		return why.code == ENOENT || why.code == ENOLCK
			       ? 0
			       : md_fail(err, why.code, "%s", why.msg);
	if (fstat(own->fd, &made) < 0 || fstat(d.fd, &found) < 0)
		return md_fail_errno(err, "look at '%s'", d.path);
	if (made.st_dev != found.st_dev || made.st_ino != found.st_ino)
		return 0;
	if (cgroup_destroy(cgroup, err) < 0 || (s->rdt && rdt_remove(s->rdt, s->id, err) < 0))
		return -1;
	s->pid = 0;
	hooks_run(&spec->hooks[OCI_HOOK_POSTSTOP], OCI_HOOK_POSTSTOP, s, CONTAINER_STOPPED, true,
		NULL);
	return state_dir_remove_open(&d, err);
}

/* ---- pause, resume, update, ps ---- */

static int open_running(const struct runtime *rt, const char *id, struct container_state *s,
	struct cgroup **ret, struct md_error *err)
{
	if (container_load(rt, id, s, err) < 0)
		return -1;
	if (s->status == CONTAINER_STOPPED || s->status == CONTAINER_CREATING)
		return md_fail(err, EBUSY, "container not running");
	return open_cgroup(s, ret, err);
}

static int set_frozen(const struct runtime *rt, const char *id, bool frozen, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_(cgroup_freep) struct cgroup *c = NULL;
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;

	if (open_running(rt, id, &s, &c, err) < 0 || state_dir_open(rt, id, false, &d, err) < 0)
		return -1;
	if (frozen && state_await_made(&d, &s, err) < 0)
		return -1;
	if (s.status == CONTAINER_STOPPED)
		return md_fail(err, EBUSY, "container not running");
	if (frozen ? s.status == CONTAINER_PAUSED : s.status != CONTAINER_PAUSED)
		return md_fail(
			err, EBUSY, frozen ? "container already paused" : "container not paused");
	if (s.status == CONTAINER_CREATED &&
		state_write_file(d.fd, STATE_PAUSED, "", 0, 0600, err) < 0)
		return -1;
	if (cgroup_freeze(c, frozen, err) < 0)
		return -1;
	if (!frozen)
		unlinkat(d.fd, STATE_PAUSED, 0);
	return 0;
}

int container_pause(const struct runtime *rt, const char *id, struct md_error *err)
{
	return set_frozen(rt, id, true, err);
}

int container_resume(const struct runtime *rt, const char *id, struct md_error *err)
{
	return set_frozen(rt, id, false, err);
}

int container_update(const struct runtime *rt, const char *id, const struct oci_resources *r,
	struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_(cgroup_freep) struct cgroup *c = NULL;

	if (open_running(rt, id, &s, &c, err) < 0)
		return -1;
	return cgroup_update(c, r, err);
}

int container_update_rdt(const struct runtime *rt, const char *id, const char *l3,
	const char *mem_bw, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };

	if (container_load(rt, id, &s, err) < 0)
		return -1;
	if (!s.rdt)
		return md_fail(
			err, ENOTSUP, "container '%s' has no linux.intelRdt to be changed", id);
	return rdt_update(s.rdt, l3, mem_bw, err);
}

int container_pids(const struct runtime *rt, const char *id, pid_t **ret_pids, size_t *ret_count,
	struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_(cgroup_freep) struct cgroup *c = NULL;

	if (container_load(rt, id, &s, err) < 0 || open_cgroup(&s, &c, err) < 0)
		return -1;
	return cgroup_pids(c, ret_pids, ret_count, err);
}

int container_cgroup(
	const struct runtime *rt, const char *id, struct cgroup **ret, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };

	if (container_load(rt, id, &s, err) < 0)
		return -1;
	return open_cgroup(&s, ret, err);
}
