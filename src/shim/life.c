/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a workspace: create, start, main, ready - serve - stop, delete, leave. Each step is a job of the
 * driver whose end starts the next one.
 */
#define _GNU_SOURCE
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "json/json_write.h"
#include "shim/client.h"
#include "shim/report.h"
#include "shim/template.h"
#include "shim/terminal.h"
#include "base/poison.h"

enum {
	STOP_MS = 10000,  /* for a stop that nobody gave a time */
	LINGER_MS = 2000, /* for clients to hear the end */
	DELETE_AGAIN_MS = 500,
};

static void delete_container(struct shim *s);

/* ---- leaving ---- */

static void leave(void *data)
{
	struct shim *s = data;

	loop_stop(&s->loop);
}

/* Before anybody was served, a failure is the caller's to hear: at the end, when nothing is left of it. */
static void fail_start(struct shim *s, const char *stage, const struct md_error *why, int exit_code)
{
	log_error("%s: %s", stage, why->msg);
	s->failed_stage = stage;
	s->failure = *why;
	s->failure_exit = exit_code;
	s->exit_code = 1;
	if (s->phase == SHIM_PHASE_STARTING)
		delete_container(s);
}

void shim_client_settled(struct shim *s)
{
	struct client *c;

	if (s->phase != SHIM_PHASE_LEAVING)
		return;
	TAILQ_FOREACH(c, &s->clients, link)
	{
		/* Who made the main process may be about to attach to what it left. */
		if (!client_is_settled(c) || !c->terminal)
			return;
	}
	loop_stop(&s->loop);
}

static void begin_to_leave(struct shim *s)
{
	struct terminal *t;
	struct client *c;

	s->phase = SHIM_PHASE_LEAVING;
	if (!s->stop_text[0])
		snprintf(s->stop_text, sizeof(s->stop_text), "the workspace has stopped");
	TAILQ_FOREACH(t, &s->terminals, link)
	terminal_end(t);
	TAILQ_FOREACH(c, &s->clients, link)
	{
		if (c->stop_serial)
			client_send_done(c, c->stop_serial);
	}
	deadline_set(
		&s->deadlines, &s->stop_timer, TAILQ_EMPTY(&s->clients) ? 0 : LINGER_MS, leave, s);
	shim_client_settled(s);
}

static void delete_again(void *data)
{
	delete_container(data);
}

static void delete_done(const struct driver_result *r, void *data)
{
	struct shim *s = data;

	if (r->error.code && !s->delete_tried) {
		s->delete_tried = true;
		if (s->init_pid > 0)
			kill(s->init_pid, SIGKILL);
		deadline_set(&s->deadlines, &s->stop_timer, DELETE_AGAIN_MS, delete_again, s);
		return;
	}
	begin_to_leave(s);
}

static void delete_container(struct shim *s)
{
	struct driver_request q = { .verb = DRIVER_DELETE, .done = delete_done, .data = s };
	struct md_error err = MD_ERROR_INIT;

	s->phase = SHIM_PHASE_DELETING;
	deadline_clear(&s->deadlines, &s->stop_timer);
	if (driver_run(&s->driver, &q, &err) < 0) {
		log_error("%s", err.msg);
		begin_to_leave(s);
	}
}

/* ---- stopping ---- */

static void stop_timed_out(void *data)
{
	struct shim *s = data;

	log_info("the time to stop is over, the rest is killed");
	delete_container(s);
}

static void kill_done(const struct driver_result *r _unused_, void *data _unused_)
{
}

/* A frozen container takes no signal: it is thawed first, whether that is needed or not. */
static void resume_done(const struct driver_result *r _unused_, void *data)
{
	struct shim *s = data;
	struct driver_request q = {
		.verb = DRIVER_KILL, .signo = s->stop_signal, .done = kill_done, .data = s
	};
	struct terminal *t;

	if (s->phase != SHIM_PHASE_STOPPING)
		return;
	driver_run(&s->driver, &q, NULL);
	TAILQ_FOREACH(t, &s->terminals, link)
	{
		if (t->phase != TERMINAL_RUNNING || t->pid <= 0)
			continue;
		/* A login shell ignores SIGTERM; what hangs up its terminal it obeys. */
		kill(t->pid, s->stop_signal);
		if (t->tty)
			kill(t->pid, SIGHUP);
		kill(t->pid, SIGCONT);
	}
}

static void tell_stopping(struct shim *s)
{
	char text[sizeof(s->stop_text) + 32];
	struct client *c;

	snprintf(text, sizeof(text), "the workspace is being %s", s->stop_text);
	TAILQ_FOREACH(c, &s->clients, link)
	{
		if (c->greeted)
			client_send_notice(c, SHIM_NOTICE_STOPPING, 0, text);
	}
}

void shim_stop(struct shim *s, uint32_t timeout_ms, int signo, enum shim_exit_reason reason,
	const char *text)
{
	struct driver_request q = { .verb = DRIVER_RESUME, .done = resume_done, .data = s };

	if (s->phase == SHIM_PHASE_LEAVING) {
		begin_to_leave(s);
		return;
	}
	if (s->phase == SHIM_PHASE_STARTING || s->phase == SHIM_PHASE_DELETING)
		return;
	if (s->phase == SHIM_PHASE_STOPPING) {
		if (monotonic_ms() + timeout_ms < s->stop_timer.when)
			deadline_set(&s->deadlines, &s->stop_timer, timeout_ms, stop_timed_out, s);
		return;
	}
	log_info("stopping: %s", text);
	s->phase = SHIM_PHASE_STOPPING;
	s->stop_signal = signo ? signo : (int)s->options->stop_signal;
	s->stop_reason = reason;
	snprintf(s->stop_text, sizeof(s->stop_text), "%s", text);
	if (reason == SHIM_EXIT_STOPPED)
		tell_stopping(s);
	deadline_set(&s->deadlines, &s->stop_timer, timeout_ms, stop_timed_out, s);
	if (!timeout_ms || !s->init_pid || driver_run(&s->driver, &q, NULL) < 0)
		delete_container(s);
}

/* Whether PID 1 is the last process of the container, as far as its cgroup tells. */
static bool init_is_alone(const struct shim *s)
{
	_auto_free_ char *text = NULL;
	size_t lines = 0;

	if (s->limits.pids_fd < 0 ||
		file_read(s->limits.pids_fd, "cgroup.procs", 64 * 1024, &text, NULL) < 0)
		return false;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	return lines <= 1;
}

void shim_terminal_ended(struct shim *s, struct terminal *t)
{
	if (t->main && s->phase < SHIM_PHASE_LEAVING) {
		struct shim_msg m;
		_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);

		terminal_describe_exit(t, &m, &tail);
		report_exit(s->options->exit_file, &m.exit, t->exit_text);
	}
	if (t->main && s->phase == SHIM_PHASE_RUNNING) {
		snprintf(s->stop_text, sizeof(s->stop_text), "the main process has ended");
		s->stop_reason = SHIM_EXIT_STOPPED;
		delete_container(s);
	} else if (s->phase == SHIM_PHASE_STOPPING && terminal_count_alive(s) == 0 &&
		   init_is_alone(s)) {
		delete_container(s);
	}
}

static void init_ended(struct shim *s, int status)
{
	char text[128], oom[128];

	log_info("the container's PID 1 ended with status %d", spawn_exit_code(status));
	s->init_pid = 0;
	if (s->phase == SHIM_PHASE_RUNNING) {
		if (limits_take_oom(&s->limits, oom, sizeof(oom)))
			snprintf(text, sizeof(text), "%s", oom);
		else
			snprintf(text, sizeof(text), "the container's first process ended (%d)",
				spawn_exit_code(status));
		snprintf(s->stop_text, sizeof(s->stop_text), "%s", text);
		s->stop_reason = SHIM_EXIT_INIT;
	}
	if (s->phase == SHIM_PHASE_RUNNING || s->phase == SHIM_PHASE_STOPPING)
		delete_container(s);
}

bool shim_container_is_ending(const struct shim *s)
{
	_auto_free_ char *text = NULL;
	const char *at;
	char path[64];
	unsigned long flags;

	if (s->init_pid <= 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", s->init_pid);
	if (file_read(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return true;
	/* "PID (NAME) S PPID PGRP SESSION TTY TPGID FLAGS": 4 is PF_EXITING. It ends only after all of
	 * its namespace has, and those who are our children must be reaped before. */
	at = strrchr(text, ')');
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 && (flags & 4);
}

static bool process_ended(pid_t pid, int status, void *data)
{
	struct shim *s = data;

	if (pid == s->init_pid) {
		init_ended(s, status);
		return true;
	}
	return terminal_process_ended(s, pid, status);
}

/* ---- starting ---- */

static void listener_ready(struct loop_source *source, uint32_t events _unused_)
{
	struct shim *s = source->data;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		client_accept(s, fd);
	else if (errno == EMFILE || errno == ENFILE)
		log_error("no descriptor left for a client");
}

static int start_listening(struct shim *s, struct md_error *err)
{
	int fd = sock_listen(s->options->socket, SOCK_SEQPACKET, 64);

	if (fd < 0 || fd_set_nonblock(fd, true) < 0 ||
		loop_add_fd(&s->loop, &s->listener, fd, EPOLLIN, listener_ready, s) < 0) {
		md_fail_errno(err, "listen on %s", s->options->socket);
		fd_close(&fd);
		return -1;
	}
	s->listener.own_fd = true;
	return 0;
}

static void be_ready(struct shim *s)
{
	struct md_error err = MD_ERROR_INIT;

	if (start_listening(s, &err) < 0) {
		fail_start(s, "listen", &err, 0);
		return;
	}
	s->phase = SHIM_PHASE_RUNNING;
	s->started_ms = realtime_ms();
	log_info("ready, PID 1 is %d", s->init_pid);
	report_ready(&s->ready_fd, s->init_pid);
}

void shim_main_started(struct shim *s)
{
	if (s->phase == SHIM_PHASE_STARTING)
		be_ready(s);
}

void shim_main_failed(struct shim *s, const struct md_error *why, int exit_code)
{
	struct shim_exit e = { .code = exit_code, .reason = SHIM_EXIT_FAILED };

	report_exit(s->options->exit_file, &e, why->msg);
	if (s->phase == SHIM_PHASE_STARTING)
		fail_start(s, "main", why, exit_code);
	else
		shim_stop(s, 0, 0, SHIM_EXIT_FAILED, "the main process could not be started");
}

struct terminal *shim_start_main(struct shim *s, uint16_t rows, uint16_t cols, struct md_error *err)
{
	const struct shim_options *o = s->options;
	struct terminal_request q = { .spec = { .tty = o->main_tty, .rows = rows, .cols = cols },
		.main = true,
		.logged = o->output_log && !o->stdio,
		.stdio = { o->std[0], o->std[1], o->std[2] } };
	struct terminal *t = NULL;
	int r = terminal_new(s, &q, &t, err);

	s->main_pending = false;
	for (int i = 0; i < 3; i++) {
		if (o->std[i] >= 0)
			close(o->std[i]);
	}
	return r < 0 ? NULL : t;
}

static void limit_hit(uint32_t kind, const char *text, void *data)
{
	struct shim *s = data;
	struct client *c;

	log_info("%s", text);
	TAILQ_FOREACH(c, &s->clients, link)
	{
		if (c->greeted)
			client_send_notice(c, kind, 0, text);
	}
}

static void start_done(const struct driver_result *r, void *data)
{
	struct md_error err = MD_ERROR_INIT;
	struct shim *s = data;

	if (r->error.code) {
		fail_start(s, "start", &r->error, 0);
		return;
	}
	limits_open(&s->limits, &s->loop, &s->deadlines, s->init_pid, limit_hit, s);
	s->main_pending = s->options->main && s->options->main_wait;
	if (!s->options->main || s->main_pending)
		be_ready(s);
	else if (!shim_start_main(s, 0, 0, &err))
		fail_start(s, "main", &err, 125);
}

static void create_done(const struct driver_result *r, void *data)
{
	struct shim *s = data;
	struct driver_request q = { .verb = DRIVER_START, .done = start_done, .data = s };
	struct md_error err = MD_ERROR_INIT;

	if (r->error.code) {
		fail_start(s, "create", &r->error, 0);
		return;
	}
	s->init_pid = r->pid;
	if (driver_run(&s->driver, &q, &err) < 0)
		fail_start(s, "start", &err, 0);
}

/* ---- the program ---- */

static void signal_ready(struct loop_source *source, uint32_t events _unused_)
{
	struct shim *s = source->data;
	int signo;

	while ((signo = loop_take_signal(source)) > 0) {
		if (signo == SIGCHLD)
			driver_reap(&s->driver);
		else
			shim_stop(s, STOP_MS, 0, SHIM_EXIT_STOPPED, "stopped by the host");
	}
}

static int open_driver(struct shim *s, struct md_error *err)
{
	const struct shim_options *o = s->options;
	_auto_free_ char *folder = str_format("%s.d", o->socket);
	struct driver_options d = { .id = o->id,
		.bundle = o->bundle,
		.runtime = o->runtime,
		.runtime_root = o->runtime_root,
		.runtime_options = &o->runtime_options,
		.folder = folder };

	if (!folder)
		return md_fail_errno(err, "runtime");
	if (driver_open(&s->driver, &s->loop, &d, err) < 0)
		return -1;
	s->driver.process_ended = process_ended;
	s->driver.data = s;
	return 0;
}

static int prepare(struct shim *s, struct md_error *err)
{
	const struct shim_options *o = s->options;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (loop_open(&s->loop) < 0 || deadlines_open(&s->deadlines, &s->loop) < 0 ||
		loop_add_signals(&s->loop, &s->signals, &signals, signal_ready, s) < 0)
		return md_fail_errno(err, "event loop");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return md_fail_errno(err, "become a subreaper");
	s->packet = malloc(SHIM_MAX_PACKET);
	if (!s->packet)
		return md_fail_errno(err, "start");
	if (template_load(o->process_template, &s->template, err) < 0 ||
		output_log_open(&s->output_log, o->output_log, o->output_log_size, err) < 0)
		return -1;
	return open_driver(s, err);
}

static void clean_up(struct shim *s)
{
	struct terminal *t;

	unlink(s->options->socket);
	if (s->options->pid_file)
		unlink(s->options->pid_file);
	while ((t = TAILQ_FIRST(&s->terminals)))
		terminal_free(t);
	limits_close(&s->limits);
	driver_close(&s->driver);
	output_log_close(&s->output_log);
	free(s->template);
	free(s->packet);
}

int shim_run(const struct shim_options *o)
{
	struct shim s = { .options = o, .ready_fd = (int)o->ready_fd, .limits = LIMITS_WATCH_INIT };
	struct driver_request q = { .verb = DRIVER_CREATE, .done = create_done, .data = &s };
	struct md_error err = MD_ERROR_INIT;

	TAILQ_INIT(&s.terminals);
	TAILQ_INIT(&s.clients);
	s.output_log = (struct output_log)OUTPUT_LOG_INIT;
	if (prepare(&s, &err) < 0 || driver_run(&s.driver, &q, &err) < 0) {
		log_error("%s", err.msg);
		clean_up(&s);
		report_failure(&s.ready_fd, "options", &err, 0);
		return 1;
	}
	if (loop_run(&s.loop) < 0)
		log_error("event loop: %s", strerror(errno));
	clean_up(&s);
	if (s.failed_stage)
		report_failure(&s.ready_fd, s.failed_stage, &s.failure, s.failure_exit);
	log_info("the end");
	return s.exit_code;
}
