/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll(2) instead of the event loop: our stdin may be a regular file, which epoll refuses.
 */
#define _GNU_SOURCE
#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

enum { PIPE_BYTES = 64 << 10, AT_SOCKET = RELAY_STREAMS, AT_SIGNALS, POLLED };

/* One direction: for stdin (i 0) theirs is the reading end, for the outputs the writing one. */
static int open_pipe(struct relay *r, int i, int ours)
{
	int ends[2];

	r->pipes[i].data = malloc(PIPE_BYTES);
	if (!r->pipes[i].data || pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	r->theirs[i] = ends[i == 0 ? 0 : 1];
	r->pipes[i].from = i == 0 ? ours : ends[0];
	r->pipes[i].to = i == 0 ? ends[1] : ours;
	/* A process that doesn't read its stdin must not keep us from copying its output. */
	return i == 0 ? fd_set_nonblock(ends[1], true) : 0;
}

int relay_open(struct relay *r, bool input, struct md_error *err)
{
	*r = (struct relay){ .theirs = { -1, -1, -1 } };
	for (int i = 0; i < RELAY_STREAMS; i++)
		r->pipes[i].from = r->pipes[i].to = -1;
	for (int i = input ? 0 : 1; i < RELAY_STREAMS; i++) {
		int ours = fcntl(i, F_DUPFD_CLOEXEC, 3);

		if (ours < 0 || open_pipe(r, i, ours) < 0) {
			md_fail_errno(err, "pipes for the process");
			if (r->pipes[i].from != ours && r->pipes[i].to != ours)
				fd_close(&ours);
			relay_close(r);
			return -1;
		}
	}
	if (!input)
		r->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

void relay_given(struct relay *r)
{
	for (int i = 0; i < RELAY_STREAMS; i++)
		fd_close(&r->theirs[i]);
}

static void close_pipe(struct relay_pipe *p)
{
	fd_close(&p->from);
	fd_close(&p->to);
	p->len = 0;
}

void relay_close(struct relay *r)
{
	relay_given(r);
	for (int i = 0; i < RELAY_STREAMS; i++) {
		close_pipe(&r->pipes[i]);
		free(r->pipes[i].data);
		r->pipes[i].data = NULL;
	}
}

/* What this direction waits for. */
static struct pollfd wish(const struct relay_pipe *p)
{
	struct pollfd f = { .fd = -1 };

	if (p->len)
		f = (struct pollfd){ .fd = p->to, .events = POLLOUT };
	else if (p->from >= 0)
		f = (struct pollfd){ .fd = p->from, .events = POLLIN };
	return f;
}

static void copy(struct relay_pipe *p)
{
	ssize_t n;

	if (!p->len) {
		n = read(p->from, p->data, PIPE_BYTES);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n <= 0) {
			close_pipe(p);
			return;
		}
		p->start = 0;
		p->len = (size_t)n;
	}
	n = write(p->to, p->data + p->start, p->len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		close_pipe(p);
		return;
	}
	p->start += (size_t)n;
	p->len -= (size_t)n;
}

static int watch_signals(sigset_t *ret_old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, ret_old);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int forward_signal(
	int signals, struct shim_client *c, uint32_t terminal, struct md_error *err)
{
	struct signalfd_siginfo info;
	struct shim_msg m = { .type = SHIM_SIGNAL };

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	m.signal.terminal = terminal;
	m.signal.signo = info.ssi_signo;
	/* The shim ends with its main command: a message that it no longer takes is no failure. */
	return shim_client_send(c, &m, NULL, 0, err) < 0 && !shim_client_is_gone(err) ? -1 : 0;
}

/* 1 when the process has ended, 0 not yet, -1. The end of the connection is an end too. */
static int take_message(
	struct shim_client *c, uint32_t terminal, int *ret_exit, struct md_error *err)
{
	struct shim_msg m;
	int r = shim_client_receive(c, &m, 0, err);

	if (r < 0 && !shim_client_is_gone(err))
		return err->code == ETIMEDOUT ? 0 : -1;
	if (r <= 0)
		return 1;
	if (m.type == SHIM_ERROR && m.error.request == SHIM_WAIT)
		return md_fail(err, m.error.code, "%s", shim_string(&m, 0));
	if (m.type != SHIM_EXIT || m.exit.terminal != terminal)
		return 0;
	*ret_exit = m.exit.code;
	return 1;
}

static bool output_pending(const struct relay *r)
{
	return r->pipes[1].len || r->pipes[2].len;
}

static int run(struct relay *r, struct shim_client *c, uint32_t terminal, int signals, bool ended,
	int *ret_exit, struct md_error *err)
{

	for (;;) {
		struct pollfd fds[POLLED];
		int done = 0, ready;

		for (int i = 0; i < RELAY_STREAMS; i++)
			fds[i] = wish(&r->pipes[i]);
		fds[AT_SOCKET] = (struct pollfd){ .fd = ended ? -1 : c->fd, .events = POLLIN };
		fds[AT_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
		/* All that the process itself wrote is in the pipes when it has ended. A child of
		   it that stays may keep them open for good: not waited for. */
		if (ended)
			fds[0].fd = fds[AT_SIGNALS].fd = -1;
		ready = poll(fds, POLLED, ended && !output_pending(r) ? 0 : -1);
		if (ready < 0 && errno != EINTR)
			return md_fail_errno(err, "poll");
		if (ended && ready == 0)
			return 0;
		for (int i = 0; i < RELAY_STREAMS; i++) {
			if (fds[i].revents)
				copy(&r->pipes[i]);
		}
		if (fds[AT_SIGNALS].revents && !ended &&
			forward_signal(signals, c, terminal, err) < 0)
			return -1;
		if (fds[AT_SOCKET].revents)
			done = take_message(c, terminal, ret_exit, err);
		if (done < 0)
			return -1;
		ended = ended || done;
	}
}

int relay_run(struct relay *r, struct shim_client *c, uint32_t terminal, int *ret_exit,
	struct md_error *err)
{
	struct shim_msg wait = { .type = SHIM_WAIT, .ref = { .terminal = terminal } };
	_auto_close_ int signals = -1;
	sigset_t old;
	bool ended;
	int result;

	*ret_exit = -1;
	signals = watch_signals(&old);
	if (signals < 0)
		return md_fail_errno(err, "signals");
	ended = c->fd < 0;
	result = ended ? 0 : shim_client_send(c, &wait, NULL, 0, err);
	if (result < 0 && shim_client_is_gone(err)) {
		ended = true;
		result = 0;
	}
	if (result == 0)
		result = run(r, c, terminal, signals, ended, ret_exit, err);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}
