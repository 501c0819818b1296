/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a workspace: create, start, main, ready - serve - stop, delete, leave. Each step is a job of the
 * warden's whose end starts the next one.
 */
#define _GNU_SOURCE
#include "shim/shim.h"

#include <errno.h>
#include <sys/random.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "shim/client.h"
#include "shim/confine.h"
#include "shim/terminal.h"
#include "base/poison.h"

enum {
	STOP_MS = 10000,  /* for a stop that nobody gave a time */
	LINGER_MS = 2000, /* for clients to hear the end */
	LOOK_MS = 250,    /* from output to a look at the limits */
	BACKLOG = 64,
};

static void delete_container(struct shim *s);

/* ---- leaving ---- */

static void leave(void *data)
{
	struct shim *s = data;

	loop_stop(&s->loop);
}

/* Before anybody was served, a failure is the starter's to hear: by the warden, when nothing is left. */
static void fail_start(struct shim *s, const char *stage, const struct md_error *why, int exit_code)
{
	log_error("%s: %s", stage, why->msg);
	s->failed = true;
	warden_failed(&s->warden, stage, why->msg, exit_code);
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
		if (!client_is_settled(c) || (c->id == s->main_creator && !c->exit_told))
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

/* If it could not be deleted the warden tries again once we are gone. */
static void delete_done(const struct driver_result *r _unused_, uint32_t flags _unused_, void *data)
{
	begin_to_leave(data);
}

static void delete_container(struct shim *s)
{
	struct md_error err = MD_ERROR_INIT;

	s->phase = SHIM_PHASE_DELETING;
	deadline_clear(&s->deadlines, &s->stop_timer);
	if (warden_run(&s->warden, DRIVER_DELETE, 0, delete_done, s, &err) < 0) {
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

static void kill_done(
	const struct driver_result *r _unused_, uint32_t flags _unused_, void *data _unused_)
{
}

/* A frozen container takes no signal: it is thawed first, whether that is needed or not. */
static void resume_done(const struct driver_result *r _unused_, uint32_t flags _unused_, void *data)
{
	struct shim *s = data;
	struct terminal *t;

	if (s->phase != SHIM_PHASE_STOPPING)
		return;
	warden_run(&s->warden, DRIVER_KILL, s->stop_signal, kill_done, s, NULL);
	TAILQ_FOREACH(t, &s->terminals, link)
	{
		if (t->phase != TERMINAL_RUNNING || t->pid <= 0)
			continue;
		/* A login shell ignores SIGTERM; what hangs up its terminal it obeys. */
		warden_signal(&s->warden, t->pid, s->stop_signal);
		if (t->tty)
			warden_signal(&s->warden, t->pid, SIGHUP);
		warden_signal(&s->warden, t->pid, SIGCONT);
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
	if (!timeout_ms || !s->init_pid ||
		warden_run(&s->warden, DRIVER_RESUME, 0, resume_done, s, NULL) < 0)
		delete_container(s);
}

void shim_terminal_ended(struct shim *s, struct terminal *t)
{
	if (t->main && s->phase < SHIM_PHASE_LEAVING) {
		struct shim_msg m;
		_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);

		terminal_describe_exit(t, &m, &tail);
		warden_exited(&s->warden, &m.exit, t->exit_text);
	}
	if (t->main && s->phase == SHIM_PHASE_RUNNING) {
		snprintf(s->stop_text, sizeof(s->stop_text), "the main process has ended");
		s->stop_reason = SHIM_EXIT_STOPPED;
		delete_container(s);
	}
}

static void init_ended(struct shim *s, const struct warden_event *e)
{
	log_info("the container's PID 1 ended with status %d", spawn_exit_code(e->status));
	s->init_pid = 0;
	if (s->phase == SHIM_PHASE_RUNNING) {
		s->stop_reason = SHIM_EXIT_INIT;
		if (e->text[0])
			snprintf(s->stop_text, sizeof(s->stop_text), "%s", e->text);
		else
			snprintf(s->stop_text, sizeof(s->stop_text),
				"the container's first process ended (%d)",
				spawn_exit_code(e->status));
	}
	if (s->phase == SHIM_PHASE_RUNNING || s->phase == SHIM_PHASE_STOPPING)
		delete_container(s);
}

static void process_ended(struct shim *s, const struct warden_event *e)
{
	s->container_ending = e->flags & WARDEN_ENDING;
	if (e->pid == s->init_pid) {
		init_ended(s, e);
		return;
	}
	terminal_process_ended(s, e->pid, e->status, e->text);
	if (s->phase == SHIM_PHASE_STOPPING && terminal_count_alive(s) == 0 &&
		(e->flags & WARDEN_ALONE))
		delete_container(s);
}

static void limit_hit(struct shim *s, const struct warden_event *e)
{
	struct client *c;

	log_info("%s", e->text);
	TAILQ_FOREACH(c, &s->clients, link)
	{
		if (c->greeted)
			client_send_notice(c, e->kind, 0, e->text);
	}
}

/* Without the warden nothing can be told or ended any more: leaving closes the terminals. */
static void warden_event(const struct warden_event *e, int fd, void *data)
{
	struct shim *s = data;

	if (!e) {
		log_error("the warden is gone");
		loop_stop(&s->loop);
		return;
	}
	switch (e->tell) {
	case WARDEN_ENDED:
		process_ended(s, e);
		break;
	case WARDEN_LIMIT:
		limit_hit(s, e);
		break;
	case WARDEN_TERM:
		shim_stop(s, STOP_MS, 0, SHIM_EXIT_STOPPED, "stopped by the host");
		break;
	}
	fd_close(&fd);
}

static void look_passed(void *data)
{
	struct shim *s = data;

	warden_tell(&s->warden, WARDEN_LOOK);
}

void shim_output_seen(struct shim *s)
{
	if (s->look_helps && !s->look.set)
		deadline_set(&s->deadlines, &s->look, LOOK_MS, look_passed, s);
}

/* ---- starting ---- */

/* Without a free descriptor a connection can neither be taken nor refused, and the loop would spin on it: the spare one
 * is given up for long enough to refuse. */
static void refuse(struct shim *s)
{
	int fd;

	fd_close(&s->spare_fd);
	fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	fd_close(&fd);
	s->spare_fd = fcntl(s->listener.fd, F_DUPFD_CLOEXEC, 3);
	log_warning("no descriptor is left: a connection was refused");
}

static void listener_ready(struct loop_source *source, uint32_t events _unused_)
{
	struct shim *s = source->data;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		client_accept(s, fd);
	else if (errno == EMFILE || errno == ENFILE)
		refuse(s);
}

static void be_ready(struct shim *s)
{
	struct md_error err = MD_ERROR_INIT;

	if (listen(s->listen_fd, BACKLOG) < 0 || fd_set_nonblock(s->listen_fd, true) < 0 ||
		loop_add_fd(&s->loop, &s->listener, s->listen_fd, EPOLLIN, listener_ready, s) < 0) {
		md_fail_errno(&err, "listen on %s", s->options->socket);
		fail_start(s, "listen", &err, 0);
		return;
	}
	s->listener.own_fd = true;
	s->spare_fd = fcntl(s->listener.fd, F_DUPFD_CLOEXEC, 3);
	s->listen_fd = -1;
	s->phase = SHIM_PHASE_RUNNING;
	s->started_ms = realtime_ms();
	warden_tell(&s->warden, WARDEN_READY);
}

void shim_main_started(struct shim *s)
{
	if (s->phase == SHIM_PHASE_STARTING)
		be_ready(s);
}

void shim_main_failed(struct shim *s, const struct md_error *why, int exit_code)
{
	struct shim_exit e = { .code = exit_code, .reason = SHIM_EXIT_FAILED };

	warden_exited(&s->warden, &e, why->msg);
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

static void start_done(const struct driver_result *r, uint32_t flags, void *data)
{
	struct md_error err = MD_ERROR_INIT;
	struct shim *s = data;

	if (r->error.code) {
		fail_start(s, "start", &r->error, 0);
		return;
	}
	s->look_helps = flags & WARDEN_SILENT;
	s->main_pending = s->options->main && s->options->main_wait;
	if (!s->options->main || s->main_pending)
		be_ready(s);
	else if (!shim_start_main(s, 0, 0, &err))
		fail_start(s, "main", &err, 125);
}

static void create_done(const struct driver_result *r, uint32_t flags _unused_, void *data)
{
	struct shim *s = data;
	struct md_error err = MD_ERROR_INIT;

	if (r->error.code) {
		fail_start(s, "create", &r->error, 0);
		return;
	}
	s->init_pid = r->pid;
	if (warden_run(&s->warden, DRIVER_START, 0, start_done, s, &err) < 0)
		fail_start(s, "start", &err, 0);
}

/* ---- the program ---- */

static int prepare(struct shim *s, const struct shim_start *start, struct md_error *err)
{
	output_log_open(&s->output_log, start->output_log_fd, start->old_log_fd,
		s->options->output_log_size);
	if (loop_open(&s->loop) < 0 || deadlines_open(&s->deadlines, &s->loop) < 0 ||
		warden_link_open(&s->warden, &s->loop, start->warden_fd) < 0)
		return md_fail_errno(err, "event loop");
	s->warden.event = warden_event;
	s->warden.data = s;
	s->packet = malloc(SHIM_MAX_PACKET);
	if (!s->packet || getrandom(&s->life, sizeof(s->life), 0) != sizeof(s->life))
		return md_fail_errno(err, "start");
	s->life |= 1; /* never 0 */
	return confine(err);
}

static void clean_up(struct shim *s)
{
	struct terminal *t;

	while ((t = TAILQ_FIRST(&s->terminals)))
		terminal_free(t);
	output_log_close(&s->output_log);
	warden_link_close(&s->warden);
	free(s->packet);
}

int shim_run(const struct shim_options *o, const struct shim_start *start)
{
	struct shim s = { .options = o,
		.template = start->template,
		.listen_fd = start->listen_fd,
		.shim_pid = start->shim_pid,
		.uid = start->uid,
		.listener = LOOP_SOURCE_INIT,
		.spare_fd = -1 };
	struct md_error err = MD_ERROR_INIT;

	TAILQ_INIT(&s.terminals);
	TAILQ_INIT(&s.clients);
	if (prepare(&s, start, &err) < 0) {
		log_error("%s", err.msg);
		warden_failed(&s.warden, "daemon", err.msg, 125);
		return 1;
	}
	if (warden_run(&s.warden, DRIVER_CREATE, 0, create_done, &s, &err) < 0) {
		log_error("%s", err.msg);
		return 1;
	}
	if (loop_run(&s.loop) < 0)
		log_error("event loop: %s", strerror(errno));
	clean_up(&s);
	log_info("the end");
	return s.failed;
}
