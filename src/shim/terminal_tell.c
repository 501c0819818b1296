/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a terminal: in lists, at its end, to the clients that watch, and in recordings. */
#define _GNU_SOURCE
#include "shim/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "shim/client.h"
#include "base/poison.h"

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
	if (err.code)
		log_error("terminal %u is not recorded: %s", t->id, err.msg);
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
