/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal's input: into the PTY, and what happens when it doesn't fit. */
#define _GNU_SOURCE
#include "shim/terminal_io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "shim/client.h"
#include "base/poison.h"

enum { STUCK_MS = 1000 };

static size_t pending(const struct terminal *t)
{
	return t->input.len - t->input_at;
}

bool terminal_has_input(const struct terminal *t)
{
	return pending(t) > 0;
}

static void pause_typists(struct terminal *t, bool pause)
{
	struct client *c;

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	{
		if (!c->read_only)
			client_pause(c, pause);
	}
}

static void drop_input(struct terminal *t)
{
	buf_done(&t->input);
	t->input_at = 0;
	t->input_stuck = false;
	deadline_clear(&t->shim->deadlines, &t->input_timer);
	pause_typists(t, false);
	terminal_update_events(t);
}

/* The program has read nothing for a while: who types must not be shut out of everything else (acks, ctrl-C)
 * for its sake. */
static void stuck_passed(void *data)
{
	struct terminal *t = data;

	t->input_stuck = true;
	pause_typists(t, false);
}

/* Writes to the PTY as much as it takes. -1: it is hung up. */
static ssize_t write_some(struct terminal *t, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(t->output[0], data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

void terminal_write_input(struct terminal *t)
{
	size_t done;

	if (!pending(t) || t->output[0] < 0)
		return;
	done = (size_t)write_some(t, t->input.data + t->input_at, pending(t));
	t->input_at += done;
	if (!pending(t)) {
		drop_input(t);
		return;
	}
	if (done)
		deadline_set(&t->shim->deadlines, &t->input_timer, STUCK_MS, stuck_passed, t);
	if (pending(t) < INPUT_LOW && !t->input_stuck)
		pause_typists(t, false);
}

/* The signal that the line discipline would make of a character, 0 if none. */
static int signal_of(const struct termios *mode, char c)
{
	static const struct {
		int index;
		int signo;
	} rows[] = { { VINTR, SIGINT }, { VQUIT, SIGQUIT }, { VSUSP, SIGTSTP } };

	for (size_t i = 0; (mode->c_lflag & ISIG) && i < ARRAY_SIZE(rows); i++) {
		if (mode->c_cc[rows[i].index] && mode->c_cc[rows[i].index] == (cc_t)c)
			return rows[i].signo;
	}
	return 0;
}

/* Behind a full PTY ctrl-C would wait for good: it acts at once, and what waits is discarded, as the
 * line discipline does. Returns how many bytes of `data` are done with. */
static size_t interrupt(struct terminal *t, const char *data, size_t len)
{
	struct termios mode;

	if (tcgetattr(t->output[0], &mode) < 0)
		return 0;
	for (size_t i = len; i-- > 0;) {
		int signo = signal_of(&mode, data[i]);

		if (!signo)
			continue;
		ioctl(t->output[0], TIOCSIG, signo);
		drop_input(t);
		return i + 1;
	}
	return 0;
}

static void queue_input(struct terminal *t, struct client *c, const char *data, size_t len)
{
	if (t->input_at >= pending(t) || t->input.len + len > INPUT_MOST) {
		buf_consume(&t->input, t->input_at);
		t->input_at = 0;
	}
	if (t->input_stuck || buf_add(&t->input, data, len) < 0) {
		t->input.failed = false;
		if (c && !c->input_lost)
			client_send_notice(c, SHIM_NOTICE_INPUT, t->id,
				"the program doesn't read: what is typed is lost");
		if (c)
			c->input_lost = true;
		return;
	}
	if (!t->input_timer.set)
		deadline_set(&t->shim->deadlines, &t->input_timer, STUCK_MS, stuck_passed, t);
	if (pending(t) > INPUT_HIGH)
		pause_typists(t, true);
	terminal_update_events(t);
}

/* Who types decides the size and the pace from now on. */
static void note_typist(struct terminal *t, struct client *c)
{
	t->input_ms = realtime_ms();
	t->typed_ms = monotonic_ms();
	if (!c || t->typist == c)
		return;
	t->typist = c;
	terminal_resize(t, c->rows, c->cols, c->label);
	terminal_check_window(t);
}

pid_t terminal_front_process(const struct terminal *t)
{
	pid_t front = t->output[0] >= 0 ? tcgetpgrp(t->output[0]) : -1;

	return front > 0 ? front : t->pid;
}

/* What is typed to shall answer soon, however busy others are. */
static void hasten_front(struct terminal *t)
{
	pid_t front = terminal_front_process(t);

	if (front == t->hastened || warden_hasten(&t->shim->warden, front) < 0)
		return;
	t->hastened = front;
}

void terminal_input(struct terminal *t, struct client *c, const void *data, size_t len)
{
	const char *at = data;
	size_t done;

	note_typist(t, c);
	if (!t->tty || t->output[0] < 0 || t->hung_up || !len)
		return;
	hasten_front(t);
	if (pending(t)) {
		done = interrupt(t, at, len);
		at += done;
		len -= done;
	}
	if (!pending(t) && len) {
		if (c)
			c->input_lost = false;
		done = (size_t)write_some(t, at, len);
		at += done;
		len -= done;
		if (len) { /* full: a ctrl-C among the rest must not wait */
			done = interrupt(t, at, len);
			at += done;
			len -= done;
		}
	}
	if (len)
		queue_input(t, c, at, len);
}
