/* SPDX-License-Identifier: Apache-2.0 */
/* What each message of a client does: one function each, in one table. Here those about the client's own connection and terminal. */
#define _GNU_SOURCE
#include "shim/client_requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/terminal_io.h"
#include "base/poison.h"

/* 0: answered, or to be answered later. -1: ERROR with `err`. */
typedef int (*request_fn)(struct client *c, const struct client_arrival *a, struct md_error *err);

struct terminal *client_find_terminal(struct client *c, uint32_t id, struct md_error *err)
{
	struct terminal *t = terminal_find(c->shim, id);

	if (!t)
		md_fail(err, ENOENT, id ? "there is no terminal %u" : "no terminal is open", id);
	return t;
}

struct terminal *client_find_running(struct client *c, uint32_t id, struct md_error *err)
{
	struct terminal *t = client_find_terminal(c, id, err);

	if (t && t->phase != TERMINAL_RUNNING) {
		md_fail(err, ENOENT, "terminal %u has ended", id);
		return NULL;
	}
	return t;
}

void client_set_text(char *to, size_t room, const char *from)
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

static int run_hello(struct client *c, const struct client_arrival *a, struct md_error *err)
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
		client_set_text(c->label, sizeof(c->label), shim_string(a->m, 0));
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

int client_start_main(struct client *c, uint32_t wanted, struct md_error *err)
{
	struct shim *s = c->shim;

	if (!s->main_pending || wanted > 1 || s->phase != SHIM_PHASE_RUNNING)
		return 0;
	if (shim_start_main(s, c->attach.rows, c->attach.cols, err))
		return 0;
	shim_main_failed(s, err, 125);
	return -1;
}

static int run_attach(struct client *c, const struct client_arrival *a, struct md_error *err)
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
		client_set_text(c->label, sizeof(c->label), shim_string(a->m, 0));
	if (client_start_main(c, c->attach.terminal, err) < 0)
		return -1;
	t = terminal_find(c->shim, c->attach.terminal);
	if (create && !(c->flags & SHIM_HELLO_READ_ONLY) && (!t || t->phase == TERMINAL_ENDED)) {
		t = create_for(c, err);
		if (!t)
			return -1;
		c->created = true;
	}
	if (!t)
		return client_find_terminal(c, c->attach.terminal, err) ? 0 : -1;
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

static int run_input(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	if (check_typing(c, err) < 0)
		return -1;
	client_count_input(c, a->m->tail_len);
	terminal_input(c->terminal, c, a->m->tail, a->m->tail_len);
	return 0;
}

static int run_resize(struct client *c, const struct client_arrival *a, struct md_error *err)
{
	if (!c->terminal)
		return md_fail(err, ENOTCONN, "no terminal is attached");
	if (!a->m->resize.rows || !a->m->resize.cols)
		return 0;
	c->rows = a->m->resize.rows;
	c->cols = a->m->resize.cols;
	c->resized = true;
	return 0;
}

void client_settle_size(struct client *c)
{
	struct terminal *t = c->terminal;

	if (!c->resized)
		return;
	c->resized = false;
	if (t && c->attached && !c->read_only && (t->typist == c || !t->typist))
		terminal_resize(t, c->rows, c->cols, c->label);
}

static int run_ack(struct client *c, const struct client_arrival *a, struct md_error *err)
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

static int run_ping(struct client *c, const struct client_arrival *a, struct md_error *err _unused_)
{
	client_send(c, &(struct shim_msg){
			       .type = SHIM_PONG, .serial = a->m->serial, .ping = a->m->ping });
	return 0;
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
	[SHIM_NEW_TERMINAL] = { request_new_terminal, USERS | TAKES },
	[SHIM_LIST] = { request_list, FORALL },
	[SHIM_RENAME] = { request_rename, USERS },
	[SHIM_CLOSE] = { request_close, USERS },
	[SHIM_SIGNAL] = { request_signal, USERS },
	[SHIM_WAIT] = { request_wait, FORALL },
	[SHIM_STATUS] = { request_status, FORALL },
	[SHIM_STOP] = { request_stop, 0 },
	[SHIM_MOVE] = { request_move, USERS },
	[SHIM_RECORD] = { request_record, USERS },
};

static bool is_allowed(const struct client *c, unsigned int allowed)
{
	return (!(c->flags & SHIM_HELLO_READ_ONLY) || (allowed & LOOKS)) &&
	       (!(c->flags & SHIM_HELLO_USER) || (allowed & USERS));
}

void client_handle(struct client *c, const struct shim_msg *m, int *fds, size_t fd_count)
{
	struct client_arrival a = { m, fds, fd_count };
	struct md_error err = MD_ERROR_INIT;

	if (m->type != SHIM_RESIZE)
		client_settle_size(c);
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
