/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/warden_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/poison.h"

struct warden_job {
	TAILQ_ENTRY(warden_job) link;
	uint32_t number;
	warden_done done;
	void *data;
};

static void finish_job(struct warden_link *l, const struct warden_event *e, int fd)
{
	struct driver_result r = { .exit_code = e->exit_code, .pid = e->pid, .master = fd };
	struct warden_job *j;

	TAILQ_FOREACH(j, &l->jobs, link)
	{
		if (j->number == e->job)
			break;
	}
	if (!j) {
		fd_close(&fd);
		return;
	}
	TAILQ_REMOVE(&l->jobs, j, link);
	if (e->code)
		md_fail(&r.error, e->code, "%s", e->text);
	j->done(&r, e->flags, j->data);
	free(j);
}

static void link_ready(struct loop_source *source, uint32_t events _unused_)
{
	struct warden_link *l = source->data;

	for (;;) {
		struct warden_event e;
		size_t count = 1;
		int fd = -1;
		ssize_t n = sock_recv(source->fd, &e, sizeof(e), &fd, &count);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n != (ssize_t)sizeof(e)) {
			fd_close(&fd);
			loop_remove(l->loop, source);
			l->event(NULL, -1, l->data);
			return;
		}
		if (e.tell == WARDEN_RESULT)
			finish_job(l, &e, fd);
		else
			l->event(&e, fd, l->data);
		if (source->fd < 0)
			return;
	}
}

int warden_link_open(struct warden_link *l, struct loop *loop, int fd)
{
	*l = (struct warden_link){ .loop = loop };
	TAILQ_INIT(&l->jobs);
	if (fd_set_nonblock(fd, true) < 0 ||
		loop_add_fd(loop, &l->source, fd, EPOLLIN, link_ready, l) < 0) {
		fd_close(&fd);
		return -1;
	}
	l->source.own_fd = true;
	return 0;
}

void warden_link_close(struct warden_link *l)
{
	struct warden_job *j;

	if (!l->loop)
		return;
	loop_remove(l->loop, &l->source);
	while ((j = TAILQ_FIRST(&l->jobs))) {
		TAILQ_REMOVE(&l->jobs, j, link);
		free(j);
	}
}

static int send_request(struct warden_link *l, const struct warden_request *q,
	const struct buf *tail, const int *fds, size_t fd_count)
{
	_auto_buf_ struct buf packet = BUF_INIT(sizeof(*q) + SHIM_MAX_TAIL);

	if (l->source.fd < 0) {
		errno = ECONNRESET;
		return -1;
	}
	buf_add(&packet, q, sizeof(*q));
	if (tail && tail->len)
		buf_add(&packet, tail->data, tail->len);
	if (packet.failed || (tail && tail->failed)) {
		errno = EMSGSIZE;
		return -1;
	}
	return sock_send(l->source.fd, packet.data, packet.len, fds, fd_count) < 0 ? -1 : 0;
}

static int start_job(struct warden_link *l, struct warden_request *q, const struct buf *tail,
	const int *fds, size_t fd_count, const struct warden_job *wanted, struct md_error *err)
{
	struct warden_job *j = malloc(sizeof(*j));

	if (!j)
		return md_fail_errno(err, "runtime");
	*j = *wanted;
	j->number = q->job = ++l->last_job;
	TAILQ_INSERT_TAIL(&l->jobs, j, link);
	if (send_request(l, q, tail, fds, fd_count) < 0) {
		md_fail_errno(err, "ask for the runtime");
		TAILQ_REMOVE(&l->jobs, j, link);
		free(j);
		return -1;
	}
	return 0;
}

int warden_run(struct warden_link *l, enum driver_verb verb, int signo, warden_done done,
	void *data, struct md_error *err)
{
	struct warden_request q = { .ask = WARDEN_RUN, .verb = verb, .signo = signo };
	struct warden_job j = { .done = done, .data = data };

	return start_job(l, &q, NULL, NULL, 0, &j, err);
}

int warden_exec(struct warden_link *l, const struct process_spec *s, const int *stdio, pid_t cwd_of,
	warden_done done, void *data, struct md_error *err)
{
	struct warden_request q = { .ask = WARDEN_EXEC,
		.cwd_of = cwd_of,
		.flags = (s->tty ? WARDEN_EXEC_TTY : 0) | (s->env_only ? WARDEN_EXEC_ENV_ONLY : 0) |
			 (stdio ? WARDEN_EXEC_STDIO : 0),
		.rows = s->rows,
		.cols = s->cols,
		.argc = (uint16_t)s->argv.count,
		.envc = (uint16_t)s->env.count };
	struct warden_job j = { .done = done, .data = data };
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);

	shim_add_string(&tail, s->user);
	shim_add_string(&tail, s->cwd);
	for (size_t i = 0; i < s->argv.count; i++)
		shim_add_string(&tail, s->argv.items[i]);
	for (size_t i = 0; i < s->env.count; i++)
		shim_add_string(&tail, s->env.items[i]);
	return start_job(l, &q, &tail, stdio, stdio ? 3 : 0, &j, err);
}

int warden_record(struct warden_link *l, uint32_t terminal, warden_done done, void *data,
	struct md_error *err)
{
	struct warden_request q = { .ask = WARDEN_RECORD, .terminal = terminal };
	struct warden_job j = { .done = done, .data = data };

	return start_job(l, &q, NULL, NULL, 0, &j, err);
}

int warden_signal(struct warden_link *l, pid_t pid, int signo)
{
	struct warden_request q = { .ask = WARDEN_SIGNAL, .pid = pid, .signo = signo };

	return send_request(l, &q, NULL, NULL, 0);
}

int warden_hasten(struct warden_link *l, pid_t pid)
{
	struct warden_request q = { .ask = WARDEN_HASTEN, .pid = pid };

	return send_request(l, &q, NULL, NULL, 0);
}

int warden_tell(struct warden_link *l, enum warden_ask ask)
{
	struct warden_request q = { .ask = ask };

	return send_request(l, &q, NULL, NULL, 0);
}

int warden_exited(struct warden_link *l, const struct shim_exit *e, const char *text)
{
	struct warden_request q = { .ask = WARDEN_EXITED, .exit = *e };
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);

	shim_add_string(&tail, text);
	return send_request(l, &q, &tail, NULL, 0);
}

int warden_failed(struct warden_link *l, const char *stage, const char *message, int exit_code)
{
	struct warden_request q = { .ask = WARDEN_FAILED, .exit_code = exit_code };
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);

	shim_add_string(&tail, stage);
	shim_add_string(&tail, message);
	return send_request(l, &q, &tail, NULL, 0);
}
