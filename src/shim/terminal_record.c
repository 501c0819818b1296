/* SPDX-License-Identifier: Apache-2.0 */
/* Recording a terminal: on request, or required by the workspace and then always. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "shim/client.h"
#include "base/poison.h"

enum {
	WRITE_MS = 1000,
	SCREEN_MOST = 4 << 20,
};

static void tell(struct terminal *t, const char *text)
{
	struct client *c;
	struct shim_msg m = { .type = SHIM_NOTICE,
		.notice = { .kind = SHIM_NOTICE_RECORDING,
			.terminal = t->id,
			.on = t->recording != NULL },
		.tail = text,
		.tail_len = strlen(text) + 1 };

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	{
		if (c->attached)
			client_send(c, &m);
	}
	terminal_announce(t);
}

static void stop(struct terminal *t, const char *why)
{
	char text[128];

	recording_close(t->recording);
	t->recording = NULL;
	deadline_clear(&t->shim->deadlines, &t->record_timer);
	snprintf(text, sizeof(text), "the recording has ended%s%s", *why ? ": " : "", why);
	tell(t, text);
}

static void begin_again(void *data)
{
	struct terminal *t = data;
	struct md_error err = MD_ERROR_INIT;

	if (t->phase == TERMINAL_RUNNING && !t->recording &&
		terminal_record(t, true, NULL, 0, &err) < 0)
		log_error("terminal %u is not recorded: %s", t->id, err.msg);
}

/* A required one that ended by itself, or could not begin, is tried again: not at once, for a flood must not fill or wear out
 * the disk. */
static void plan_next(struct terminal *t, uint64_t age)
{
	uint64_t apart = (uint64_t)t->shim->options->record_again * 1000;

	if (t->shim->options->record && t->phase == TERMINAL_RUNNING)
		deadline_set(&t->shim->deadlines, &t->record_timer, age < apart ? apart - age : 0,
			begin_again, t);
}

static void write_gathered(void *data)
{
	struct terminal *t = data;
	uint64_t age = recording_age(t->recording);
	int why;

	recording_flush(t->recording);
	why = recording_ended(t->recording);
	if (!why)
		return;
	stop(t, why == EFBIG ? "it reached its size limit" : strerror(why));
	plan_next(t, age);
}

/* After each event. One that was the last is told of later: we stand in the middle of feeding the screen. */
static void settle(struct terminal *t)
{
	struct deadlines *d = &t->shim->deadlines;

	if (recording_ended(t->recording))
		deadline_set(d, &t->record_timer, 0, write_gathered, t);
	else if (!t->record_timer.set)
		deadline_set(d, &t->record_timer, WRITE_MS, write_gathered, t);
}

void terminal_record_output(struct terminal *t, const void *data, size_t len)
{
	if (!t->recording)
		return;
	recording_output(t->recording, data, len);
	settle(t);
}

void terminal_record_size(struct terminal *t)
{
	if (!t->recording)
		return;
	recording_size(t->recording, t->rows, t->cols);
	settle(t);
}

void terminal_record_done(struct terminal *t)
{
	deadline_clear(&t->shim->deadlines, &t->record_timer);
	recording_close(t->recording);
	t->recording = NULL;
}

/* What is on the screen already: all that was ever shown if the ring still has it, else a picture. */
static void record_beginning(struct terminal *t)
{
	const struct screen_snapshot_options no_history = { .scrollback = 0 };
	_auto_buf_ struct buf picture = BUF_INIT(SCREEN_MOST);
	struct iovec pieces[2];

	if (t->shim->options->record && !t->was_recorded && ring_start(&t->ring) == 0 &&
		t->mark == 1) {
		ring_get(&t->ring, 0, (size_t)t->fed, pieces);
		for (size_t i = 0; i < 2; i++)
			recording_output(t->recording, pieces[i].iov_base, pieces[i].iov_len);
	} else if (t->screen && screen_snapshot(t->screen, &picture, &no_history) == 0) {
		recording_output(t->recording, picture.data, picture.len);
	}
	settle(t);
}

static int begin(struct terminal *t, int fd, struct md_error *err)
{
	const char *title = t->name[0] ? t->name : t->screen ? screen_title(t->screen) : "";
	const struct recording_head head = { t->rows, t->cols, title,
		t->command ? t->command : "" };

	if (t->phase != TERMINAL_RUNNING) {
		fd_close(&fd);
		return md_fail(err, ENOENT, "terminal %u has ended", t->id);
	}
	terminal_feed(t);
	t->recording = recording_new(fd, &head, t->shim->options->record_size);
	if (!t->recording)
		return md_fail_errno(err, "recording");
	record_beginning(t);
	t->was_recorded = true;
	tell(t, "this terminal is recorded");
	return 0;
}

/* A file that the warden was asked for; the terminal may be gone when it comes. */
struct wanted_file {
	struct shim *shim;
	uint32_t terminal;
};

static void file_came(const struct driver_result *r, uint32_t flags _unused_, void *data)
{
	struct wanted_file *w = data;
	struct terminal *t = terminal_find(w->shim, w->terminal);
	struct client *c = t ? client_find(t->shim, t->record_client) : NULL;
	struct md_error err = r->error;
	int fd = r->master;

	free(w);
	if (!t) {
		fd_close(&fd);
		return;
	}
	t->record_asked = false;
	if (err.code)
		fd_close(&fd);
	else
		begin(t, fd, &err);
	if (err.code) {
		log_error("terminal %u is not recorded: %s", t->id, err.msg);
		plan_next(t, 0);
	}
	if (c && err.code)
		client_send_error(c, t->record_serial, SHIM_RECORD, 0, &err);
	else if (c)
		client_send_done(c, t->record_serial);
}

static int ask_for_file(struct terminal *t, struct md_error *err)
{
	struct wanted_file *w = malloc(sizeof(*w));

	if (!w)
		return md_fail_errno(err, "recording");
	*w = (struct wanted_file){ t->shim, t->id };
	if (warden_record(&t->shim->warden, t->id, file_came, w, err) < 0) {
		free(w);
		return -1;
	}
	return 0;
}

bool terminal_may_record(const struct terminal *t, const struct client *c)
{
	const struct shim_options *o = t->shim->options;

	return t->tty && o->record_dir && !c->read_only &&
	       !(o->record && (c->flags & SHIM_HELLO_USER));
}

int terminal_record(
	struct terminal *t, bool on, struct client *c, uint32_t serial, struct md_error *err)
{
	if (!t->tty || t->phase != TERMINAL_RUNNING)
		return md_fail(err, ENOTTY, "terminal %u can't be recorded", t->id);
	if (t->record_asked)
		return md_fail(err, EBUSY, "a recording is about to begin");
	if (!on && t->shim->options->record && c && (c->flags & SHIM_HELLO_USER))
		return md_fail(err, EPERM, "terminals of this workspace are always recorded");
	if (on && !t->recording) {
		if (ask_for_file(t, err) < 0)
			return -1;
		t->record_asked = true;
		t->record_client = c ? c->id : 0;
		t->record_serial = serial;
		return 0;
	}
	if (!on && t->recording) {
		terminal_feed(t);
		stop(t, "");
	}
	if (c)
		client_send_done(c, serial);
	return 0;
}
