/* SPDX-License-Identifier: Apache-2.0 */
/* mdocker-shim: options, log, leaving the caller, parting into the warden and the holder. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "shim/confine.h"
#include "shim/options.h"
#include "shim/report.h"
#include "shim/shim.h"
#include "shim/warden.h"
#include "sys/haste.h"
#include "base/poison.h"

static int open_log(const struct shim_options *o, struct md_error *err)
{
	int fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return md_fail_errno(err, "open the log %s", o->log);
	log_open(fd, LOG_INFO, false);
	return 0;
}

/* stdio on /dev/null, and of what was inherited only the ready descriptor stays, as number 3,
 * those of --stdio and the lock. */
static int keep_only(struct shim_options *o, struct md_error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int lock = o->lock_fd < 0 ? -1 : fcntl((int)o->lock_fd, F_DUPFD_CLOEXEC, 16);
	unsigned int last = 3;

	if (null < 0)
		return md_fail_errno(err, "open /dev/null");
	if (o->lock_fd >= 0 && lock < 0)
		return md_fail_errno(err, "option --lock-fd");
	if (o->ready_fd >= 0 && o->ready_fd < 3)
		return md_fail(err, EINVAL, "option --ready-fd: 0, 1 and 2 can't be used");
	/* Above all others for now, and where they stay: 4, 5, 6. */
	for (int fd = 0; o->stdio && fd < 3; fd++) {
		o->std[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 16);
		if (o->std[fd] < 0)
			return md_fail_errno(err, "option --stdio");
	}
	for (int fd = 0; fd < (o->foreground ? 1 : 3); fd++) {
		if (dup2(null, fd) < 0)
			return md_fail_errno(err, "standard input and output");
	}
	if (o->ready_fd >= 0) {
		if (o->ready_fd != 3 && dup2((int)o->ready_fd, 3) < 0)
			return md_fail_errno(err, "option --ready-fd");
		o->ready_fd = 3;
		if (fd_set_cloexec(3, true) < 0)
			return md_fail_errno(err, "option --ready-fd");
	}
	for (int i = 0; o->stdio && i < 3; i++) {
		if (dup3(o->std[i], 4 + i, O_CLOEXEC) < 0)
			return md_fail_errno(err, "option --stdio");
		o->std[i] = 4 + i;
		last = 7;
	}
	if (last == 3 && o->ready_fd >= 0)
		last = 4;
	else if (o->ready_fd < 0)
		close(3);
	if (lock >= 0) {
		if (dup3(lock, (int)last, O_CLOEXEC) < 0)
			return md_fail_errno(err, "option --lock-fd");
		o->lock_fd = last++;
	}
	if (fd_close_from(last) < 0)
		return md_fail_errno(err, "close inherited descriptors");
	return 0;
}

/* Leaves the caller's session. Returns in the new process only. */
static int leave_caller(const struct shim_options *o, struct md_error *err)
{
	pid_t pid;

	umask(077);
	if (o->foreground)
		return 0;
	pid = fork();
	if (pid < 0)
		return md_fail_errno(err, "fork");
	if (pid > 0)
		_exit(0);
	if (setsid() < 0)
		return md_fail_errno(err, "leave the caller's session");
	return 0;
}

static int write_pid(const struct shim_options *o, struct md_error *err)
{
	_auto_free_ char *text = str_format("%d\n", getpid());

	if (!o->pid_file)
		return 0;
	if (!text || file_write_atomic(AT_FDCWD, o->pid_file, text, strlen(text), 0600) < 0)
		return md_fail_errno(err, "write %s", o->pid_file);
	return 0;
}

static int prepare(struct shim_options *o, struct md_error *err)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (keep_only(o, err) < 0 || open_log(o, err) < 0 || leave_caller(o, err) < 0 ||
		write_pid(o, err) < 0)
		return -1;
	/* From here on the next start finds us. */
	if (o->lock_fd >= 0)
		close((int)o->lock_fd);
	o->lock_fd = -1;
	return 0;
}

/* The holder's process, from its birth to its end. */
static _noreturn_ void run_holder(const struct shim_options *o, struct warden *w, int fd)
{
	struct shim_start start = { .warden_fd = fd,
		.listen_fd = w->listen_fd,
		.output_log_fd = w->output_log_fd,
		.old_log_fd = w->old_log_fd,
		.template = w->template,
		.shim_pid = getppid(),
		.uid = geteuid() };
	struct md_error err = MD_ERROR_INIT;

	warden_abandon(w);
	haste(0);
	/* The kernel ends us with the warden, whatever we are about. */
	if (confine_identity((uid_t)o->uid, &err) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
		chdir("/") < 0) {
		log_error("the half without privilege: %s", err.code ? err.msg : strerror(errno));
		_exit(1);
	}
	_exit(shim_run(o, &start));
}

/* Parts into the two halves. */
static int run(const struct shim_options *o, struct warden *w, struct md_error *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "the pair of sockets");
	pid = fork();
	if (pid < 0)
		return md_fail_errno(err, "fork");
	if (pid == 0) {
		close(pair[0]);
		run_holder(o, w, pair[1]);
	}
	close(pair[1]);
	for (int i = 0; i < 3; i++) {
		if (o->std[i] >= 0)
			close(o->std[i]);
	}
	return warden_serve(w, pair[0], pid);
}

int main(int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct shim_options o;
	struct warden w;
	int code, ready;

	log_init("mdocker-shim");
	if (shim_options_parse(&o, argc, argv, &err) < 0) {
		fprintf(stderr, "mdocker-shim: %s\n", err.msg);
		return 125;
	}
	if (prepare(&o, &err) < 0) {
		log_error("%s", err.msg);
		ready = (int)o.ready_fd;
		report_failure(&ready, "daemon", &err, 0);
		return 125;
	}
	code = warden_open(&w, &o, &err) < 0 ? -1 : run(&o, &w, &err);
	if (code < 0) {
		log_error("%s", err.msg);
		w.failed_stage = strdup("options");
		w.failure = err;
	}
	warden_close(&w);
	shim_options_done(&o);
	return code < 0 ? 125 : code;
}
