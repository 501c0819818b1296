/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_logs.c - `mdocker logs`: what a main command in the background wrote. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "json/json_read.h"
#include "base/poison.h"

/* A line of the log is one read of the shim's at most, escaped. */
enum { LINE_CEILING = 1 << 20, READ_CHUNK = 64 << 10 };

struct logs_options {
	bool follow;
	int64_t tail;
};

static const struct args_option options[] = {
	{ "follow", 'f', ARGS_FLAG, offsetof(struct logs_options, follow), NULL,
		"go on until the workspace stops" },
	{ "tail", 'n', ARGS_INT, offsetof(struct logs_options, tail), "N",
		"the last N entries (all)" },
	ARGS_END,
};

/* A log while it is read. */
struct reader {
	int fd;             /* owned */
	struct buf pending; /* of a line whose end is to come */
	bool told;          /* that a line is damaged */
};

#define READER_INIT(descriptor)                                                                    \
	{                                                                                          \
		.fd = (descriptor), .pending = BUF_INIT(LINE_CEILING)                              \
	}

static void reader_done(struct reader *r)
{
	fd_close(&r->fd);
	buf_done(&r->pending);
}

/* {"log","stream","time"}: to the stream that it came from. A line that a power cut left half hides no other. */
static void print_line(struct reader *r, const char *line, size_t len)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	const char *text = "", *stream = "stdout";
	struct md_error err = MD_ERROR_INIT;
	struct json_node root;

	if (json_parse(&doc, line, len, &err) == 0 && json_root(&doc, &root, &err) == 0 &&
		json_get_string(&root, "log", &text, &err) >= 0 &&
		json_get_string(&root, "stream", &stream, &err) >= 0)
		fputs(text, str_eq(stream, "stderr") ? stderr : stdout);
	else if (!r->told)
		log_warning("the log is damaged, a part of it is left out: %s", err.msg);
	r->told = r->told || err.code;
}

/* Prints the whole lines that have come, keeps the rest of one. */
static int print_new(struct reader *r, struct md_error *err)
{
	struct buf *pending = &r->pending;
	struct stat st;

	/* The shim empties a log that is full. */
	if (fstat(r->fd, &st) == 0 && st.st_size < lseek(r->fd, 0, SEEK_CUR)) {
		buf_reset(pending);
		lseek(r->fd, 0, SEEK_SET);
	}
	for (;;) {
		char *room = buf_reserve(pending, READ_CHUNK);
		ssize_t n = room ? read(r->fd, room, READ_CHUNK) : -1;
		char *end;

		if (n < 0)
			return md_fail_errno(err, "reading the log");
		if (n == 0)
			break;
		buf_grew(pending, (size_t)n);
		while ((end = memchr(pending->data, '\n', pending->len))) {
			size_t len = (size_t)(end - pending->data);

			print_line(r, pending->data, len);
			buf_consume(pending, len + 1);
		}
	}
	return fflush(stdout) == 0 ? 0 : md_fail_errno(err, "writing the log");
}

/* Moves the file's position to its last *n entries, and takes off *n how many those are. */
static int seek_tail(int fd, int64_t *n)
{
	_auto_free_ char *text = NULL;
	size_t at, len;

	if (fd_read_to_end(fd, SIZE_MAX / 2, &text, &len) < 0)
		return -1;
	for (at = len; at > 0 && *n > 0; --*n) {
		at--; /* the entry's own newline */
		while (at > 0 && text[at - 1] != '\n')
			at--;
	}
	return lseek(fd, (off_t)at, SEEK_SET) < 0 ? -1 : 0;
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* Woken by each write to the log; ends with the shim, whose connection then breaks. */
static int follow(struct reader *r, const char *path, int connection, struct md_error *err)
{
	_auto_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd fds[2];

	if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY) < 0)
		return md_fail_errno(err, "watching '%s'", path);
	fds[0] = (struct pollfd){ .fd = watch, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = connection, .events = POLLRDHUP };
	while (connection >= 0 && !fds[1].revents) {
		if (print_new(r, err) < 0)
			return -1;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return md_fail_errno(err, "poll");
		drain(watch);
	}
	return print_new(r, err);
}

/* What the shim has moved aside since the log was full (output_log.h): the last `tail` entries of it, all if that is negative. */
static int print_old(const char *path, int64_t tail, struct md_error *err)
{
	_auto_(reader_done) struct reader r = READER_INIT(open(path, O_RDONLY | O_CLOEXEC));

	if (r.fd < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "log '%s'", path);
	if (tail >= 0 && seek_tail(r.fd, &tail) < 0)
		return md_fail_errno(err, "log '%s'", path);
	return print_new(&r, err);
}

static int show(const struct logs_options *o, struct engine *e, const struct workspace *w,
	struct md_error *err)
{
	_auto_free_ char *path = engine_path(e, w->id, "log");
	_auto_free_ char *old = path ? str_format("%s.1", path) : NULL;
	_auto_shim_client_ struct shim_client shim = SHIM_CLIENT_INIT;
	_auto_(reader_done) struct reader r = READER_INIT(-1);
	int64_t tail = o->tail;

	if (!old)
		return md_fail_errno(err, "log");
	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0 && errno == ENOENT)
		return 0; /* it has written nothing */
	if (r.fd < 0)
		return md_fail_errno(err, "log '%s'", path);
	if (tail >= 0 && seek_tail(r.fd, &tail) < 0)
		return md_fail_errno(err, "log '%s'", path);
	if (tail != 0 && print_old(old, tail, err) < 0)
		return -1;
	if (!o->follow)
		return print_new(&r, err);
	/* Of a stopped workspace there is nothing to wait for. */
	if (session_open(e, w, &shim, err) < 0 && err->code != ESRCH)
		return -1;
	return follow(&r, path, shim.fd, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct logs_options o = { .tail = -1 };
	int count;
	int code = cli_parse(c, &o, argc, argv, false, 1, 1, &count);

	if (code >= 0)
		return code;
	if (engine_open(&e, cli_engine_options(), &err) < 0 ||
		engine_find(&e, argv[0], &w, &err) < 0 || show(&o, &e, &w, &err) < 0)
		return cli_fail(&err, 1);
	return 0;
}

const struct args_command cmd_logs = {
	.name = "logs",
	.summary = "Show what a workspace's main command wrote",
	.usage = "logs [-f] [--tail N] WORKSPACE",
	.text = "Kept is what was written in the background (`run -d`, `start`).",
	.options = options,
	.run = run,
};
