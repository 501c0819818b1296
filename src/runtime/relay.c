/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "runtime/notify.h"
#include "sys/pty.h"
#include "base/poison.h"

int relay_open(struct relay *r, bool subreaper, struct md_error *err)
{
	/* These are about ourselves. */
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
		SIGPIPE, SIGTTIN, SIGTTOU, SIGTSTP };
	sigset_t set;

	/* sigfillset() leaves out what the C library keeps to itself. */
	memset(&set, 0xff, sizeof(set));
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(&set, own[i]);
	sigprocmask(SIG_SETMASK, &set, &r->old_mask);
	r->open = true;
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return md_fail_errno(err, "wait for signals");
	if (subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return md_fail_errno(err, "become the subreaper");
	return 0;
}

static void copy_size(const struct relay *r)
{
	struct winsize size;

	if (r->tty >= 0 && ioctl(r->tty, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col))
		(void)ioctl(r->master, TIOCSWINSZ, &size);
}

int relay_take_terminal(struct relay *r, int console, struct md_error *err)
{
	size_t count = 1;
	char name[64];

	if (sock_recv(console, name, sizeof(name), &r->master, &count) < 0 || count != 1)
		return md_fail_errno(err, "receive the container's terminal");
	if (isatty(STDIN_FILENO) && pty_make_raw(STDIN_FILENO) == 0)
		r->tty = STDIN_FILENO;
	copy_size(r);
	return 0;
}

void relay_close(struct relay *r)
{
	if (r->tty >= 0)
		pty_restore();
	r->tty = -1;
	fd_close(&r->master);
	fd_close(&r->signal_fd);
	if (r->open)
		sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	r->open = false;
}

/* Reaps all that have ended. True once `pid` is among them. */
static bool reap(pid_t pid, int *ret_code)
{
	bool ended = false;
	int status;
	pid_t p;

	while ((p = waitpid(-1, &status, WNOHANG)) > 0) {
		if (p == pid) {
			*ret_code = spawn_exit_code(status);
			ended = true;
		}
	}
	return ended;
}

static bool handle_signals(const struct relay *r, pid_t pid, int *ret_code)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(r->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ended |= reap(pid, ret_code);
		else if (info.ssi_signo == SIGWINCH)
			copy_size(r);
		else if (!ended)
			kill(pid, (int)info.ssi_signo);
	}
	return ended;
}

/* One read, written whole. False at the end of the stream. */
static bool pass_on(int from, int to)
{
	char data[16384];
	ssize_t n = read(from, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	return n > 0 && fd_write_all(to, data, (size_t)n) == 0;
}

/* What the process wrote last is still in the terminal. */
static void drain(const struct relay *r)
{
	struct pollfd p = { .fd = r->master, .events = POLLIN };

	while (r->master >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN)) {
		if (!pass_on(r->master, STDOUT_FILENO))
			return;
	}
}

int relay_run(struct relay *r, pid_t pid)
{
	bool input = r->master >= 0, output = r->master >= 0;
	int code = 0;

	while (!reap(pid, &code)) {
		struct pollfd p[] = {
			{ .fd = r->signal_fd, .events = POLLIN },
			{ .fd = output ? r->master : -1, .events = POLLIN },
			{ .fd = input ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = r->notify ? r->notify->fd : -1, .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			output = pass_on(r->master, STDOUT_FILENO);
		if (p[2].revents)
			input = pass_on(STDIN_FILENO, r->master);
		if (p[3].revents)
			notify_take(r->notify);
		if (p[0].revents && handle_signals(r, pid, &code))
			break;
	}
	drain(r);
	if (r->notify)
		notify_take(r->notify);
	return code;
}
