/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces that keep the processors busy give way to the others: a process beside us, which dies with us. */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/poison.h"

static void on_end(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	int code = spawn_wait(b->balance.pid);

	loop_remove(&b->loop, s);
	fd_close(&b->balance.pidfd);
	b->balance.pid = 0;
	log_warning(
		"mdocker system balance ended with %d: busy workspaces slow the others down", code);
}

void broker_start_balance(struct broker *b)
{
	char *argv[] = { (char *)"mdocker", (char *)"--root", (char *)b->config.root,
		(char *)"--state", (char *)b->config.state, (char *)"system", (char *)"balance",
		b->config.all_processors ? (char *)"--all-processors" : NULL, NULL };
	struct spawn run = SPAWN_INIT;

	run.path = b->mdocker;
	run.argv = argv;
	run.std[2] = STDERR_FILENO;
	run.new_session = true;
	run.parent_death_signal = SIGTERM;
	b->balance.pid = spawn_start(&run, &b->balance.pidfd);
	if (b->balance.pid < 0 ||
		loop_add_pidfd(&b->loop, &b->balance.process, b->balance.pidfd, on_end, b) < 0) {
		log_warning("mdocker system balance: %s", strerror(errno));
		b->balance.pid = 0;
	}
}

void broker_stop_balance(struct broker *b)
{
	if (b->balance.pid > 0) {
		kill(b->balance.pid, SIGTERM);
		spawn_wait(b->balance.pid);
	}
	fd_close(&b->balance.pidfd);
}
