/* SPDX-License-Identifier: Apache-2.0 */
/* mdocker-shim: options, log, leaving the caller; the rest is life.c's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "shim/options.h"
#include "shim/report.h"
#include "shim/shim.h"
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
 * and those of --stdio. */
static int keep_only(struct shim_options *o, struct md_error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int last = 3;

	if (null < 0)
		return md_fail_errno(err, "open /dev/null");
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
	if (keep_only(o, err) < 0 || open_log(o, err) < 0 || leave_caller(o, err) < 0 ||
		write_pid(o, err) < 0)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	struct shim_options o;
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
	code = shim_run(&o);
	shim_options_done(&o);
	return code;
}
