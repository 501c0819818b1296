/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json_read.h"
#include "base/poison.h"

/* Exit codes of `mdocker recordings` and of `mdocker workspace open --no-start`. */
enum {
	EXIT_NOT_FOUND = 3,
	EXIT_NOT_ALLOWED = 4,
};

/* The last line of what mdocker said on stderr, without its name. */
static const char *last_line(struct buf *text)
{
	char *s = text->data, *line;

	if (!s || !text->len)
		return "mdocker failed without a word";
	while (text->len && s[text->len - 1] == '\n')
		s[--text->len] = '\0';
	line = strrchr(s, '\n');
	line = line ? line + 1 : s;
	return str_starts(line, "mdocker: ") ? line + 9 : line;
}

/* `mdocker workspace open` told where the socket is. */
static void on_opened(struct broker_request *q)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct md_error err = MD_ERROR_INIT;
	struct json_node root;
	const char *socket = NULL;

	if (json_parse(&doc, buf_str(&q->out_text), q->out_text.len, &err) < 0 ||
		json_root(&doc, &root, &err) < 0 ||
		json_get_string(&root, "socket", &socket, &err) < 0 || !socket ||
		socket[0] != '/') {
		log_error("workspace of %s: %s", q->owner,
			err.code ? err.msg : "no socket was named");
		broker_answer(q, BW_FAILED, "the workspace could not be opened", -1);
		return;
	}
	broker_remember_workspace(q->broker, q->owner, socket);
	if (!q->foreign)
		broker_audit(
			q->broker, BW_EVENT_OPEN, false, q->session.user, q->asked.address, NULL);
	if (q->asked.h.type == BW_WORKSPACE) {
		broker_answer(q, BW_OK, "", -1);
	} else if (!broker_connect_and_answer(q)) {
		log_error(
			"workspace of %s: connect to '%s': %s", q->owner, socket, strerror(errno));
		broker_forget_workspace(q->broker, q->owner);
		broker_answer(q, BW_FAILED, "the workspace does not answer", -1);
	}
}

/* What mdocker had to say although it worked: a profile that gives something up, a fallback. */
static void log_warnings(struct broker_request *q)
{
	char *rest = (char *)buf_str(&q->err_text), *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			log_warning("workspace of %s: %s", q->owner,
				str_starts(line, "mdocker: ") ? line + 9 : line);
	}
}

static void on_run_failed(struct broker_request *q, int code)
{
	const char *text = last_line(&q->err_text);
	enum bw_status status = BW_FAILED;

	log_error("workspace of %s: %s", q->owner, text);
	if (code == EXIT_NOT_FOUND && (q->foreign || q->asked.h.type == BW_RECORDING))
		status = BW_NOT_FOUND;
	else if (code == EXIT_NOT_ALLOWED && q->asked.h.type == BW_RECORDING)
		status = BW_FORBIDDEN;
	if (q->foreign || q->asked.h.type == BW_RECORDING)
		broker_audit_foreign(q, BW_EVENT_ADMIN, true, text);
	else if (broker_wants_open(q))
		broker_audit(
			q->broker, BW_EVENT_OPEN, true, q->session.user, q->asked.address, text);
	else if (q->asked.action != BW_WS_INSPECT)
		broker_audit(
			q->broker, BW_EVENT_STOP, true, q->session.user, q->asked.address, text);
	broker_answer(q, status, text, -1);
}

/* A list goes to web as a file, too: one way for all that is read. */
static int list_file(const struct buf *text)
{
	_auto_close_ int fd = memfd_create("list", MFD_CLOEXEC);

	if (text->failed || fd < 0 || fd_write_all(fd, text->data, text->len) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return take_fd(&fd);
}

/* `mdocker recordings path` told where it lies, in a folder that only root writes to. */
static int recording_file(const struct broker_request *q)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_close_ int fd = -1;
	const char *path = NULL;
	struct json_node root;
	struct stat st;

	if (json_parse(&doc, buf_str(&q->out_text), q->out_text.len, NULL) < 0 ||
		json_root(&doc, &root, NULL) < 0 ||
		json_get_string(&root, "path", &path, NULL) != 1 || path[0] != '/')
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -1 : take_fd(&fd);
}

static void on_recording(struct broker_request *q)
{
	enum bw_recording_action action = q->asked.action;
	_auto_close_ int fd = action == BW_REC_LIST   ? list_file(&q->out_text)
			      : action == BW_REC_READ ? recording_file(q)
						      : -1;
	char what[BW_NAME_SIZE + 32];

	snprintf(what, sizeof(what), "%s%s",
		action == BW_REC_LIST   ? "list"
		: action == BW_REC_READ ? "read "
					: "remove ",
		action == BW_REC_LIST ? "" : q->asked.item);
	if (action != BW_REC_REMOVE && fd < 0)
		broker_answer(q, BW_FAILED, "the recordings can't be read", -1);
	else {
		if (q->foreign || action == BW_REC_REMOVE)
			broker_audit_foreign(q, BW_EVENT_RECORDINGS, false, what);
		broker_answer(q, BW_OK, "", fd);
	}
}

static void on_wall(struct broker_request *q)
{
	_auto_buf_ struct buf text = BUF_INIT(2 * BROKER_LIST);
	_auto_close_ int fd = -1;

	if (!q->out_text.failed)
		broker_wall_list(q->broker, buf_str(&q->out_text), &text);
	fd = text.len ? list_file(&text) : -1;
	broker_answer(
		q, fd < 0 ? BW_FAILED : BW_OK, fd < 0 ? "the terminals can't be listed" : "", fd);
}

void broker_on_run_ended(struct broker_request *q, int code)
{
	struct broker *b = q->broker;

	if (code != 0) {
		on_run_failed(q, code);
	} else if (q->asked.h.type == BW_RECORDING) {
		on_recording(q);
	} else if (q->asked.h.type == BW_WALL) {
		on_wall(q);
	} else if (broker_wants_open(q)) {
		log_warnings(q);
		on_opened(q);
	} else if (q->asked.action == BW_WS_INSPECT) {
		if (q->out_text.len >= BW_DOCUMENT_SIZE)
			broker_answer(q, BW_FAILED, "the workspace has too much to tell", -1);
		else
			broker_answer(q, BW_OK, buf_str(&q->out_text), -1);
	} else {
		broker_forget_workspace(b, q->owner);
		broker_audit(b, BW_EVENT_STOP, false, q->session.user, q->asked.address, NULL);
		if (q->asked.action == BW_WS_RESTART)
			q->stopped = true; /* and runs once more, to open it */
		else
			broker_answer(q, BW_OK, "", -1);
	}
}
