/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's messages about the workspace and its list of terminals do. */
#define _GNU_SOURCE
#include "shim/client_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/terminal_io.h"
#include "base/poison.h"

/* argv and environment stand behind the three named strings. */
static int read_command(const struct shim_msg *m, struct process_spec *s, struct md_error *err)
{
	const char *at = NULL, *user, *cwd;

	shim_next_string(m, &at);
	user = shim_next_string(m, &at);
	cwd = shim_next_string(m, &at);
	for (uint16_t i = 0; i < m->new_terminal.argc; i++) {
		if (strv_add(&s->argv, shim_next_string(m, &at)) < 0)
			return md_fail_errno(err, "new terminal");
	}
	for (uint16_t i = 0; i < m->new_terminal.envc; i++) {
		if (strv_add(&s->env, shim_next_string(m, &at)) < 0)
			return md_fail_errno(err, "new terminal");
	}
	s->user = *user ? strdup(user) : NULL;
	s->cwd = *cwd ? strdup(cwd) : NULL;
	if ((*user && !s->user) || (*cwd && !s->cwd))
		return md_fail_errno(err, "new terminal");
	return 0;
}

static int check_new_terminal(
	const struct client *c, const struct client_arrival *a, struct md_error *err)
{
	const struct shim_new_terminal *q = &a->m->new_terminal;
	bool tty = q->flags & SHIM_NEW_TTY, log = q->flags & SHIM_NEW_LOG;

	if (c->shim->phase != SHIM_PHASE_RUNNING)
		return md_fail(err, ESHUTDOWN, "%s", c->shim->stop_text);
	if (a->fd_count != (tty || log ? 0 : 3))
		return md_fail(err, EINVAL, "%s",
			tty || log ? "descriptors came, and none belong here"
				   : "a process without tty needs three descriptors");
	if ((c->flags & SHIM_HELLO_USER) &&
		(q->flags != SHIM_NEW_TTY || q->argc || q->envc || *shim_string(a->m, 1)))
		return md_fail(err, EPERM, "this connection may only open the usual shell");
	return 0;
}

int request_new_terminal(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	const struct shim_new_terminal *n = &a->m->new_terminal;
	_auto_process_spec_ struct process_spec spec = { .tty = n->flags & SHIM_NEW_TTY,
		.rows = n->rows,
		.cols = n->cols,
		.env_only = n->flags & SHIM_NEW_ENV_ONLY };
	struct terminal_request q = { .main = n->flags & SHIM_NEW_MAIN,
		.logged = n->flags & SHIM_NEW_LOG,
		.stdio = { -1, -1, -1 },
		.creator = c,
		.serial = a->m->serial };
	char name[SHIM_MAX_LABEL + 1];
	struct terminal *from, *t;
	int r;

	if (check_new_terminal(c, a, err) < 0 || read_command(a->m, &spec, err) < 0)
		return -1;
	from = n->cwd_from ? terminal_find(c->shim, n->cwd_from) : NULL;
	if (from && from->phase == TERMINAL_RUNNING)
		q.cwd_of = terminal_front_process(from);
	client_set_text(name, sizeof(name), shim_string(a->m, 0));
	q.name = name;
	for (size_t i = 0; i < a->fd_count; i++)
		q.stdio[i] = a->fds[i];
	q.spec = spec;
	spec = (struct process_spec){ 0 };
	r = terminal_new(c->shim, &q, &t, err);
	if (r == 0 && q.main)
		c->shim->main_creator = c->id;
	process_spec_done(&q.spec);
	return r;
}

int request_list(struct client *c, const struct client_arrival *a, struct md_error *err _unused_)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct terminal *t;
	struct shim_msg m;

	TAILQ_FOREACH(t, &c->shim->terminals, link)
	{
		if (t->phase == TERMINAL_ENDED)
			continue;
		terminal_describe(t, &m, &tail);
		m.serial = a->m->serial;
		client_send(c, &m);
	}
	client_send_done(c, a->m->serial);
	return 0;
}

int request_rename(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct terminal *t = client_find_running(c, a->m->ref.terminal, err);

	if (!t)
		return -1;
	client_set_text(t->name, sizeof(t->name), shim_string(a->m, 0));
	terminal_announce(t);
	client_send_done(c, a->m->serial);
	return 0;
}

int request_move(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct terminal *t = client_find_running(c, a->m->move.terminal, err), *other;
	struct shim *s = c->shim;
	uint32_t position = 0;

	if (!t)
		return -1;
	TAILQ_REMOVE(&s->terminals, t, link);
	TAILQ_FOREACH(other, &s->terminals, link)
	{
		if (other->phase != TERMINAL_ENDED && position++ == a->m->move.position)
			break;
	}
	if (other)
		TAILQ_INSERT_BEFORE(other, t, link);
	else
		TAILQ_INSERT_TAIL(&s->terminals, t, link);
	TAILQ_FOREACH(other, &s->terminals, link)
	{
		if (other->phase == TERMINAL_RUNNING)
			terminal_announce(other);
	}
	client_send_done(c, a->m->serial);
	return 0;
}

int request_close(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct terminal *t = client_find_running(c, a->m->ref.terminal, err);

	if (!t)
		return -1;
	terminal_hang_up(t);
	client_send_done(c, a->m->serial);
	return 0;
}

/* A SIGNAL to the container that the runtime is carrying out. */
struct signal_request {
	struct shim *shim;
	uint64_t client;
	uint32_t serial;
};

static void signal_done(const struct driver_result *r, uint32_t flags _unused_, void *data)
{
	struct signal_request *q = data;
	struct client *c = client_find(q->shim, q->client);

	if (c && r->error.code)
		client_send_error(c, q->serial, SHIM_SIGNAL, 0, &r->error);
	else if (c)
		client_send_done(c, q->serial);
	free(q);
}

static int signal_container(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct signal_request *q = malloc(sizeof(*q));

	if (!q)
		return md_fail_errno(err, "signal");
	*q = (struct signal_request){ c->shim, c->id, a->m->serial };
	if (warden_run(&c->shim->warden, DRIVER_KILL, (int)a->m->signal.signo, signal_done, q,
		    err) < 0) {
		free(q);
		return -1;
	}
	return 0;
}

int request_signal(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	const struct shim_signal *q = &a->m->signal;
	struct terminal *t;

	if (q->signo < 1 || q->signo > 64)
		return md_fail(err, EINVAL, "%u is no signal", q->signo);
	if (!q->terminal) {
		if (c->flags & SHIM_HELLO_USER)
			return md_fail(err, EPERM, "this connection may only signal terminals");
		return signal_container(c, a, err);
	}
	t = client_find_running(c, q->terminal, err);
	if (!t)
		return -1;
	if (t->pid <= 0 || warden_signal(&c->shim->warden, t->pid, (int)q->signo) < 0)
		return md_fail(err, ESRCH, "terminal %u has ended", t->id);
	client_send_done(c, a->m->serial);
	return 0;
}

int request_wait(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct terminal *t;

	if (client_start_main(c, a->m->ref.terminal, err) < 0)
		return -1;
	t = client_find_terminal(c, a->m->ref.terminal, err);
	if (!t)
		return -1;
	if (c->wait_count == CLIENT_WAITS)
		return md_fail(err, EMFILE, "this connection waits for too many already");
	c->waits[c->wait_count].terminal = t->id;
	c->waits[c->wait_count++].serial = a->m->serial;
	if (t->phase == TERMINAL_ENDED)
		client_answer_waits(c, t);
	return 0;
}

int request_status(struct client *c, const struct client_arrival *a, struct md_error *err _unused_)
{
	struct shim *s = c->shim;
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct shim_msg m = { .type = SHIM_STATE,
		.serial = a->m->serial,
		.state = { .state = s->phase == SHIM_PHASE_RUNNING ? SHIM_STATE_RUNNING
								   : SHIM_STATE_STOPPING,
			.shim_pid = (uint32_t)s->shim_pid,
			.init_pid = (uint32_t)s->init_pid,
			.terminals = (uint32_t)terminal_count_alive(s),
			.started_ms = s->started_ms } };
	const struct client *other;
	const struct terminal *t;

	TAILQ_FOREACH(other, &s->clients, link)
	m.state.clients += other->attached;
	TAILQ_FOREACH(t, &s->terminals, link)
	{
		m.state.output_bytes += t->ring.end;
		m.state.active_ms = MD_MAX(m.state.active_ms, MD_MAX(t->output_ms, t->input_ms));
	}
	shim_add_string(&tail, s->options->id);
	shim_add_string(&tail, s->options->name);
	shim_add_string(&tail, MD_VERSION);
	m.tail = tail.data;
	m.tail_len = tail.len;
	client_send(c, &m);
	return 0;
}

int request_stop(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	const struct shim_stop *q = &a->m->stop;
	char who[SHIM_MAX_LABEL + 1], text[SHIM_MAX_LABEL + 32];

	if (q->timeout_ms > 600000 || q->signo > 64)
		return md_fail(err, EINVAL, "stop: the timeout or the signal is out of range");
	client_set_text(who, sizeof(who), shim_string(a->m, 0));
	snprintf(text, sizeof(text), "stopped%s%s", who[0] ? " by " : "", who);
	c->stop_serial = a->m->serial;
	shim_stop(c->shim, q->timeout_ms, (int)q->signo, SHIM_EXIT_STOPPED, text);
	return 0;
}

int request_record(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	struct terminal *t = client_find_running(c, a->m->record.terminal, err);

	return t ? terminal_record(t, a->m->record.on, c, a->m->serial, err) : -1;
}
