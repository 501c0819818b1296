/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a terminal: in lists, at its end, to the clients that watch. */
#define _GNU_SOURCE
#include "shim/terminal.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/spawn.h"
#include "shim/client.h"
#include "base/poison.h"

static uint32_t position_of(const struct terminal *t)
{
	const struct terminal *x;
	uint32_t position = 0;

	TAILQ_FOREACH(x, &t->shim->terminals, link)
	{
		if (x == t)
			break;
		position += x->phase != TERMINAL_ENDED;
	}
	return position;
}

void terminal_describe(const struct terminal *t, struct shim_msg *m, struct buf *tail)
{
	const struct client *c;
	uint32_t clients = 0;

	TAILQ_FOREACH(c, &t->clients, terminal_link)
	clients++;
	*m = (struct shim_msg){ .type = SHIM_TERMINAL,
		.terminal = { .terminal = t->id,
			.flags = (t->tty ? SHIM_TERMINAL_TTY : 0) |
				 (t->phase == TERMINAL_ENDED ? SHIM_TERMINAL_ENDED : 0) |
				 (t->main ? SHIM_TERMINAL_MAIN : 0) |
				 (t->recording ? SHIM_TERMINAL_RECORDED : 0),
			.position = position_of(t),
			.pid = (uint32_t)t->pid,
			.clients = clients,
			.exit = t->exited ? spawn_exit_code(t->status) : 0,
			.rows = t->rows,
			.cols = t->cols,
			.offset = t->ring.end,
			.started_ms = t->started_ms,
			.output_ms = t->output_ms,
			.input_ms = t->input_ms } };
	buf_reset(tail);
	shim_add_string(tail, t->name);
	shim_add_string(tail, t->screen ? screen_title(t->screen) : "");
	shim_add_string(tail, t->command);
	m->tail = tail->data;
	m->tail_len = tail->len;
}

void terminal_describe_exit(const struct terminal *t, struct shim_msg *m, struct buf *tail)
{
	bool killed = t->exited && WIFSIGNALED(t->status);

	*m = (struct shim_msg){ .type = SHIM_EXIT,
		.exit = { .terminal = t->id,
			.code = t->exited ? spawn_exit_code(t->status) : 128 + SIGKILL,
			.signal = killed      ? (uint32_t)WTERMSIG(t->status)
				  : t->exited ? 0
					      : SIGKILL,
			.reason = t->reason } };
	buf_reset(tail);
	shim_add_string(tail, t->exit_text);
	m->tail = tail->data;
	m->tail_len = tail->len;
}

void terminal_announce(struct terminal *t)
{
	_auto_buf_ struct buf tail = BUF_INIT(SHIM_MAX_TAIL);
	struct client *c;
	struct shim_msg m;

	terminal_describe(t, &m, &tail);
	TAILQ_FOREACH(c, &t->shim->clients, link)
	{
		if (c->flags & SHIM_HELLO_WATCH)
			client_send(c, &m);
	}
}
