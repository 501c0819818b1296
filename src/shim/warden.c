/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "shim/output_log.h"
#include "shim/report.h"
#include "shim/template.h"
#include "base/poison.h"

enum { SEND_SECONDS = 10, DELETE_AGAIN_MS = 500 };

void warden_say(struct warden *w, const struct warden_event *e, int fd)
{
	if (w->holder.fd < 0)
		return;
	if (sock_send(w->holder.fd, e, sizeof(*e), &fd, fd >= 0) < 0 && errno != EPIPE &&
		errno != ECONNRESET) {
		log_error("the holder doesn't listen: %s", strerror(errno));
		kill(w->holder_pid, SIGKILL);
	}
}

void warden_say_failure(struct warden *w, uint32_t job, const struct md_error *err, int exit_code)
{
	struct warden_event e = {
		.tell = WARDEN_RESULT, .job = job, .code = err->code, .exit_code = exit_code
	};

	snprintf(e.text, sizeof(e.text), "%s", err->msg);
	warden_say(w, &e, -1);
}

/* ---- processes ---- */

size_t warden_find_known(const struct warden *w, pid_t pid)
{
	size_t i = 0;

	while (i < w->known_count && w->known[i] != pid)
		i++;
	return i;
}

/* PID 1 ends only after all of its namespace has, and those who are our children must be reaped before: so it is told
 * already now. Field 9 of /proc/PID/stat, behind "(NAME) S PPID PGRP SESSION TTY TPGID", are flags; 4 is PF_EXITING. */
static bool is_ending(const struct warden *w)
{
	_auto_free_ char *text = NULL;
	const char *at;
	char path[64];
	unsigned long flags;

	snprintf(path, sizeof(path), "/proc/%d/stat", w->init_pid);
	if (w->init_pid <= 0 || file_read(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return true;
	at = strrchr(text, ')');
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 && (flags & 4);
}

/* Whether PID 1 is the last process of the container, as far as its cgroup tells. */
static bool is_alone(const struct warden *w)
{
	_auto_free_ char *text = NULL;
	size_t lines = 0;

	if (w->limits.pids_fd < 0 ||
		file_read(w->limits.pids_fd, "cgroup.procs", 64 * 1024, &text, NULL) < 0)
		return false;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	return lines <= 1;
}

static bool process_ended(pid_t pid, int status, void *data)
{
	struct warden *w = data;
	struct warden_event e = { .tell = WARDEN_ENDED, .pid = pid, .status = status };
	size_t at = warden_find_known(w, pid);

	if (pid == w->holder_pid) {
		w->holder_pid = 0; /* its socket tells the rest */
		return true;
	}
	if (at == w->known_count)
		return false;
	w->known[at] = w->known[--w->known_count];
	if (pid == w->init_pid)
		w->init_pid = 0;
	e.flags = (is_ending(w) ? WARDEN_ENDING : 0) | (is_alone(w) ? WARDEN_ALONE : 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		limits_take_oom(&w->limits, e.text, sizeof(e.text));
	warden_say(w, &e, -1);
	return true;
}

void warden_limit_hit(uint32_t kind, const char *text, void *data)
{
	struct warden_event e = { .tell = WARDEN_LIMIT, .kind = kind };

	snprintf(e.text, sizeof(e.text), "%s", text);
	warden_say(data, &e, -1);
}

/* ---- the end ---- */

static void delete_left_over(void *data);

static void deleted(const struct driver_result *r, void *data)
{
	struct warden *w = data;

	if (r->error.code && w->init_pid > 0 && !w->delete_again.when) {
		kill(w->init_pid, SIGKILL);
		deadline_set(&w->deadlines, &w->delete_again, DELETE_AGAIN_MS, delete_left_over, w);
		return;
	}
	loop_stop(&w->loop);
}

static void delete_left_over(void *data)
{
	struct warden *w = data;
	struct driver_request q = { .verb = DRIVER_DELETE, .done = deleted, .data = w };

	if (driver_run(&w->driver, &q, NULL) < 0)
		loop_stop(&w->loop);
}

/* The holder has left, by itself when all is deleted, or it died: then the container goes with its terminals. */
static void holder_gone(struct warden *w)
{
	if (w->ending)
		return;
	w->ending = true;
	loop_remove(&w->loop, &w->holder);
	if (!w->ready && !w->failed_stage) {
		w->failed_stage = strdup("daemon");
		md_fail(&w->failure, EIO, "mdocker-shim has died");
	}
	if (w->created) {
		log_error("the holder died, the container is deleted");
		delete_left_over(w);
	} else {
		loop_stop(&w->loop);
	}
}

static void holder_ready(struct loop_source *source, uint32_t events _unused_)
{
	static char packet[sizeof(struct warden_request) + SHIM_MAX_TAIL];
	struct warden *w = source->data;
	int fds[SOCK_MAX_FDS];
	size_t count = ARRAY_SIZE(fds);
	ssize_t n = sock_recv(source->fd, packet, sizeof(packet), fds, &count);

	if (n == 0 || (n < 0 && errno != EMSGSIZE)) {
		if (n == 0 || errno != EAGAIN)
			holder_gone(w);
		return;
	}
	if (n < 0 || warden_answer(w, packet, (size_t)n, fds, count) < 0) {
		log_error("the holder asks for nonsense and is killed");
		kill(w->holder_pid, SIGKILL);
		holder_gone(w);
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void signal_ready(struct loop_source *source, uint32_t events _unused_)
{
	struct warden *w = source->data;
	int signo;

	while ((signo = loop_take_signal(source)) > 0) {
		if (signo == SIGCHLD)
			driver_reap(&w->driver);
		else
			warden_say(w, &(struct warden_event){ .tell = WARDEN_TERM }, -1);
	}
}

/* ---- the program ---- */

static int open_driver(struct warden *w, struct md_error *err)
{
	const struct shim_options *o = w->options;
	_auto_free_ char *folder = str_format("%s.d", o->socket);
	struct driver_options d = { .id = o->id,
		.bundle = o->bundle,
		.runtime = o->runtime,
		.runtime_root = o->runtime_root,
		.runtime_options = &o->runtime_options,
		.folder = folder };

	if (!folder)
		return md_fail_errno(err, "runtime");
	if (driver_open(&w->driver, &w->loop, &d, err) < 0)
		return -1;
	w->driver.process_ended = process_ended;
	w->driver.data = w;
	return 0;
}

static int open_output_log(struct warden *w, struct md_error *err)
{
	_auto_free_ char *old = str_format("%s.1", w->options->output_log);

	w->output_log_fd = output_log_file(w->options->output_log);
	w->old_log_fd = old ? output_log_file(old) : -1;
	if (w->output_log_fd < 0 || w->old_log_fd < 0)
		return md_fail_errno(err, "open the output log %s", w->options->output_log);
	return 0;
}

int warden_open(struct warden *w, const struct shim_options *o, struct md_error *err)
{
	*w = (struct warden){ .options = o,
		.holder = LOOP_SOURCE_INIT,
		.signals = LOOP_SOURCE_INIT,
		.limits = LIMITS_WATCH_INIT,
		.disk = DISK_WATCH_INIT,
		.output_log_fd = -1,
		.old_log_fd = -1,
		.listen_fd = -1,
		.ready_fd = (int)o->ready_fd,
		.loop = { .epoll_fd = -1 } };
	if (template_load(o->process_template, &w->template, err) < 0)
		return -1;
	if (o->output_log && open_output_log(w, err) < 0)
		return -1;
	w->listen_fd = sock_bind(o->socket, SOCK_SEQPACKET);
	if (w->listen_fd < 0)
		return md_fail_errno(err, "bind %s", o->socket);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return md_fail_errno(err, "become a subreaper");
	return 0;
}

static int start_serving(struct warden *w, int fd, struct md_error *err)
{
	struct timeval most = { .tv_sec = SEND_SECONDS };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (loop_open(&w->loop) < 0 || deadlines_open(&w->deadlines, &w->loop) < 0 ||
		loop_add_signals(&w->loop, &w->signals, &signals, signal_ready, w) < 0)
		return md_fail_errno(err, "event loop");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) < 0 ||
		loop_add_fd(&w->loop, &w->holder, fd, EPOLLIN, holder_ready, w) < 0)
		return md_fail_errno(err, "event loop");
	w->holder.own_fd = true;
	return open_driver(w, err);
}

int warden_serve(struct warden *w, int fd, pid_t holder)
{
	w->holder_pid = holder;
	fd_close(&w->output_log_fd);
	fd_close(&w->old_log_fd);
	fd_close(&w->listen_fd);
	if (start_serving(w, fd, &w->failure) < 0) {
		w->failed_stage = strdup("daemon");
		log_error("%s", w->failure.msg);
		kill(holder, SIGKILL);
		return 1;
	}
	if (loop_run(&w->loop) < 0)
		log_error("event loop: %s", strerror(errno));
	return w->failed_stage ? 1 : 0;
}

void warden_close(struct warden *w)
{
	const struct shim_options *o = w->options;

	unlink(o->socket);
	limits_close(&w->limits);
	disk_watch_close(&w->disk);
	driver_close(&w->driver);
	/* Last of the files: while it is there the next start waits for us, and has the same folder. */
	if (o->pid_file)
		unlink(o->pid_file);
	if (w->failed_stage)
		report_failure(&w->ready_fd, w->failed_stage, &w->failure, w->failure_exit);
	free(w->failed_stage);
	free(w->template);
}

void warden_abandon(struct warden *w)
{
	fd_close(&w->ready_fd);
	w->output_log_fd = w->old_log_fd = w->listen_fd = -1; /* given to the holder */
}
