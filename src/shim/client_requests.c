/* SPDX-License-Identifier: Apache-2.0 */
/* What each message of a client does: one function each, in one table. */
#define _GNU_SOURCE
#include "shim/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "shim/terminal_io.h"
#include "base/poison.h"

struct arrival {
	const struct shim_msg *m;
	const int *fds;
	size_t fd_count;
};

/* 0: answered, or to be answered later. -1: ERROR with `err`. */
typedef int (*request_fn)(struct client *c, const struct arrival *a, struct md_error *err);

/* A terminal by number, whatever its state; ENOENT. */
static struct terminal *find(struct client *c, uint32_t id, struct md_error *err)
{
	struct terminal *t = terminal_find(c->shim, id);

	if (!t)
		md_fail(err, ENOENT, id ? "there is no terminal %u" : "no terminal is open", id);
	return t;
}

static struct terminal *find_running(struct client *c, uint32_t id, struct md_error *err)
{
	struct terminal *t = find(c, id, err);

	if (t && t->phase != TERMINAL_RUNNING) {
		md_fail(err, ENOENT, "terminal %u has ended", id);
		return NULL;
	}
	return t;
}

/* Labels and names are shown to others: no control characters. */
static void set_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from);
	for (char *at = to; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
}

enum {
	HELLO_KNOWN = SHIM_HELLO_READ_ONLY | SHIM_HELLO_USER | SHIM_HELLO_WATCH | SHIM_HELLO_ADMIN |
		      SHIM_HELLO_PICTURES
};

static int run_hello(struct client *c, const struct arrival *a, struct md_error *err)
{
	const struct shim_hello *hello = &a->m->hello;
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct shim_msg m = { .type = SHIM_HELLO,
		.serial = a->m->serial,
		.hello = { .magic = SHIM_MAGIC, .version = SHIM_VERSION } };

	if (hello->magic != SHIM_MAGIC || hello->version == 0)
		return md_fail(err, EPROTO, "this is not a client of mdocker-shim");
	c->greeted = true;
	c->flags |= hello->flags;
	if (c->flags & SHIM_HELLO_PICTURES)
		c->flags |= SHIM_HELLO_READ_ONLY;
	if (!c->label[0])
		set_text(c->label, sizeof(c->label), shim_string(a->m, 0));
	deadline_clear(&c->shim->deadlines, &c->timer);
	m.hello.flags = c->flags & HELLO_KNOWN;
	shim_add_string(&tail, c->shim->options->id);
	shim_add_string(&tail, c->shim->options->name);
	m.tail = tail.data;
	m.tail_len = tail.len;
	client_send(c, &m);
	return 0;
}

/* The login shell for an ATTACH with CREATE. */
static struct terminal *create_for(struct client *c, struct md_error *err)
{
	struct terminal_request q = {
		.spec = { .tty = true, .rows = c->attach.rows, .cols = c->attach.cols },
		.stdio = { -1, -1, -1 }
	};
	struct terminal *t = NULL;

	if (c->shim->phase != SHIM_PHASE_RUNNING) {
		md_fail(err, ESHUTDOWN, "%s", c->shim->stop_text);
		return NULL;
	}
	return terminal_new(c->shim, &q, &t, err) < 0 ? NULL : t;
}

/* With --main-wait the first who wants terminal 1 starts it. */
static int start_pending_main(struct client *c, uint32_t wanted, struct md_error *err)
{
	struct shim *s = c->shim;

	if (!s->main_pending || wanted > 1 || s->phase != SHIM_PHASE_RUNNING)
		return 0;
	if (shim_start_main(s, c->attach.rows, c->attach.cols, err))
		return 0;
	shim_main_failed(s, err, 125);
	return -1;
}

static int run_attach(struct client *c, const struct arrival *a, struct md_error *err)
{
	bool create = a->m->attach.flags & SHIM_ATTACH_CREATE;
	struct terminal *t;

	if (c->terminal)
		return md_fail(err, EALREADY, "this connection has a terminal already");
	c->attach = a->m->attach;
	c->attach_serial = a->m->serial;
	if (c->attach.life && c->attach.life != c->shim->life)
		return md_fail(err, ESTALE,
			"the workspace has been started anew: the terminal ended with its former "
			"life");
	if (!c->label[0])
		set_text(c->label, sizeof(c->label), shim_string(a->m, 0));
	if (start_pending_main(c, c->attach.terminal, err) < 0)
		return -1;
	t = terminal_find(c->shim, c->attach.terminal);
	if (create && !(c->flags & SHIM_HELLO_READ_ONLY) && (!t || t->phase == TERMINAL_ENDED)) {
		t = create_for(c, err);
		if (!t)
			return -1;
		c->created = true;
	}
	if (!t)
		return find(c, c->attach.terminal, err) ? 0 : -1;
	if (t->phase != TERMINAL_STARTING && !t->ring.map)
		return md_fail(err, ENODATA, "terminal %u keeps no output", t->id);
	client_attach(c, t);
	return 0;
}

static int check_typing(const struct client *c, struct md_error *err)
{
	if (!c->attached)
		return md_fail(err, ENOTCONN, "no terminal is attached");
	if (c->read_only)
		return md_fail(err, EPERM, "this connection can only look");
	return 0;
}

static int run_input(struct client *c, const struct arrival *a, struct md_error *err)
{
	if (check_typing(c, err) < 0)
		return -1;
	client_count_input(c, a->m->tail_len);
	terminal_input(c->terminal, c, a->m->tail, a->m->tail_len);
	return 0;
}

static int run_resize(struct client *c, const struct arrival *a, struct md_error *err)
{
	if (!c->terminal)
		return md_fail(err, ENOTCONN, "no terminal is attached");
	if (!a->m->resize.rows || !a->m->resize.cols)
		return 0;
	c->rows = a->m->resize.rows;
	c->cols = a->m->resize.cols;
	if (c->attached && !c->read_only && (c->terminal->typist == c || !c->terminal->typist))
		terminal_resize(c->terminal, c->rows, c->cols, c->label);
	return 0;
}

static int run_ack(struct client *c, const struct arrival *a, struct md_error *err)
{
	if (!c->attached || !c->acks)
		return md_fail(err, ENOTCONN, "nothing is to be acknowledged");
	if (a->m->ack.window)
		c->window = MD_MIN(MD_MAX(a->m->ack.window, (uint32_t)SHIM_WINDOW_LEAST),
			(uint32_t)SHIM_WINDOW_HIGH);
	/* What was shown before a snapshot may still be acknowledged after it: neither back nor past. */
	if (a->m->ack.offset > c->acked && a->m->ack.offset <= c->next) {
		c->acked = a->m->ack.offset;
		terminal_progress(c->terminal, c);
	}
	client_pump(c);
	return 0;
}

static int run_ping(struct client *c, const struct arrival *a, struct md_error *err _unused_)
{
	client_send(c, &(struct shim_msg){
			       .type = SHIM_PONG, .serial = a->m->serial, .ping = a->m->ping });
	return 0;
}

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

static int check_new_terminal(const struct client *c, const struct arrival *a, struct md_error *err)
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

static int run_new_terminal(struct client *c, const struct arrival *a, struct md_error *err)
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
	set_text(name, sizeof(name), shim_string(a->m, 0));
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

static int run_list(struct client *c, const struct arrival *a, struct md_error *err _unused_)
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

static int run_rename(struct client *c, const struct arrival *a, struct md_error *err)
{
	struct terminal *t = find_running(c, a->m->ref.terminal, err);

	if (!t)
		return -1;
	set_text(t->name, sizeof(t->name), shim_string(a->m, 0));
	terminal_announce(t);
	client_send_done(c, a->m->serial);
	return 0;
}

static int run_move(struct client *c, const struct arrival *a, struct md_error *err)
{
	struct terminal *t = find_running(c, a->m->move.terminal, err), *other;
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

static int run_close(struct client *c, const struct arrival *a, struct md_error *err)
{
	struct terminal *t = find_running(c, a->m->ref.terminal, err);

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

static int signal_container(struct client *c, const struct arrival *a, struct md_error *err)
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

static int run_signal(struct client *c, const struct arrival *a, struct md_error *err)
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
	t = find_running(c, q->terminal, err);
	if (!t)
		return -1;
	if (t->pid <= 0 || warden_signal(&c->shim->warden, t->pid, (int)q->signo) < 0)
		return md_fail(err, ESRCH, "terminal %u has ended", t->id);
	client_send_done(c, a->m->serial);
	return 0;
}

static int run_wait(struct client *c, const struct arrival *a, struct md_error *err)
{
	struct terminal *t;

	if (start_pending_main(c, a->m->ref.terminal, err) < 0)
		return -1;
	t = find(c, a->m->ref.terminal, err);
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

static int run_status(struct client *c, const struct arrival *a, struct md_error *err _unused_)
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

static int run_stop(struct client *c, const struct arrival *a, struct md_error *err)
{
	const struct shim_stop *q = &a->m->stop;
	char who[SHIM_MAX_LABEL + 1], text[SHIM_MAX_LABEL + 32];

	if (q->timeout_ms > 600000 || q->signo > 64)
		return md_fail(err, EINVAL, "stop: the timeout or the signal is out of range");
	set_text(who, sizeof(who), shim_string(a->m, 0));
	snprintf(text, sizeof(text), "stopped%s%s", who[0] ? " by " : "", who);
	c->stop_serial = a->m->serial;
	shim_stop(c->shim, q->timeout_ms, (int)q->signo, SHIM_EXIT_STOPPED, text);
	return 0;
}

static int run_record(struct client *c, const struct arrival *a, struct md_error *err)
{
	struct terminal *t = find_running(c, a->m->record.terminal, err);

	return t ? terminal_record(t, a->m->record.on, c, a->m->serial, err) : -1;
}

enum {
	LOOKS = 1, /* allowed to READ_ONLY connections */
	USERS = 2, /* allowed to USER connections */
	TAKES = 4, /* may carry descriptors */
	FORALL = LOOKS | USERS,
};

static const struct {
	request_fn run;
	unsigned int allowed;
} requests[] = {
	[SHIM_HELLO] = { run_hello, FORALL },
	[SHIM_ATTACH] = { run_attach, FORALL },
	[SHIM_INPUT] = { run_input, USERS },
	[SHIM_RESIZE] = { run_resize, FORALL },
	[SHIM_ACK] = { run_ack, FORALL },
	[SHIM_PING] = { run_ping, FORALL },
	[SHIM_NEW_TERMINAL] = { run_new_terminal, USERS | TAKES },
	[SHIM_LIST] = { run_list, FORALL },
	[SHIM_RENAME] = { run_rename, USERS },
	[SHIM_CLOSE] = { run_close, USERS },
	[SHIM_SIGNAL] = { run_signal, USERS },
	[SHIM_WAIT] = { run_wait, FORALL },
	[SHIM_STATUS] = { run_status, FORALL },
	[SHIM_STOP] = { run_stop, 0 },
	[SHIM_MOVE] = { run_move, USERS },
	[SHIM_RECORD] = { run_record, USERS },
};

static bool is_allowed(const struct client *c, unsigned int allowed)
{
	return (!(c->flags & SHIM_HELLO_READ_ONLY) || (allowed & LOOKS)) &&
	       (!(c->flags & SHIM_HELLO_USER) || (allowed & USERS));
}

void client_handle(struct client *c, const struct shim_msg *m, int *fds, size_t fd_count)
{
	struct arrival a = { m, fds, fd_count };
	struct md_error err = MD_ERROR_INIT;

	if (m->type >= ARRAY_SIZE(requests) || !requests[m->type].run) {
		client_fail(c, m->serial, EPROTO, "this is a message of the shim, not of a client");
		return;
	}
	if (!c->greeted && m->type != SHIM_HELLO) {
		client_fail(c, m->serial, EPROTO, "the first message must be HELLO");
		return;
	}
	if (fd_count && !(requests[m->type].allowed & TAKES)) {
		client_fail(
			c, m->serial, EPROTO, "descriptors came with a message that takes none");
		return;
	}
	if (!is_allowed(c, requests[m->type].allowed))
		md_fail(&err, EPERM, "this connection may not do that");
	else if (requests[m->type].run(c, &a, &err) == 0)
		return;
	if (m->type == SHIM_HELLO)
		client_fail(c, m->serial, err.code, err.msg);
	else if (m->serial)
		client_send_error(c, m->serial, m->type, 0, &err);
}
