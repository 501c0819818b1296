/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the event loop of our long-lived single-threaded processes: descriptors (epoll), signals
 * (signalfd), deadlines (timerfd) and processes (pidfd). Nothing polls; an idle process sleeps for
 * good.
 *
 * A source is a caller's struct that stays where it is until it was removed. A callback may remove
 * any source, its own included, and may free its memory then.
 */
#ifndef MD_BASE_LOOP_H
#define MD_BASE_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "base/compiler.h"

struct loop {
	int epoll_fd;
	bool stopped;
	struct loop_source *ready[64]; /* of the round being handled; removed ones become NULL */
	int ready_count;
};

struct loop_source {
	int fd;      /* -1 while not in the loop */
	bool own_fd; /* closed by loop_remove() */
	uint32_t events;
	void (*ready)(struct loop_source *s, uint32_t events);
	void *data; /* the callback's */
};

#define LOOP_SOURCE_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

int loop_open(struct loop *l);
void loop_close(struct loop *l);

/* Runs until loop_stop(). 0, or -1 and errno if epoll itself fails. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Watches `fd` (borrowed) for EPOLLIN, EPOLLOUT...; hang-up and error are always told. */
int loop_add_fd(struct loop *l, struct loop_source *s, int fd, uint32_t events,
	void (*ready)(struct loop_source *, uint32_t), void *data);
int loop_change(struct loop *l, struct loop_source *s, uint32_t events);
void loop_remove(struct loop *l, struct loop_source *s);

/* Blocks the signals of `set` and calls back with the source when one is pending; take it with
 * loop_take_signal() (its number, or -1 when none is left). */
int loop_add_signals(struct loop *l, struct loop_source *s, const sigset_t *set,
	void (*ready)(struct loop_source *, uint32_t), void *data);
int loop_take_signal(struct loop_source *s);

/* A timer, unarmed. loop_set_timer(): fires once after `ms` (0: off), then every `every_ms` if not
 * 0. In the callback call loop_take_timer(). */
int loop_add_timer(struct loop *l, struct loop_source *s,
	void (*ready)(struct loop_source *, uint32_t), void *data);
int loop_set_timer(struct loop_source *s, uint64_t ms, uint64_t every_ms);
void loop_take_timer(struct loop_source *s);

/* Calls back when the process of the pidfd (borrowed) has ended; reaping is the caller's. */
int loop_add_pidfd(struct loop *l, struct loop_source *s, int pidfd,
	void (*ready)(struct loop_source *, uint32_t), void *data);

#endif
