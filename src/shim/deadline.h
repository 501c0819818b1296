/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.h - any number of one-shot timers on one timerfd, which is unarmed while none is set: an idle
 * shim is never woken.
 */
#ifndef MD_SHIM_DEADLINE_H
#define MD_SHIM_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/loop.h"

struct deadline {
	TAILQ_ENTRY(deadline) link;
	bool set;
	uint64_t when; /* ms of the monotonic clock */
	void (*passed)(void *data);
	void *data;
};

struct deadlines {
	struct loop *loop;
	struct loop_source timer;
	uint64_t armed; /* for when; 0: not */
	TAILQ_HEAD(deadline_list, deadline) list;
};

uint64_t monotonic_ms(void);
uint64_t realtime_ms(void);

/* -1 and errno. */
int deadlines_open(struct deadlines *d, struct loop *loop);

/* Calls `passed` once, in `ms` from now. One that is set already is moved. */
void deadline_set(
	struct deadlines *d, struct deadline *x, uint64_t ms, void (*passed)(void *), void *data);
void deadline_clear(struct deadlines *d, struct deadline *x);

#endif
