/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal's life: start, end, what is told about it. Its bytes: terminal_io.c and terminal_input.c. */
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
	SCREEN_CEILING = 8 << 20,
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
	recording_close(t->recording);
	free_contents(t);
	process_spec_done(&t->spec);
	free(t->command);
	TAILQ_REMOVE(&s->terminals, t, link);
	free(t);
}

/* Of those that ended, the newest stay whole, more are remembered, the others go. */
static void forget_old(struct shim *s)
{
	struct terminal *t, *before;
	size_t ended = 0;

	for (t = TAILQ_LAST(&s->terminals, terminal_list); t; t = before) {
		before = TAILQ_PREV(t, terminal_list, link);
		if (t->phase != TERMINAL_ENDED || !TAILQ_EMPTY(&t->clients))
			continue;
		ended++;
		if (ended > TERMINAL_REMEMBERED)
			terminal_free(t);
		else if (ended > TERMINAL_KEPT)
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
	recording_close(t->recording);
	t->recording = NULL;
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

static uint32_t position_of(const struct terminal *t)
{
	const struct terminal *x;
	uint32_t position = 0;

	TAILQ_FOREACH(x, &t->shim->terminals, link)
	{
		if (x == t)
			break;
		position += x->phase != TERMINAL_ENDED;
	}
	return position;
}

void terminal_describe(const struct terminal *t, struct shim_msg *m, struct buf *tail)
{
	const struct client *c;
	uint32_t clients = 0;

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	clients++;
	*m = (struct shim_msg){ .type = SHIM_TERMINAL,
		.terminal = { .terminal = t->id,
			.flags = (t->tty ? SHIM_TERMINAL_TTY : 0) |
				 (t->phase == TERMINAL_ENDED ? SHIM_TERMINAL_ENDED : 0) |
				 (t->main ? SHIM_TERMINAL_MAIN : 0) |
				 (t->recording ? SHIM_TERMINAL_RECORDED : 0),
			.position = position_of(t),
			.pid = (uint32_t)t->pid,
			.clients = clients,
			.exit = t->exited ? spawn_exit_code(t->status) : 0,
			.rows = t->rows,
			.cols = t->cols,
			.offset = t->ring.end,
			.started_ms = t->started_ms,
			.output_ms = t->output_ms,
			.input_ms = t->input_ms } };
	buf_reset(tail);
	shim_add_string(tail, t->name);
	shim_add_string(tail, t->screen ? screen_title(t->screen) : "");
	shim_add_string(tail, t->command);
	m->tail = tail->data;
	m->tail_len = tail->len;
}

void terminal_describe_exit(const struct terminal *t, struct shim_msg *m, struct buf *tail)
{
	bool killed = t->exited && WIFSIGNALED(t->status);

	*m = (struct shim_msg){ .type = SHIM_EXIT,
		.exit = { .terminal = t->id,
			.code = t->exited ? spawn_exit_code(t->status) : 128 + SIGKILL,
			.signal = killed      ? (uint32_t)WTERMSIG(t->status)
				  : t->exited ? 0
					      : SIGKILL,
			.reason = t->reason } };
	buf_reset(tail);
	shim_add_string(tail, t->exit_text);
	m->tail = tail->data;
	m->tail_len = tail->len;
}

void terminal_announce(struct terminal *t)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct client *c;
	struct shim_msg m;

	terminal_describe(t, &m, &tail);
	TAILQ_FOREACH(c, &t->shim->clients, link)
	{
		if (c->flags & SHIM_HELLO_WATCH)
			client_send(c, &m);
	}
}

static void tell_recording(struct terminal *t)
{
	struct client *c;

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	{
		if (c->attached)
			client_send_notice(c, SHIM_NOTICE_RECORDING, t->id,
				t->recording ? "this terminal is being recorded"
					     : "the recording has ended");
	}
	terminal_announce(t);
}

/* The beginning may be in the ring already. */
static void record_beginning(struct terminal *t)
{
	struct iovec pieces[2];

	if (ring_start(&t->ring) != 0)
		return;
	ring_get(&t->ring, 0, (size_t)t->fed, pieces);
	for (size_t i = 0; i < 2; i++)
		recording_output(t->recording, pieces[i].iov_base, pieces[i].iov_len);
}

static void record_file_came(const struct driver_result *r, uint32_t flags _unused_, void *data)
{
	struct terminal *t = terminal_find(data, (uint32_t)r->pid);
	struct client *c = t ? client_find(t->shim, t->record_client) : NULL;
	struct md_error err = r->error;
	int fd = r->master;

	if (!t || !t->record_asked) {
		fd_close(&fd);
		return;
	}
	t->record_asked = false;
	if (!err.code && t->phase == TERMINAL_RUNNING) {
		t->recording = recording_new(
			fd, t->rows, t->cols, t->command, t->shim->options->record_size);
		if (!t->recording)
			md_fail_errno(&err, "recording");
	} else {
		fd_close(&fd);
	}
	if (c && err.code)
		client_send_error(c, t->record_serial, SHIM_RECORD, 0, &err);
	else if (c)
		client_send_done(c, t->record_serial);
	if (t->recording && t->shim->options->record)
		record_beginning(t);
	if (t->recording)
		tell_recording(t);
}

int terminal_record(
	struct terminal *t, bool on, const struct client *c, uint32_t serial, struct md_error *err)
{
	if (!t->tty || t->phase != TERMINAL_RUNNING)
		return md_fail(err, ENOTTY, "terminal %u can't be recorded", t->id);
	if (t->record_asked)
		return md_fail(err, EBUSY, "a recording is about to begin");
	if (on && !t->recording) {
		if (warden_record(&t->shim->warden, t->id, record_file_came, t->shim, err) < 0)
			return -1;
		t->record_asked = true;
		t->record_client = c ? c->id : 0;
		t->record_serial = serial;
		return 0;
	}
	if (!on && t->recording) {
		terminal_feed(t);
		recording_close(t->recording);
		t->recording = NULL;
		tell_recording(t);
	}
	if (c)
		client_send_done(client_find(t->shim, c->id), serial);
	return 0;
}
