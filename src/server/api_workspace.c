/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/workspace: its state, limits and usage; stop and restart. The broker runs mdocker for them. */
#define _GNU_SOURCE
#include "server/routes.h"
#include "base/poison.h"

static void on_state(const union bw_message *m, int fd _unused_, void *data)
{
	struct request *q = data;

	q->pending = NULL;
	if (!m || m->h.type != BW_WORKSPACE_STATE) {
		http_reply_status(q, BW_FAILED, NULL);
		return;
	}
	if (m->workspace_state.status == BW_OK && m->workspace_state.document[0]) {
		/* Written by mdocker as one JSON object on one line. */
		buf_reset(&q->text);
		buf_add_str(&q->text, m->workspace_state.document);
		while (q->text.len && q->text.data[q->text.len - 1] == '\n')
			q->text.data[--q->text.len] = '\0';
	}
	http_reply_status(q, m->workspace_state.status, m->workspace_state.text);
}

static void ask(struct request *q, enum bw_workspace_action action)
{
	union bw_message m = { .open = { .h.type = BW_WORKSPACE, .action = action } };

	request_ask_broker(q, &m, on_state);
}

void api_workspace(struct request *q)
{
	ask(q, BW_WS_INSPECT);
}

void api_workspace_stop(struct request *q)
{
	ask(q, BW_WS_STOP);
}

void api_workspace_restart(struct request *q)
{
	ask(q, BW_WS_RESTART);
}
