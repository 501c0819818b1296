/* SPDX-License-Identifier: Apache-2.0 */
/* What crashes left goes once, soon after the start; recordings that are past their time go each hour, also where nobody records or
 * looks. */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/poison.h"

enum { FIRST_MS = 1000, EVERY_MS = 3600 * 1000 };

static const char *const whats[] = { "system", "recordings" };

static void run_next(struct broker *b);

static void on_end(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	int code = spawn_wait(b->prune.pid);

	loop_remove(&b->loop, s);
	fd_close(&b->prune.pidfd);
	b->prune.pid = 0;
	if (code != 0)
		log_error("mdocker %s prune ended with %d", whats[b->prune.what], code);
	if (++b->prune.what < ARRAY_SIZE(whats))
		run_next(b);
}

static void run_next(struct broker *b)
{
	char *argv[] = { (char *)"mdocker", (char *)"--root", (char *)b->config.root,
		(char *)"--state", (char *)b->config.state, (char *)whats[b->prune.what],
		(char *)"prune", NULL };
	struct spawn run = SPAWN_INIT;

	run.path = b->mdocker;
	run.argv = argv;
	run.std[1] = run.std[2] = STDERR_FILENO;
	run.new_session = true;
	b->prune.pid = spawn_start(&run, &b->prune.pidfd);
	if (b->prune.pid < 0 ||
		loop_add_pidfd(&b->loop, &b->prune.process, b->prune.pidfd, on_end, b) < 0) {
		log_error("mdocker %s prune: %s", whats[b->prune.what], strerror(errno));
		b->prune.pid = 0;
	}
}

static void on_time(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;

	loop_take_timer(s);
	if (b->prune.pid)
		return;
	/* The first time all of it, then the last of the list only. */
	b->prune.what = MD_MIN(b->prune.what, ARRAY_SIZE(whats) - 1);
	run_next(b);
}

int broker_start_prune(struct broker *b, struct md_error *err)
{
	if (loop_add_timer(&b->loop, &b->prune.timer, on_time, b) < 0 ||
		loop_set_timer(&b->prune.timer, FIRST_MS, EVERY_MS) < 0)
		return md_fail_errno(err, "make a timer");
	return 0;
}

void broker_stop_prune(struct broker *b)
{
	/* What runs ends by itself. */
	fd_close(&b->prune.pidfd);
}
