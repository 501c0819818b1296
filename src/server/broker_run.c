/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker_request.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "server/templates.h"
#include "base/poison.h"

enum {
	ERROR_BYTES = 4096,
	MAX_ARGS = 16 + CONFIG_MAX_WORKSPACE,
};

void broker_stop_run(struct broker_request *q)
{
	struct loop *l = &q->broker->loop;
	struct loop_source *sources[] = { &q->process, &q->out, &q->errors, &q->timeout };

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (sources[i]->fd >= 0)
			loop_remove(l, sources[i]);
	}
	fd_close(&q->pidfd);
	fd_close(&q->out_fd);
	fd_close(&q->err_fd);
	buf_done(&q->out_text);
	buf_done(&q->err_text);
	if (q->state == RUNS) {
		q->broker->run_count--;
		q->state = WAITS_FOR_RUN;
	}
}

/* All that mdocker has written so far; its end is the process's. */
static void read_some(int fd, struct buf *to)
{
	for (;;) {
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n <= 0)
			return;
		buf_add(to, chunk, (size_t)n); /* past the ceiling it is thrown away */
	}
}

static void on_output(struct loop_source *s, uint32_t events)
{
	struct broker_request *q = s->data;

	read_some(s->fd, s == &q->out ? &q->out_text : &q->err_text);
	if (events & (EPOLLHUP | EPOLLERR))
		loop_remove(&q->broker->loop, s);
}

static void on_process(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_request *q = s->data;
	struct broker *b = q->broker;
	struct buf out, errors;
	int code;

	read_some(q->out_fd, &q->out_text);
	read_some(q->err_fd, &q->err_text);
	code = spawn_wait(q->pid);
	q->pid = 0;
	out = q->out_text;
	errors = q->err_text;
	q->out_text = q->err_text = (struct buf){ 0 };
	broker_stop_run(q);
	q->out_text = out;
	q->err_text = errors;
	broker_on_run_ended(q, code);
	broker_pump(b);
}

static void on_timeout(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_request *q = s->data;
	struct broker *b = q->broker;

	loop_take_timer(s);
	log_error("workspace of %s: mdocker did not end within %d s", q->owner, BROKER_RUN_SECONDS);
	kill(q->pid, SIGKILL);
	spawn_wait(q->pid);
	q->pid = 0;
	broker_answer(q, BW_FAILED, "it took too long", -1);
	broker_pump(b);
}

/* The command for a request, behind "mdocker --root R --state S". */
static void words_of(const struct broker_request *q, const char *words[MAX_ARGS])
{
	const char *o = q->owner, *item = q->asked.item;
	const char *const open[] = { "workspace", "open", o, "--owner", o, "--json", NULL };
	const char *const find[] = { "workspace", "open", o, "--owner", o, "--no-start", NULL };
	const char *const inspect[] = { "workspace", "inspect", o, "--owner", o, "--json", NULL };
	const char *const stop[] = { "workspace", "stop", o, "--owner", o, NULL };
	const char *const list[] = { "recordings", "ls", o, "--owner", o, "--json", NULL };
	const char *const read[] = { "recordings", "path", o, item, "--owner", o, NULL };
	const char *const remove[] = { "recordings", "rm", o, item, "--owner", o,
		q->foreign ? "--force" : NULL, NULL };
	const char *const wall[] = { "terminals", "--users", "--format", "json", NULL };
	const char *const *const recordings[] = {
		[BW_REC_LIST] = list, [BW_REC_READ] = read, [BW_REC_REMOVE] = remove
	};
	const char *const *chosen = q->asked.h.type == BW_RECORDING ? recordings[q->asked.action]
				    : q->asked.h.type == BW_WALL    ? wall
				    : broker_wants_open(q) && q->foreign ? find
				    : broker_wants_open(q)               ? open
				    : q->asked.action == BW_WS_INSPECT   ? inspect
									 : stop;
	size_t n = 0;

	do {
		words[n] = chosen[n];
	} while (chosen[n++]);
}

static void build_command(struct broker_request *q, const char *argv[MAX_ARGS])
{
	const struct server_config *c = &q->broker->config;
	const char *const head[] = { "mdocker", "--root", c->root, "--state", c->state, NULL };
	const char *words[MAX_ARGS];
	const char *template = templates_find(&c->templates, &c->groups, q->owner);
	size_t n = 0;

	for (size_t i = 0; head[i]; i++)
		argv[n++] = head[i];
	words_of(q, words);
	for (size_t i = 0; words[i]; i++)
		argv[n++] = words[i];
	for (size_t i = 0; broker_wants_open(q) && !q->foreign && i < c->workspace.count; i++)
		argv[n++] = c->workspace.items[i];
	if (broker_wants_open(q) && !q->foreign && template) {
		snprintf(q->template, sizeof(q->template), "--template=%s", template);
		argv[n++] = q->template; /* the last one wins */
	}
	argv[n] = NULL;
}

int broker_start_run(struct broker_request *q)
{
	static char *const env[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)"LANG=C.UTF-8", NULL
	};
	struct loop *l = &q->broker->loop;
	const char *argv[MAX_ARGS];
	_auto_close_ int out = -1;
	_auto_close_ int errors = -1;
	struct spawn s = SPAWN_INIT;
	int pair[2];

	buf_init(&q->out_text, q->asked.h.type == BW_RECORDING || q->asked.h.type == BW_WALL
				       ? BROKER_LIST
				       : BW_DOCUMENT_SIZE);
	buf_init(&q->err_text, ERROR_BYTES);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	q->out_fd = pair[0];
	out = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	q->err_fd = pair[0];
	errors = pair[1];
	build_command(q, argv);
	s.path = q->broker->mdocker;
	s.argv = (char *const *)argv;
	s.envp = env;
	s.std[1] = out;
	s.std[2] = errors;
	/* Ctrl-C on the server must not reach what it just started. */
	s.new_session = true;
	q->pid = spawn_start(&s, &q->pidfd);
	if (q->pid < 0) {
		q->pid = 0;
		return -1;
	}
	q->state = RUNS;
	q->broker->run_count++;
	if (fd_set_nonblock(q->out_fd, true) < 0 || fd_set_nonblock(q->err_fd, true) < 0 ||
		loop_add_fd(l, &q->out, q->out_fd, EPOLLIN, on_output, q) < 0 ||
		loop_add_fd(l, &q->errors, q->err_fd, EPOLLIN, on_output, q) < 0 ||
		loop_add_pidfd(l, &q->process, q->pidfd, on_process, q) < 0 ||
		loop_add_timer(l, &q->timeout, on_timeout, q) < 0 ||
		loop_set_timer(&q->timeout, BROKER_RUN_SECONDS * 1000, 0) < 0)
		return -1;
	return 0;
}
