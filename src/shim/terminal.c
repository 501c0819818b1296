/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal's life: start and end. Its bytes: terminal_io.c and terminal_input.c; what is told about it: terminal_tell.c. */
#define _GNU_SOURCE
#include "shim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "shim/client.h"
#include "shim/terminal_io.h"
#include "base/poison.h"

enum {
	GRACE_MS = 1000,   /* for the output that others still hold the terminal open for */
	HANG_UP_MS = 2000, /* from SIGHUP to SIGKILL */
	SCREEN_CEILING = 4 << 20,
};

struct terminal *terminal_find(struct shim *s, uint32_t id)
{
	struct terminal *t;

	TAILQ_FOREACH(t, &s->terminals, link)
	{
		if (id ? t->id == id : t->phase != TERMINAL_ENDED)
			return t;
	}
	return NULL;
}

size_t terminal_count_alive(const struct shim *s)
{
	const struct terminal *t;
	size_t count = 0;

	TAILQ_FOREACH(t, &s->terminals, link)
	count += t->phase != TERMINAL_ENDED;
	return count;
}

static void free_contents(struct terminal *t)
{
	ring_close(&t->ring);
	screen_free(t->screen);
	t->screen = NULL;
	buf_done(&t->input);
}

void terminal_free(struct terminal *t)
{
	struct shim *s = t->shim;
	struct deadline *const timers[] = { &t->grace, &t->stalled, &t->flush, &t->retitled,
		&t->input_timer };

	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		deadline_clear(&s->deadlines, timers[i]);
	for (size_t i = 0; i < 2; i++) {
		loop_remove(&s->loop, &t->sources[i]);
		fd_close(&t->output[i]);
	}
	terminal_record_done(t);
	free_contents(t);
	process_spec_done(&t->spec);
	free(t->command);
	TAILQ_REMOVE(&s->terminals, t, link);
	free(t);
}

/* Who still hasn't taken the rest of its output must do without. */
static void send_away(struct terminal *t)
{
	struct client *c;

	while ((c = TAILQ_FIRST(&t->clients)))
		client_fail(c, 0, ETIMEDOUT, "the terminal ended long ago");
}

/* Of those that ended, the newest stay whole, more are remembered, the others go. */
static void forget_old(struct shim *s)
{
	struct terminal *t, *before;
	size_t ended = 0;

	for (t = TAILQ_LAST(&s->terminals, terminal_list); t; t = before) {
		before = TAILQ_PREV(t, terminal_list, link);
		if (t->phase != TERMINAL_ENDED || ++ended <= TERMINAL_KEPT)
			continue;
		send_away(t);
		if (ended > TERMINAL_REMEMBERED)
			terminal_free(t);
		else
			free_contents(t);
	}
}

static int open_contents(struct terminal *t, struct md_error *err)
{
	const struct shim_options *o = t->shim->options;
	struct screen_options options = SCREEN_OPTIONS_DEFAULT;

	if (ring_open(&t->ring, o->ring) < 0)
		return md_fail_errno(err, "terminal: ring of output");
	if (!t->tty)
		return 0;
	options.rows = t->rows;
	options.cols = t->cols;
	options.scrollback = (unsigned int)o->scrollback;
	options.memory_ceiling = SCREEN_CEILING;
	t->screen = screen_new(&options);
	return t->screen ? 0 : md_fail_errno(err, "terminal: screen");
}

/* For a process without tty whose output is logged: pipes. *ends get what the process is given. */
static int open_pipes(struct terminal *t, int ends[2], struct md_error *err)
{
	for (size_t i = 0; i < 2; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return md_fail_errno(err, "terminal: pipe");
		t->output[i] = fds[0];
		ends[i] = fds[1];
		if (fd_set_nonblock(fds[0], true) < 0)
			return md_fail_errno(err, "terminal: pipe");
	}
	return 0;
}

static void exec_done(const struct driver_result *r, uint32_t flags, void *data);

static int start(struct terminal *t, const int *stdio, struct md_error *err)
{
	t->spec.tty = t->tty;
	t->spec.rows = t->rows;
	t->spec.cols = t->cols;
	return warden_exec(&t->shim->warden, &t->spec, stdio, t->cwd_of, exec_done, t, err);
}

/* An input that is at its end: this half opens no files, so not /dev/null. */
static int open_null(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	close(fds[1]);
	return fds[0];
}

/* What the process is given: what the request brought, our pipes for its log, nothing. */
static int start_first(struct terminal *t, const int *stdio, struct md_error *err)
{
	int given[3] = { stdio[0], stdio[1], stdio[2] };
	_auto_close_ int null = -1;
	int ends[2] = { -1, -1 };
	int r = 0;

	if (t->tty || t->logged)
		r = open_contents(t, err);
	if (r == 0 && !t->tty && t->logged) {
		r = open_pipes(t, ends, err);
		null = open_null();
		given[0] = null;
		given[1] = ends[0];
		given[2] = ends[1];
	}
	if (r == 0)
		r = start(t, given[1] < 0 ? NULL : given, err);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return r;
}

/* A size within the limits, 0 being the workspace's default. */
static uint16_t fit(uint16_t wanted, int64_t usual, int least, int most)
{
	int value = wanted ? wanted : (int)usual;

	return (uint16_t)MD_MIN(MD_MAX(value, least), most);
}

int terminal_new(
	struct shim *s, struct terminal_request *q, struct terminal **ret, struct md_error *err)
{
	struct terminal *t;

	forget_old(s);
	if (terminal_count_alive(s) >= SHIM_MAX_TERMINALS)
		return md_fail(err, EMFILE, "%d terminals are open already", SHIM_MAX_TERMINALS);
	t = calloc(1, sizeof(*t));
	if (!t)
		return md_fail_errno(err, "terminal");
	t->shim = s;
	t->id = ++s->last_terminal;
	t->tty = q->spec.tty;
	t->main = q->main;
	t->logged = q->logged;
	t->cwd_of = q->cwd_of;
	t->rows = fit(q->spec.rows, s->options->rows, 1, TERMINAL_MAX_ROWS);
	t->cols = fit(q->spec.cols, s->options->cols, SCREEN_MIN_COLS, TERMINAL_MAX_COLS);
	t->mark = 1;
	t->marks[1] = (struct size_mark){ 0, t->rows, t->cols };
	t->creator = q->creator ? q->creator->id : 0;
	t->creator_serial = q->serial;
	t->output[0] = t->output[1] = -1;
	t->sources[0].fd = t->sources[1].fd = -1;
	t->ring = (struct ring)RING_INIT;
	buf_init(&t->input, INPUT_MOST);
	TAILQ_INIT(&t->clients);
	snprintf(t->name, sizeof(t->name), "%s", q->name ? q->name : "");
	t->spec = q->spec;
	q->spec = (struct process_spec){ 0 };
	t->command = template_command(s->template, &t->spec);
	TAILQ_INSERT_TAIL(&s->terminals, t, link);
	if (start_first(t, q->stdio, err) < 0) {
		terminal_free(t);
		return -1;
	}
	*ret = t;
	return 0;
}

/* Everybody who waits for it hears why it isn't to be. */
static void tell_failure(struct terminal *t, const struct driver_result *r)
{
	struct client *c = client_find(t->shim, t->creator);

	if (c)
		client_send_error(c, t->creator_serial, SHIM_NEW_TERMINAL, r->exit_code, &r->error);
	while ((c = TAILQ_FIRST(&t->clients))) {
		uint32_t serial = c->attach_serial;

		client_detach(c);
		client_send_error(c, serial, SHIM_ATTACH, r->exit_code, &r->error);
	}
}

static void start_failed(struct terminal *t, const struct driver_result *r)
{
	struct shim *s = t->shim;
	bool was_main = t->main;

	tell_failure(t, r);
	terminal_free(t);
	if (was_main)
		shim_main_failed(s, &r->error, r->exit_code);
}

/* The folder that a new terminal was to open in may be gone, or another user's: then the usual one does. */
static bool retry_without_folder(struct terminal *t)
{
	if (!t->tty || !t->cwd_of || t->retried)
		return false;
	t->retried = true;
	t->cwd_of = 0;
	return start(t, NULL, NULL) == 0;
}

static int watch_output(struct terminal *t)
{
	for (size_t i = 0; i < 2; i++) {
		if (t->output[i] >= 0 && loop_add_fd(&t->shim->loop, &t->sources[i], t->output[i],
						 EPOLLIN, terminal_ready, t) < 0)
			return -1;
	}
	return 0;
}

static void tell_created(struct terminal *t)
{
	struct client *c = client_find(t->shim, t->creator);
	struct shim_msg m = {
		.type = SHIM_CREATED, .serial = t->creator_serial, .ref = { .terminal = t->id }
	};

	if (c)
		client_send(c, &m);
	TAILQ_FOREACH(c, &t->clients, terminal_link)
	client_attach_now(c);
	terminal_announce(t);
}

static void exec_done(const struct driver_result *r, uint32_t flags _unused_, void *data)
{
	struct terminal *t = data;

	if (r->error.code) {
		if (!retry_without_folder(t))
			start_failed(t, r);
		return;
	}
	t->pid = r->pid;
	if (t->tty) {
		t->output[0] = r->master;
		terminal_apply_size(t);
	}
	t->phase = TERMINAL_RUNNING;
	t->started_ms = realtime_ms();
	process_spec_done(&t->spec);
	if (watch_output(t) < 0) {
		log_error("terminal %u can't be watched: %s", t->id, strerror(errno));
		warden_signal(&t->shim->warden, t->pid, SIGKILL);
	}
	if (t->shim->options->record && t->tty)
		terminal_record(t, true, NULL, 0, NULL);
	log_info("terminal %u: process %d", t->id, t->pid);
	tell_created(t);
	if (t->main)
		shim_main_started(t->shim);
}

static void describe_end(struct terminal *t)
{
	struct shim *s = t->shim;
	char *to = t->exit_text;
	size_t room = sizeof(t->exit_text);

	if (t->limit[0]) {
		t->reason = SHIM_EXIT_OOM;
		snprintf(to, room, "%s", t->limit);
	} else if (t->closed) {
		t->reason = SHIM_EXIT_CLOSED;
		snprintf(to, room, "closed");
	} else if (s->stop_text[0]) {
		t->reason = s->stop_reason;
		snprintf(to, room, "%s", s->stop_text);
	} else if (t->exited && WIFSIGNALED(t->status) && s->container_ending) {
		t->reason = SHIM_EXIT_INIT;
		snprintf(to, room, "the container's first process ended");
	} else if (t->exited && WIFSIGNALED(t->status)) {
		snprintf(to, room, "killed by signal %d (%s)", WTERMSIG(t->status),
			strsignal(WTERMSIG(t->status)));
	} else {
		snprintf(to, room, "exited with code %d", spawn_exit_code(t->status));
	}
}

static void answer_waits(struct terminal *t)
{
	struct client *c;

	TAILQ_FOREACH(c, &t->shim->clients, link)
	client_answer_waits(c, t);
}

void terminal_end(struct terminal *t)
{
	struct shim *s = t->shim;
	struct client *c;

	if (t->phase == TERMINAL_ENDED)
		return;
	describe_end(t);
	t->phase = TERMINAL_ENDED;
	t->pid = 0;
	for (size_t i = 0; i < 2; i++) {
		loop_remove(&s->loop, &t->sources[i]);
		fd_close(&t->output[i]);
	}
	deadline_clear(&s->deadlines, &t->grace);
	deadline_clear(&s->deadlines, &t->stalled);
	terminal_feed(t);
	terminal_record_done(t);
	buf_done(&t->input);
	log_info("terminal %u: %s", t->id, t->exit_text);
	TAILQ_FOREACH(c, &t->clients, terminal_link)
	{
		client_pause(c, false);
		client_pump(c);
	}
	answer_waits(t);
	terminal_announce(t);
	shim_terminal_ended(s, t);
}

static void grace_passed(void *data)
{
	terminal_end(data);
}

void terminal_output_ended(struct terminal *t)
{
	if (t->exited && t->output[0] < 0 && t->output[1] < 0)
		terminal_end(t);
}

bool terminal_process_ended(struct shim *s, pid_t pid, int status, const char *limit)
{
	struct terminal *t;

	TAILQ_FOREACH(t, &s->terminals, link)
	{
		if (t->pid == pid && t->phase == TERMINAL_RUNNING)
			break;
	}
	if (!t)
		return false;
	t->exited = true;
	t->status = status;
	snprintf(t->limit, sizeof(t->limit), "%s", limit);
	t->pid = 0;
	deadline_set(&s->deadlines, &t->grace, GRACE_MS, grace_passed, t);
	terminal_read_rest(t);
	terminal_output_ended(t);
	return true;
}

static void kill_late(void *data)
{
	struct terminal *t = data;

	if (t->pid > 0)
		warden_signal(&t->shim->warden, t->pid, SIGKILL);
}

void terminal_hang_up(struct terminal *t)
{
	if (t->phase != TERMINAL_RUNNING || t->pid <= 0)
		return;
	t->closed = true;
	/* The kernel hangs the rest of the session up when its leader ends. */
	warden_signal(&t->shim->warden, t->pid, t->tty ? SIGHUP : SIGTERM);
	warden_signal(&t->shim->warden, t->pid, SIGCONT);
	deadline_set(&t->shim->deadlines, &t->grace, HANG_UP_MS, kill_late, t);
}
