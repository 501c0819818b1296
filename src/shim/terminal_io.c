/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal's output: reading, spreading, holding back. */
#define _GNU_SOURCE
#include "shim/terminal_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "shim/client.h"
#include "base/poison.h"

enum {
	READ_MOST = 64 * 1024, /* of one terminal, before the others have their turn */
	DRAINED = 2048,        /* a read shorter than this has emptied the PTY (it holds 4 KiB) */
	FLUSH_MS = 2,
	ECHO_MS = 50,     /* output so soon after a key isn't made to wait... */
	ECHO_MOST = 4096, /* ... if it isn't a flood */
	STALL_MS = 10000,
	RETITLE_MS = 100, /* a program may set titles in a flood */
};

void terminal_apply_size(struct terminal *t)
{
	struct winsize size = { .ws_row = t->rows, .ws_col = t->cols };

	if (t->output[0] >= 0)
		ioctl(t->output[0], TIOCSWINSZ, &size);
}

void terminal_resize(struct terminal *t, uint16_t rows, uint16_t cols, const char *by)
{
	if (!t->tty || !rows || !cols || t->phase == TERMINAL_ENDED)
		return;
	rows = MD_MIN(rows, TERMINAL_MAX_ROWS);
	cols = MD_MIN(MD_MAX(cols, SCREEN_MIN_COLS), TERMINAL_MAX_COLS);
	if (rows == t->rows && cols == t->cols)
		return;
	/* What was written for the old size must be seen with it. */
	terminal_feed(t);
	if (screen_resize(t->screen, rows, cols) < 0) {
		log_warning("terminal %u: no memory for %ux%u", t->id, cols, rows);
		return;
	}
	t->rows = rows;
	t->cols = cols;
	snprintf(t->sized_by, sizeof(t->sized_by), "%s", by ? by : "");
	t->mark++;
	t->marks[t->mark % TERMINAL_MARKS] = (struct size_mark){ t->ring.end, rows, cols };
	terminal_record_size(t);
	terminal_apply_size(t);
	terminal_flush(t);
}

void terminal_feed(struct terminal *t)
{
	while (t->ring.map && t->fed < t->ring.end) {
		struct iovec pieces[2];
		size_t len = ring_get(&t->ring, t->fed, READ_MOST, pieces);

		for (size_t i = 0; i < 2; i++) {
			if (!pieces[i].iov_len)
				continue;
			if (t->screen)
				screen_feed(t->screen, pieces[i].iov_base, pieces[i].iov_len);
			if (t->tty && t->logged)
				output_log_write(&t->shim->output_log, OUTPUT_STDOUT,
					pieces[i].iov_base, pieces[i].iov_len);
			terminal_record_output(t, pieces[i].iov_base, pieces[i].iov_len);
		}
		t->fed += len;
	}
}

static void retitled_passed(void *data)
{
	terminal_announce(data);
}

void terminal_flush(struct terminal *t)
{
	struct client *c;

	deadline_clear(&t->shim->deadlines, &t->flush);
	t->flushed = t->ring.end;
	t->flushed_ms = monotonic_ms();
	TAILQ_FOREACH(c, &t->clients, terminal_link)
	client_pump(c);
	terminal_feed(t);
	shim_output_seen(t->shim);
	if (t->screen && screen_title_changes(t->screen) != t->titles) {
		t->titles = screen_title_changes(t->screen);
		if (!t->retitled.set)
			deadline_set(
				&t->shim->deadlines, &t->retitled, RETITLE_MS, retitled_passed, t);
	}
	terminal_check_window(t);
}

static void flush_passed(void *data)
{
	terminal_flush(data);
}

/* Output is sent at once after a pause or a key, else gathered for 2 ms or 64 KiB. */
static void schedule_flush(struct terminal *t)
{
	uint64_t now = monotonic_ms();
	uint64_t pending = t->ring.end - t->flushed;

	if (pending >= READ_MOST || now - t->flushed_ms >= FLUSH_MS ||
		(pending <= ECHO_MOST && now - t->typed_ms <= ECHO_MS))
		terminal_flush(t);
	else if (!t->flush.set)
		deadline_set(&t->shim->deadlines, &t->flush, FLUSH_MS, flush_passed, t);
}

/* Reads one descriptor: what is there, up to READ_MOST. */
static void read_output(struct terminal *t, size_t which)
{
	int fd = t->output[which];
	size_t total = 0;
	ssize_t n = 0;

	while (total < READ_MOST) {
		size_t room;
		void *to;

		if (t->ring.end - t->fed > t->ring.size - 2 * RING_MAX_ROOM)
			terminal_feed(t);
		to = ring_room(&t->ring, &room);
		n = read(fd, to, room);
		if (n <= 0)
			break;
		if (!t->tty)
			output_log_write(&t->shim->output_log,
				which ? OUTPUT_STDERR : OUTPUT_STDOUT, to, (size_t)n);
		ring_grew(&t->ring, (size_t)n);
		total += (size_t)n;
		if (n < DRAINED)
			break;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		loop_remove(&t->shim->loop, &t->sources[which]);
		fd_close(&t->output[which]);
		t->hung_up = true;
	}
	if (total) {
		t->output_ms = realtime_ms();
		schedule_flush(t);
	}
}

void terminal_read_rest(struct terminal *t)
{
	for (size_t i = 0; i < 2; i++) {
		uint64_t before;

		do {
			before = t->ring.end;
			if (t->output[i] >= 0 && !t->held)
				read_output(t, i);
		} while (t->ring.end != before);
	}
}

void terminal_ready(struct loop_source *s, uint32_t events)
{
	struct terminal *t = s->data;
	size_t which = s == &t->sources[1];

	if (events & EPOLLOUT)
		terminal_write_input(t);
	if (t->held) {
		/* A hang-up is told again and again until it was read, and now isn't the time. */
		if (events & (EPOLLHUP | EPOLLERR)) {
			t->hung_up = true;
			terminal_update_events(t);
		}
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_output(t, which);
	terminal_output_ended(t);
}

void terminal_update_events(struct terminal *t)
{
	struct loop *loop = &t->shim->loop;

	for (size_t i = 0; i < 2; i++) {
		uint32_t events = t->held ? 0 : EPOLLIN;

		if (t->output[i] < 0)
			continue;
		if (i == 0 && terminal_has_input(t) && !t->hung_up)
			events |= EPOLLOUT;
		if (!events) /* not in the loop at all: it would tell a hang-up without end */
			loop_remove(loop, &t->sources[i]);
		else if (t->sources[i].fd < 0)
			loop_add_fd(loop, &t->sources[i], t->output[i], events, terminal_ready, t);
		else
			loop_change(loop, &t->sources[i], events);
	}
}

static void stalled_passed(void *data)
{
	struct terminal *t = data;

	log_info("terminal %u: its typist doesn't take the output, it goes on without", t->id);
	t->typist = NULL;
	terminal_check_window(t);
}

void terminal_progress(struct terminal *t, const struct client *c)
{
	if (c != t->typist)
		return;
	if (t->held)
		deadline_set(&t->shim->deadlines, &t->stalled, STALL_MS, stalled_passed, t);
	terminal_check_window(t);
}

void terminal_check_window(struct terminal *t)
{
	const struct client *c = t->typist;
	uint64_t behind = 0;
	bool hold = false;

	if (c && c->attached && !c->stale)
		behind = t->ring.end - (c->acks ? c->acked : c->next);
	if (c)
		hold = behind > (t->held ? c->window / 4 : c->window);
	if (t->phase != TERMINAL_RUNNING || hold == t->held)
		return;
	t->held = hold;
	if (hold)
		deadline_set(&t->shim->deadlines, &t->stalled, STALL_MS, stalled_passed, t);
	else
		deadline_clear(&t->shim->deadlines, &t->stalled);
	terminal_update_events(t);
}
