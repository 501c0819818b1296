/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/shim_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "server/peers.h"
#include "server/shim_link.h"
#include "base/poison.h"

enum { SERIAL = 2 };

struct call {
	struct request *q;
	struct shim_link *link;
	struct shim_msg message;
	struct buf tail;
	shim_call_answer answer;
};

static void call_free(struct request *q)
{
	struct call *c = q->data;

	if (!c)
		return;
	q->data = NULL;
	q->abandoned = NULL;
	shim_link_free(c->link);
	buf_done(&c->tail);
	free(c);
}

static void fail(struct call *c, int status, const char *code, const char *text)
{
	struct request *q = c->q;

	call_free(q);
	http_reply_error(q, status, code, text);
}

/* What an ERROR is in HTTP's words; the last one is for all others. */
static const struct refusal {
	int error, status;
	const char *code;
} refusals[] = {
	{ ENOENT, 404, "not_found" },
	{ EINVAL, 400, "invalid" },
	{ ENAMETOOLONG, 400, "invalid" },
	{ EPERM, 403, "forbidden" },
	{ EBUSY, 409, "busy" },
	{ 0, 503, "unavailable" },
};

static void on_message(const struct shim_msg *m, int fd, void *data)
{
	struct call *c = data;
	struct request *q = c->q;

	fd_close(&fd);
	if (m->type == SHIM_ERROR && (m->serial == SERIAL || m->serial == 0)) {
		const struct refusal *r = refusals;

		while (r->error && r->error != m->error.code)
			r++;
		fail(c, r->status, r->code, shim_string(m, 0));
	} else if (m->serial == SERIAL && c->answer(q, m)) {
		call_free(q);
	}
}

static void on_quiet(void *data _unused_)
{
}

static void on_ended(void *data)
{
	fail(data, 503, "unavailable", "the workspace has ended");
}

static void send_question(struct call *c)
{
	c->message.serial = SERIAL;
	c->message.tail = buf_str(&c->tail);
	c->message.tail_len = c->tail.len;
	if (shim_link_send(c->link, &c->message) < 0)
		fail(c, 503, "unavailable", "the workspace does not answer");
}

static void on_writable(void *data)
{
	send_question(data);
}

static const struct shim_link_events events = { on_message, on_quiet, on_ended, on_writable };

static void on_opened(const union bw_message *m, int fd, void *data)
{
	struct call *c = data;
	enum bw_status status = m && m->h.type == BW_OPENED ? m->opened.status : BW_FAILED;

	c->q->pending = NULL;
	if (status != BW_OK || fd < 0) {
		struct request *q = c->q;

		fd_close(&fd);
		call_free(q);
		http_reply_status(q, status == BW_OK ? BW_FAILED : status,
			m && m->h.type == BW_OPENED ? m->opened.text : NULL);
		return;
	}
	c->link = shim_link_new(fd, &events, c);
	if (!c->link)
		fail(c, 503, "unavailable", "the server has no room for it now");
	else
		send_question(c);
}

void shim_call(struct request *q, const struct shim_msg *m, shim_call_answer answer)
{
	union bw_message open = { .open = { .h.type = BW_OPEN } };
	struct call *c = calloc(1, sizeof(*c));

	if (!c) {
		http_reply_status(q, BW_FAILED, NULL);
		return;
	}
	c->q = q;
	c->message = *m;
	c->answer = answer;
	buf_init(&c->tail, SHIM_MAX_TAIL);
	q->data = c;
	q->abandoned = call_free;
	memcpy(open.open.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(open.open.address, q->address);
	/* Of others' workspaces only questions are asked, nothing is done there. */
	BW_PUT(open.open.of, q->of);
	open.open.look = *q->of != '\0';
	if (m->tail_len && buf_add(&c->tail, m->tail, m->tail_len) < 0) {
		fail(c, 400, "invalid", "a value is too long");
		return;
	}
	q->pending = peers_ask_broker(&open, on_opened, c);
	if (!q->pending)
		fail(c, 503, "unavailable", "the server is too busy");
}
