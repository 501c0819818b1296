/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/terminal_text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/signals.h"
#include "base/str.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { MOST_ROWS_OR_COLS = 2000 };

static const char *const kinds[] = {
	[TEXT_RESIZE] = "resize",
	[TEXT_ACK] = "ack",
	[TEXT_PING] = "ping",
};

static bool read_size(const struct json_node *n, struct text_message *m)
{
	int64_t rows = 0, cols = 0;

	if (json_get_i64(n, "rows", 1, MOST_ROWS_OR_COLS, &rows, NULL) != 1 ||
		json_get_i64(n, "cols", 1, MOST_ROWS_OR_COLS, &cols, NULL) != 1)
		return false;
	m->rows = (uint16_t)rows;
	m->cols = (uint16_t)cols;
	return true;
}

static bool read_ack(const struct json_node *n, struct text_message *m)
{
	uint64_t window = 0;

	if (json_get_u64(n, "offset", INT64_MAX, &m->offset, NULL) != 1 ||
		json_get_u64(n, "window", UINT32_MAX, &window, NULL) < 0)
		return false;
	m->window = (uint32_t)window;
	return true;
}

struct text_message text_parse(const char *text, size_t len)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct text_message m = { .kind = TEXT_BAD };
	struct json_node root;
	const char *type = NULL;

	if (len > TEXT_MAX_CLIENT || json_parse(&doc, text, len, NULL) < 0 ||
		json_root(&doc, &root, NULL) < 0 ||
		json_get_string(&root, "type", &type, NULL) != 1)
		return m;
	m.kind = TEXT_RESIZE;
	while (m.kind < TEXT_UNKNOWN && !str_eq(type, kinds[m.kind]))
		m.kind++;
	if (m.kind == TEXT_RESIZE && !read_size(&root, &m))
		m.kind = TEXT_BAD;
	if (m.kind == TEXT_ACK && !read_ack(&root, &m))
		m.kind = TEXT_BAD;
	return m;
}

static struct json_writer begin(struct buf *out, const char *type)
{
	struct json_writer w = { .out = out };

	json_object_begin(&w, NULL);
	json_add_string(&w, "type", type);
	return w;
}

void text_add_plain(struct buf *out, const char *type)
{
	struct json_writer w = begin(out, type);

	json_object_end(&w);
}

void text_add_hello(
	struct buf *out, const struct shim_attached *a, uint64_t offset, int64_t snapshot)
{
	struct json_writer w = begin(out, "hello");
	char id[24];

	snprintf(id, sizeof(id), "%u", a->terminal);
	json_add_string(&w, "terminal", id);
	json_add_u64(&w, "offset", offset);
	json_add_u64(&w, "rows", a->rows);
	json_add_u64(&w, "cols", a->cols);
	json_add_bool(&w, "read_only", a->flags & SHIM_ATTACHED_READ_ONLY);
	json_add_bool(&w, "recorded", a->flags & SHIM_ATTACHED_RECORDED);
	json_add_bool(&w, "may_record", a->flags & SHIM_ATTACHED_MAY_RECORD);
	json_add_bool(&w, "created", a->flags & SHIM_ATTACHED_CREATED);
	if (snapshot < 0)
		json_add_string(&w, "snapshot", NULL);
	else
		json_add_i64(&w, "snapshot", snapshot);
	/* More than the numbers of a browser hold: a string. */
	snprintf(id, sizeof(id), "%llu", (unsigned long long)a->life);
	json_add_string(&w, "life", a->life ? id : NULL);
	if (a->flags & SHIM_ATTACHED_COUNTED)
		json_add_u64(&w, "input", a->input_taken);
	else
		json_add_string(&w, "input", NULL);
	json_add_bool(&w, "input_new", a->flags & SHIM_ATTACHED_NEW_INPUT);
	json_object_end(&w);
}

void text_add_taken(struct buf *out, uint64_t taken)
{
	struct json_writer w = begin(out, "taken");

	json_add_u64(&w, "input", taken);
	json_object_end(&w);
}

void text_add_restarted(struct buf *out, const char *text)
{
	struct json_writer w = begin(out, "exit");

	json_add_string(&w, "code", NULL);
	json_add_string(&w, "signal", NULL);
	json_add_string(&w, "cause", "restarted");
	json_add_string(&w, "reason", text);
	json_object_end(&w);
}

void text_add_size(struct buf *out, uint16_t rows, uint16_t cols)
{
	struct json_writer w = begin(out, "size");

	json_add_u64(&w, "rows", rows);
	json_add_u64(&w, "cols", cols);
	json_object_end(&w);
}

void text_add_notice(struct buf *out, const struct shim_msg *m)
{
	static const char *const names[] = {
		[SHIM_NOTICE_OTHER] = "other",
		[SHIM_NOTICE_OOM] = "memory",
		[SHIM_NOTICE_PIDS] = "processes",
		[SHIM_NOTICE_DISK] = "disk",
		[SHIM_NOTICE_STOPPING] = "stopping",
		[SHIM_NOTICE_RECORDING] = "recording",
		[SHIM_NOTICE_INPUT] = "input",
	};
	struct json_writer w = begin(out, "notice");
	uint32_t kind = m->notice.kind;

	json_add_string(&w, "kind", kind < ARRAY_SIZE(names) ? names[kind] : "other");
	json_add_string(&w, "text", shim_string(m, 0));
	if (kind == SHIM_NOTICE_RECORDING)
		json_add_bool(&w, "recorded", m->notice.on);
	json_object_end(&w);
}

void text_add_exit(struct buf *out, const struct shim_msg *m)
{
	static const char *const causes[] = {
		[SHIM_EXIT_SELF] = "ended",
		[SHIM_EXIT_CLOSED] = "closed",
		[SHIM_EXIT_STOPPED] = "stopped",
		[SHIM_EXIT_INIT] = "init",
		[SHIM_EXIT_OOM] = "memory",
		[SHIM_EXIT_FAILED] = "failed",
	};
	struct json_writer w = begin(out, "exit");
	uint32_t reason = m->exit.reason, sig = m->exit.signal;
	const char *name = sig < NSIG ? signal_name((int)sig) : NULL;
	char text[16];

	snprintf(text, sizeof(text), name ? "SIG%s" : "%.0s%u", name ? name : "", sig);
	json_add_i64(&w, "code", m->exit.code);
	json_add_string(&w, "signal", sig ? text : NULL);
	json_add_string(&w, "cause", reason < ARRAY_SIZE(causes) ? causes[reason] : "ended");
	json_add_string(&w, "reason", shim_string(m, 0));
	json_object_end(&w);
}

void text_add_presence(struct buf *out, const struct shim_msg *m)
{
	struct json_writer w = begin(out, "presence");
	const char *at = NULL, *s;

	json_array_begin(&w, "clients");
	while ((s = shim_next_string(m, &at))) {
		if (!*s)
			continue;
		json_object_begin(&w, NULL);
		json_add_string(&w, "name", s + 1);
		json_add_bool(&w, "read_only", strchr("rRlLpPsS", *s));
		json_add_bool(&w, "self", strchr("WRCLPS", *s));
		json_add_bool(&w, "admin", strchr("cClLsS", *s));
		json_add_bool(&w, "wall", strchr("pPsS", *s));
		json_object_end(&w);
	}
	json_array_end(&w);
	json_object_end(&w);
}
