/* SPDX-License-Identifier: Apache-2.0 */
/* warden_errands.c - what the holder may ask of the warden: the runtime's commands, signals, recordings, reports. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "recording/store.h"
#include "shim/report.h"
#include "shim/template.h"
#include "shim/warden.h"
#include "sys/haste.h"
#include "base/poison.h"

/* A job of the holder's. */
struct errand {
	struct warden *warden;
	uint32_t job;
	enum driver_verb verb;
};

static void errand_done(const struct driver_result *r, void *data)
{
	struct errand *x = data;
	struct warden *w = x->warden;
	struct warden_event e = { .tell = WARDEN_RESULT, .job = x->job, .pid = r->pid };
	int master = r->master;

	if (r->error.code) {
		warden_say_failure(w, x->job, &r->error, r->exit_code);
	} else {
		if (x->verb == DRIVER_CREATE)
			w->init_pid = r->pid;
		if (r->pid > 0 && w->known_count < WARDEN_MOST)
			w->known[w->known_count++] = r->pid;
		if (x->verb == DRIVER_START) {
			limits_open(&w->limits, &w->loop, &w->deadlines, w->init_pid,
				warden_limit_hit, w);
			disk_watch_open(&w->disk, w->options->disk);
			e.flags = w->limits.pids_silent || w->disk.fd >= 0 ? WARDEN_SILENT : 0;
		}
		w->created = x->verb != DRIVER_DELETE;
		warden_say(w, &e, master);
	}
	fd_close(&master);
	free(x);
}

static int start_errand(struct warden *w, const struct warden_request *q, struct driver_request *d,
	struct md_error *err)
{
	struct errand *x = malloc(sizeof(*x));

	if (!x)
		return md_fail_errno(err, "runtime");
	*x = (struct errand){ w, q->job, d->verb };
	d->done = errand_done;
	d->data = x;
	if (driver_run(&w->driver, d, err) < 0) {
		free(x);
		return -1;
	}
	return 0;
}

static int ask_run(struct warden *w, const struct warden_request *q,
	const struct shim_msg *tail _unused_, const int *fds _unused_, struct md_error *err)
{
	struct driver_request d = { .verb = q->verb, .signo = q->signo };

	if (q->verb > DRIVER_DELETE || q->verb == DRIVER_EXEC || q->signo < 0 || q->signo > 64)
		return md_fail(err, EINVAL, "the runtime has no such command");
	if (q->verb == DRIVER_CREATE)
		w->created = true; /* even half */
	return start_errand(w, q, &d, err);
}

static bool is_inside(const struct warden *w, pid_t pid)
{
	char link[64], ours[64], its[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/ns/pid", w->init_pid);
	len = readlink(link, ours, sizeof(ours));
	snprintf(link, sizeof(link), "/proc/%d/ns/pid", pid);
	return len > 0 && readlink(link, its, sizeof(its)) == len &&
	       memcmp(ours, its, (size_t)len) == 0;
}

/* The present folder of a process, as it is named inside; NULL if it isn't one of the container. */
static char *folder_of(const struct warden *w, pid_t pid)
{
	char link[64], path[4096];
	ssize_t len;

	if (!is_inside(w, pid))
		return NULL;
	snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0 || len == sizeof(path) - 1 || path[0] != '/')
		return NULL;
	path[len] = '\0';
	return strdup(path);
}

static int read_spec(const struct warden *w, const struct warden_request *q,
	const struct shim_msg *tail, struct process_spec *s, struct md_error *err)
{
	const char *at = NULL, *user = shim_next_string(tail, &at);
	const char *cwd = shim_next_string(tail, &at), *item;

	for (uint32_t i = 0; i < (uint32_t)q->argc + q->envc; i++) {
		item = shim_next_string(tail, &at);
		if (!item)
			return md_fail(err, EBADMSG, "exec: words are missing");
		if (strv_add(i < q->argc ? &s->argv : &s->env, item) < 0)
			return md_fail_errno(err, "exec");
	}
	s->user = user && *user ? strdup(user) : NULL;
	s->cwd = cwd && *cwd ? strdup(cwd) : q->cwd_of > 0 ? folder_of(w, q->cwd_of) : NULL;
	s->tty = q->flags & WARDEN_EXEC_TTY;
	s->env_only = q->flags & WARDEN_EXEC_ENV_ONLY;
	s->rows = q->rows;
	s->cols = q->cols;
	return 0;
}

static int ask_exec(struct warden *w, const struct warden_request *q, const struct shim_msg *tail,
	const int *fds, struct md_error *err)
{
	_auto_process_spec_ struct process_spec s = { 0 };
	_auto_free_ char *process = NULL;
	struct driver_request d = { .verb = DRIVER_EXEC, .stdio = fds };

	if (read_spec(w, q, tail, &s, err) < 0 ||
		template_process(w->template, &s, &process, err) < 0)
		return -1;
	d.tty = s.tty;
	d.process = process;
	return start_errand(w, q, &d, err);
}

static int ask_signal(struct warden *w, const struct warden_request *q,
	const struct shim_msg *tail _unused_, const int *fds _unused_,
	struct md_error *err _unused_)
{
	/* Children that were not reaped: the pid can't be a stranger's. */
	if (q->signo > 0 && q->signo <= 64 && warden_find_known(w, q->pid) < w->known_count)
		kill(q->pid, q->signo);
	return 0;
}

static int ask_hasten(struct warden *w, const struct warden_request *q,
	const struct shim_msg *tail _unused_, const int *fds _unused_,
	struct md_error *err _unused_)
{
	/* Where the number became a stranger's meanwhile, he gets shorter slices of the same share. */
	if (q->pid > 0 && is_inside(w, q->pid))
		haste(q->pid);
	return 0;
}

static int ask_look(struct warden *w, const struct warden_request *q _unused_,
	const struct shim_msg *tail _unused_, const int *fds _unused_,
	struct md_error *err _unused_)
{
	limits_look(&w->limits);
	disk_watch_look(&w->disk, warden_limit_hit, w);
	return 0;
}

static int ask_record(struct warden *w, const struct warden_request *q,
	const struct shim_msg *tail _unused_, const int *fds _unused_, struct md_error *err)
{
	struct warden_event e = {
		.tell = WARDEN_RESULT, .job = q->job, .pid = (int32_t)q->terminal
	};
	const struct shim_options *o = w->options;
	const struct recording_limits limits = { o->record_total, (uint64_t)o->record_days };
	_auto_close_ int fd = -1;

	if (!o->record_dir)
		return md_fail(err, EPERM, "terminals of this workspace can't be recorded");
	fd = recording_make(o->record_dir, q->terminal, &limits, o->record_size, err);
	if (fd < 0)
		return -1;
	warden_say(w, &e, fd);
	return 0;
}

static int ask_exited(struct warden *w, const struct warden_request *q, const struct shim_msg *tail,
	const int *fds _unused_, struct md_error *err _unused_)
{
	report_exit(w->options->exit_file, &q->exit, shim_string(tail, 0));
	return 0;
}

static int ask_ready(struct warden *w, const struct warden_request *q _unused_,
	const struct shim_msg *tail _unused_, const int *fds _unused_,
	struct md_error *err _unused_)
{
	w->ready = true;
	log_info("ready, PID 1 is %d", w->init_pid);
	report_ready(&w->ready_fd, w->init_pid);
	return 0;
}

static int ask_failed(struct warden *w, const struct warden_request *q, const struct shim_msg *tail,
	const int *fds _unused_, struct md_error *err _unused_)
{
	free(w->failed_stage);
	w->failed_stage = strdup(shim_string(tail, 0));
	md_fail(&w->failure, EIO, "%s", shim_string(tail, 1));
	w->failure_exit = q->exit_code;
	return 0;
}

static const struct {
	int (*run)(struct warden *w, const struct warden_request *q, const struct shim_msg *tail,
		const int *fds, struct md_error *err);
	uint32_t fds_flag; /* in q->flags: three descriptors come along */
} asks[] = {
	[WARDEN_RUN] = { ask_run, 0 },
	[WARDEN_EXEC] = { ask_exec, WARDEN_EXEC_STDIO },
	[WARDEN_SIGNAL] = { ask_signal, 0 },
	[WARDEN_HASTEN] = { ask_hasten, 0 },
	[WARDEN_LOOK] = { ask_look, 0 },
	[WARDEN_RECORD] = { ask_record, 0 },
	[WARDEN_EXITED] = { ask_exited, 0 },
	[WARDEN_READY] = { ask_ready, 0 },
	[WARDEN_FAILED] = { ask_failed, 0 },
};

/* A packet as a request and its strings; -1: the holder is not to be trusted any more. */
static int check_packet(const char *packet, size_t len, size_t fd_count, struct warden_request *q,
	struct shim_msg *tail)
{
	if (len < sizeof(*q))
		return -1;
	memcpy(q, packet, sizeof(*q));
	*tail = (struct shim_msg){ .tail = packet + sizeof(*q), .tail_len = len - sizeof(*q) };
	if (q->ask >= ARRAY_SIZE(asks) || !asks[q->ask].run)
		return -1;
	if (tail->tail_len && tail->tail[tail->tail_len - 1] != '\0')
		return -1;
	return fd_count == (q->flags & asks[q->ask].fds_flag ? 3 : 0) ? 0 : -1;
}

int warden_answer(struct warden *w, const char *packet, size_t len, const int *fds, size_t fd_count)
{
	struct md_error err = MD_ERROR_INIT;
	struct warden_request q;
	struct shim_msg tail;

	if (check_packet(packet, len, fd_count, &q, &tail) < 0)
		return -1;
	if (asks[q.ask].run(w, &q, &tail, fd_count ? fds : NULL, &err) < 0)
		warden_say_failure(w, q.job, &err, 0);
	return 0;
}
