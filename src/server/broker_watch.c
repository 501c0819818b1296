/* SPDX-License-Identifier: Apache-2.0 */
/* A role that hangs keeps everybody out and tells nobody: it is asked something now and then, and when nothing comes back from it, it is
 * ended, which starts another. A question without an answer is counted, not the time, so that a broker that was stopped itself, or a host
 * that slept, blames nobody. */
#define _GNU_SOURCE
#include "server/broker.h"

#include <signal.h>

#include "base/log.h"
#include "base/poison.h"

enum { ASK_SECONDS = 10, UNANSWERED = 3 };

static void ask(struct broker_child *c, union bw_message *question)
{
	if (!c->ready)
		return;
	if (c->unanswered < UNANSWERED) {
		c->unanswered++;
		broker_wire_send(c->fd, question, NULL, 0);
	} else {
		log_error("%s has answered nothing for %d s: it is ended", c->role,
			ASK_SECONDS * UNANSWERED);
		kill(c->pid, SIGKILL);
	}
}

static void on_time(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;

	loop_take_timer(s);
	/* The secret of nobody's session, by the number of no request. */
	ask(&b->auth, &(union bw_message){ .token = { .h.type = BW_CHECK } });
	ask(&b->web, &(union bw_message){ .plain = { .h.type = BW_ALIVE } });
}

int broker_start_watch(struct broker *b, struct md_error *err)
{
	if (loop_add_timer(&b->loop, &b->watch, on_time, b) < 0 ||
		loop_set_timer(&b->watch, ASK_SECONDS * 1000, ASK_SECONDS * 1000) < 0)
		return md_fail_errno(err, "make a timer");
	return 0;
}
