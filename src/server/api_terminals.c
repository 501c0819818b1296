/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/terminals: the terminals of the user's workspace. Their list is kept by its shim. */
#define _GNU_SOURCE
#include <stdio.h>

#include "base/str.h"
#include "server/peers.h"
#include "server/routes.h"
#include "server/shim_call.h"
#include "base/poison.h"

static void add_terminal(struct json_writer *w, const struct shim_msg *m)
{
	const struct shim_terminal *t = &m->terminal;
	char id[16];

	snprintf(id, sizeof(id), "%u", t->terminal);
	json_object_begin(w, NULL);
	json_add_string(w, "id", id);
	json_add_string(w, "name", shim_string(m, 0));
	json_add_string(w, "title", shim_string(m, 1));
	json_add_string(w, "command", shim_string(m, 2));
	json_add_u64(w, "position", t->position);
	json_add_u64(w, "rows", t->rows);
	json_add_u64(w, "cols", t->cols);
	json_add_bool(w, "alive", !(t->flags & SHIM_TERMINAL_ENDED));
	json_add_bool(w, "recorded", t->flags & SHIM_TERMINAL_RECORDED);
	json_add_u64(w, "clients", t->clients);
	json_add_u64(w, "started_ms", t->started_ms);
	json_object_end(w);
}

static bool on_list(struct request *q, const struct shim_msg *m)
{
	struct json_writer w = { .out = &q->text, .need_comma = q->body_sent > 0 };

	if (m->type == SHIM_TERMINAL) {
		/* What is no terminal (a command without one) is not shown as one. */
		if (m->terminal.flags & SHIM_TERMINAL_TTY) {
			add_terminal(&w, m);
			q->body_sent = 1;
		}
		return false;
	}
	q->body_sent = 0;
	json_array_end(&w);
	json_object_end(&w);
	http_reply_json(q, 200);
	return true;
}

void api_terminals(struct request *q)
{
	struct json_writer w = http_json_writer(q);
	struct shim_msg m = { .type = SHIM_LIST };

	if (!request_whose(q))
		return;
	json_object_begin(&w, NULL);
	json_array_begin(&w, "terminals");
	shim_call(q, &m, on_list);
}

static bool on_created(struct request *q, const struct shim_msg *m)
{
	struct json_writer w = http_json_writer(q);
	char id[16];

	snprintf(id, sizeof(id), "%u", m->ref.terminal);
	json_object_begin(&w, NULL);
	json_add_string(&w, "id", id);
	json_object_end(&w);
	http_reply_json(q, 201);
	return true;
}

void api_terminal_new(struct request *q)
{
	_auto_buf_ struct buf tail = BUF_INIT(1024);
	struct shim_msg m = { .type = SHIM_NEW_TERMINAL };
	int64_t rows = 0, cols = 0;
	const char *name = "";
	struct md_error err = MD_ERROR_INIT;
	struct json_node body;

	if (http_json(q, &body) < 0)
		return;
	if (json_get_i64(&body, "rows", 0, 2000, &rows, &err) < 0 ||
		json_get_i64(&body, "cols", 0, 2000, &cols, &err) < 0 ||
		json_get_string(&body, "name", &name, &err) < 0 ||
		!http_member_id(&body, "cwd_from", &m.new_terminal.cwd_from)) {
		http_reply_error(
			q, 400, "invalid", err.code ? err.msg : "cwd_from: no such terminal");
		return;
	}
	m.new_terminal.flags = SHIM_NEW_TTY;
	m.new_terminal.rows = (uint16_t)rows;
	m.new_terminal.cols = (uint16_t)cols;
	/* [name, user, cwd]: who it runs as and where comes from the template */
	shim_add_string(&tail, name);
	shim_add_string(&tail, "");
	shim_add_string(&tail, "");
	m.tail = buf_str(&tail);
	m.tail_len = tail.len;
	if (tail.failed)
		http_reply_error(q, 400, "invalid", "the name is too long");
	else
		shim_call(q, &m, on_created);
}

static bool on_done(struct request *q, const struct shim_msg *m _unused_)
{
	http_reply_json(q, 200);
	return true;
}

static bool on_recorded(struct request *q, const struct shim_msg *m _unused_)
{
	struct json_node body;
	bool on = false;
	char text[64];

	if (http_json(q, &body) < 0)
		return true;
	json_get_bool(&body, "recorded", &on, NULL);
	snprintf(text, sizeof(text), "terminal %s, %s", q->param, on ? "begun" : "ended");
	peers_audit(BW_EVENT_RECORD, false, q->session.user, q->address, text);
	http_reply_json(q, 200);
	return true;
}

static bool find_terminal(struct request *q, uint32_t *ret)
{
	if (http_read_id(q->param, ret))
		return true;
	http_reply_error(q, 404, "not_found", "there is no such terminal");
	return false;
}

void api_terminal_change(struct request *q)
{
	_auto_buf_ struct buf tail = BUF_INIT(1024);
	struct shim_msg m = { .type = SHIM_RENAME };
	struct md_error err = MD_ERROR_INIT;
	struct json_node body;
	const char *name = NULL;
	int64_t position = -1;
	bool recorded = false;
	uint32_t id;
	int r;

	if (!find_terminal(q, &id) || http_json(q, &body) < 0)
		return;
	r = json_get_bool(&body, "recorded", &recorded, &err);
	if (r < 0 || json_get_string(&body, "name", &name, &err) < 0 ||
		json_get_i64(&body, "position", 0, SHIM_MAX_TERMINALS, &position, &err) < 0) {
		http_reply_error(q, 400, "invalid", err.msg);
		return;
	}
	if (name && shim_add_string(&tail, name) == 0) {
		m.ref.terminal = id;
		m.tail = tail.data;
		m.tail_len = tail.len;
	} else if (!name && position >= 0) {
		m.type = SHIM_MOVE;
		m.move.terminal = id;
		m.move.position = (uint32_t)position;
	} else if (!name && r == 1) {
		m.type = SHIM_RECORD;
		m.record.terminal = id;
		m.record.on = recorded;
	} else {
		http_reply_error(q, 400, "invalid", "give a name, a position or recorded");
		return;
	}
	shim_call(q, &m, m.type == SHIM_RECORD ? on_recorded : on_done);
}

void api_terminal_close(struct request *q)
{
	struct shim_msg m = { .type = SHIM_CLOSE };

	if (find_terminal(q, &m.ref.terminal))
		shim_call(q, &m, on_done);
}
