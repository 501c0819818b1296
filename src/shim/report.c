/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "json/json_write.h"
#include "shim/deadline.h"
#include "base/poison.h"

static void tell(int *fd, struct buf *line)
{
	buf_add_char(line, '\n');
	if (!line->failed && fd_write_all(*fd, line->data, line->len) < 0)
		log_warning("nobody reads what is reported: %s", strerror(errno));
	fd_close(fd);
}

void report_ready(int *fd, pid_t init)
{
	_auto_buf_ struct buf line = BUF_INIT(4096);
	struct json_writer w = { .out = &line };

	if (*fd < 0)
		return;
	json_object_begin(&w, NULL);
	json_add_string(&w, "stage", "ready");
	json_add_i64(&w, "pid", getpid());
	json_add_i64(&w, "init", init);
	json_object_end(&w);
	tell(fd, &line);
}

void report_failure(int *fd, const char *stage, const struct md_error *why, int exit_code)
{
	_auto_buf_ struct buf line = BUF_INIT(8192);
	struct json_writer w = { .out = &line };

	if (*fd < 0)
		return;
	json_object_begin(&w, NULL);
	json_add_string(&w, "stage", stage);
	json_add_string(&w, "error", why->msg);
	json_add_i64(&w, "exit", exit_code ? exit_code : 125);
	json_object_end(&w);
	tell(fd, &line);
}

void report_exit(const char *path, const struct shim_exit *e, const char *text)
{
	_auto_buf_ struct buf line = BUF_INIT(8192);
	struct json_writer w = { .out = &line };

	if (!path)
		return;
	json_object_begin(&w, NULL);
	json_add_i64(&w, "code", e->code);
	json_add_u64(&w, "signal", e->signal);
	json_add_u64(&w, "reason", e->reason);
	json_add_string(&w, "text", text);
	json_add_u64(&w, "ended_ms", realtime_ms());
	json_object_end(&w);
	buf_add_char(&line, '\n');
	if (line.failed || file_write_atomic(AT_FDCWD, path, line.data, line.len, 0600) < 0)
		log_error("exit file %s: %s", path, strerror(errno));
}
