/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "cli/cli.h"
#include "cli/detach.h"
#include "base/poison.h"

enum { INPUT_CHUNK = 4096 };

struct joined {
	bool looked_at; /* by an admin */
	struct loop loop;
	struct loop_source keys, socket, signals;
	struct shim_client *client;
	struct terminal_session *session;
	struct detach detach;
	struct md_error *err;
	bool failed;
};

static struct termios saved_settings;
static bool settings_are_raw;

static void restore_settings(void)
{
	if (!settings_are_raw)
		return;
	settings_are_raw = false;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_settings);
}

static int make_raw(struct md_error *err)
{
	static bool registered;
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved_settings) < 0)
		return md_fail_errno(err, "stdin is no terminal");
	if (!registered)
		atexit(restore_settings);
	registered = true;
	raw = saved_settings;
	cfmakeraw(&raw);
	settings_are_raw = true;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return md_fail_errno(err, "setting the terminal to raw mode");
	return 0;
}

void terminal_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
	static const int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	struct winsize size;

	*ret_rows = *ret_cols = 0;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (ioctl(fds[i], TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
			continue;
		*ret_rows = size.ws_row;
		*ret_cols = size.ws_col;
		return;
	}
}

static void give_up(struct joined *j)
{
	j->failed = true;
	loop_stop(&j->loop);
}

/* A shim that has ended takes nothing more; how the command ended is still to be read. */
static void send_or_give_up(struct joined *j, struct shim_msg *m)
{
	if (shim_client_send(j->client, m, NULL, 0, j->err) < 0 && !shim_client_is_gone(j->err))
		give_up(j);
}

static void send_input(struct joined *j, const char *bytes, size_t len)
{
	struct shim_msg m = { .type = SHIM_INPUT, .tail = bytes, .tail_len = len };

	if (len)
		send_or_give_up(j, &m);
}

static void keys_ready(struct loop_source *s, uint32_t events)
{
	struct joined *j = s->data;
	char typed[INPUT_CHUNK], to_send[INPUT_CHUNK + 1];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));
	size_t len;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* The end of the terminal itself: its window was closed. */
	if (n <= 0) {
		j->session->detached = true;
		loop_stop(&j->loop);
		return;
	}
	if (!j->session->detach_keys) {
		send_input(j, typed, (size_t)n);
		return;
	}
	if (detach_filter(&j->detach, typed, (size_t)n, to_send, &len)) {
		j->session->detached = true;
		loop_stop(&j->loop);
	}
	send_input(j, to_send, len);
}

static void send_size(struct joined *j)
{
	struct shim_msg m = { .type = SHIM_RESIZE };

	terminal_size(&m.resize.rows, &m.resize.cols);
	if (m.resize.rows)
		send_or_give_up(j, &m);
}

static void signals_ready(struct loop_source *s, uint32_t events)
{
	struct joined *j = s->data;
	int sig;

	while ((sig = loop_take_signal(s)) > 0) {
		if (sig == SIGWINCH) {
			send_size(j);
			continue;
		}
		j->session->detached = true;
		loop_stop(&j->loop);
	}
}

static void say(const char *text)
{
	fprintf(stderr, "\r\n[" PROGRAM ": %s]\r\n", text);
}

/* An admin who looks at somebody's terminal is shown to all who are there. */
static void take_presence(struct joined *j, const struct shim_msg *m)
{
	const char *at = NULL, *s, *admin = NULL;
	char text[SHIM_MAX_LABEL + 64];

	while ((s = shim_next_string(m, &at))) {
		if (*s == 'c' || *s == 'l' || (*s == 's' && !admin))
			admin = s;
	}
	if (admin && !j->looked_at) {
		snprintf(text, sizeof(text), "the admin %.*s %s this terminal", SHIM_MAX_LABEL,
			admin + 1, *admin == 'c' ? "helps in" : "looks at");
		say(text);
	} else if (!admin && j->looked_at) {
		say("no admin looks at this terminal any more");
	}
	j->looked_at = admin != NULL;
}

static void take_error(struct joined *j, const struct shim_msg *m)
{
	/* A key that arrived in the moment of the end, or one pressed where only looking is
	 * allowed. */
	if (m->error.request == SHIM_INPUT || m->error.request == SHIM_RESIZE)
		return;
	if (m->error.exit_code)
		j->session->exit_code = (int)m->error.exit_code;
	md_fail(j->err, m->error.code, "%s", shim_string(m, 0));
	give_up(j);
}

static void take_message(struct joined *j, const struct shim_msg *m)
{
	switch (m->type) {
	case SHIM_OUTPUT:
	case SHIM_SNAPSHOT:
		if (fd_write_all(STDOUT_FILENO, m->tail, m->tail_len) < 0) {
			j->session->detached = true;
			loop_stop(&j->loop);
		}
		break;
	case SHIM_ATTACHED:
		j->session->terminal = m->attached.terminal;
		if (m->attached.flags & SHIM_ATTACHED_RECORDED)
			say("this terminal is recorded");
		break;
	case SHIM_PRESENCE:
		take_presence(j, m);
		break;
	case SHIM_NOTICE:
		say(shim_string(m, 0));
		break;
	case SHIM_EXIT:
		j->session->exit_code = m->exit.code;
		if (m->exit.reason != SHIM_EXIT_SELF)
			snprintf(j->session->reason, sizeof(j->session->reason), "%s",
				shim_string(m, 0));
		loop_stop(&j->loop);
		break;
	case SHIM_ERROR:
		take_error(j, m);
		break;
	}
}

/* All that has arrived; the loop tells again of what comes later. */
static void socket_ready(struct loop_source *s, uint32_t events)
{
	struct joined *j = s->data;
	struct shim_msg m;
	int r;

	while (!j->loop.stopped) {
		r = shim_client_receive(j->client, &m, 0, j->err);
		if (r < 0 && j->err->code == ETIMEDOUT)
			return;
		if (r == 0)
			md_fail(j->err, ECONNRESET,
				"the workspace's mdocker-shim closed the connection");
		if (r <= 0) {
			give_up(j);
			return;
		}
		take_message(j, &m);
	}
}

static int add_sources(struct joined *j)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	if (loop_add_signals(&j->loop, &j->signals, &set, signals_ready, j) < 0)
		return -1;
	if (loop_add_fd(&j->loop, &j->socket, j->client->fd, EPOLLIN, socket_ready, j) < 0)
		return -1;
	return loop_add_fd(&j->loop, &j->keys, STDIN_FILENO, EPOLLIN, keys_ready, j);
}

static int attach(struct joined *j)
{
	const struct terminal_session *s = j->session;
	/* The label is an empty string: who we are was said when the connection was opened. */
	struct shim_msg m = { .type = SHIM_ATTACH, .tail = "", .tail_len = 1 };

	m.attach.terminal = s->terminal;
	m.attach.flags =
		(s->create ? SHIM_ATTACH_CREATE : 0) | (s->read_only ? SHIM_ATTACH_READ_ONLY : 0);
	m.attach.from = s->from_start ? 0 : SHIM_NO_OFFSET;
	terminal_size(&m.attach.rows, &m.attach.cols);
	return shim_client_send(j->client, &m, NULL, 0, j->err);
}

int terminal_attach(struct shim_client *c, struct terminal_session *s, struct md_error *err)
{
	struct joined j = { .client = c,
		.session = s,
		.err = err,
		.keys = LOOP_SOURCE_INIT,
		.socket = LOOP_SOURCE_INIT,
		.signals = LOOP_SOURCE_INIT };

	s->exit_code = EXIT_CONTAINER;
	if (loop_open(&j.loop) < 0)
		return md_fail_errno(err, "event loop");
	if (add_sources(&j) < 0) {
		md_fail_errno(err, "stdin is no terminal that can be waited for");
		j.failed = true;
	} else if (make_raw(err) < 0 || attach(&j) < 0) {
		j.failed = true;
	} else if (loop_run(&j.loop) < 0) {
		md_fail_errno(err, "event loop");
		j.failed = true;
	}
	restore_settings();
	loop_remove(&j.loop, &j.keys);
	loop_remove(&j.loop, &j.socket);
	loop_remove(&j.loop, &j.signals);
	loop_close(&j.loop);
	return j.failed ? -1 : 0;
}
