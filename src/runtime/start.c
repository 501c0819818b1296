/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/str.h"
#include "runtime/common.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "runtime/notify.h"
#include "runtime/state.h"
#include "base/poison.h"

/* Tells the waiting process to go on and hears whether it could. */
static int release(
	const struct state_dir *d, struct plan *p, struct container_state *s, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/start.sock", d->path);
	struct launch l = LAUNCH_INIT;
	int r = -1;

	l.plan = p;
	l.state = s;
	l.sock = path ? sock_connect(path, SOCK_SEQPACKET) : -1;
	if (l.sock < 0)
		return md_fail_errno(err, "reach the container's process");
	/* For the seccomp listener's state; the process is not our child. */
	l.pid = s->pid;
	if (launch_send(&l, SYNC_START, err) == 0)
		r = launch_serve(&l, SYNC_START, err);
	fd_close(&l.sock);
	return r;
}

int container_start(const struct runtime *rt, const char *id, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { .status = CONTAINER_STOPPED };
	_auto_state_dir_ struct state_dir d = STATE_DIR_INIT;
	_auto_spec_ struct oci_spec spec = OCI_SPEC_INIT;
	_auto_(notify_close) struct notify notify = NOTIFY_INIT;
	_auto_plan_ struct plan p;
	int r;

	plan_init(&p);
	if (state_dir_open(rt, id, true, &d, err) < 0 || state_read(&d, &s, err) < 0)
		return -1;
	if (s.status != CONTAINER_CREATED)
		return md_fail(err, EBUSY, "cannot start a container in the %s state",
			container_status_name(s.status));
	if (runtime_load_spec(d.fd, "config.json", &spec, NULL, NULL, err) < 0)
		return -1;
	if (!spec.process)
		return md_fail(err, EINVAL,
			"process: the container's config.json has none: there is no program to "
			"start");
	p.init.spec = &spec;
	notify.main_pid = s.pid;
	if (notify_open(&notify, rt->notify_socket, &d, err) < 0 || release(&d, &p, &s, err) < 0)
		return -1;
	unlinkat(d.fd, "start.sock", 0);
	r = hooks_run(&spec.hooks[OCI_HOOK_POSTSTART], OCI_HOOK_POSTSTART, &s, CONTAINER_RUNNING,
		true, NULL);
	/* Others may pause, update and delete it meanwhile. */
	fd_close(&d.lock);
	notify_wait(&notify, s.pid);
	return r;
}
