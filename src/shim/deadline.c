/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/deadline.h"

#include <time.h>

#include "base/poison.h"

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

uint64_t realtime_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

static void arm(struct deadlines *d)
{
	uint64_t first = 0, now;
	struct deadline *x;

	TAILQ_FOREACH(x, &d->list, link)
	{
		if (!first || x->when < first)
			first = x->when;
	}
	if (first == d->armed)
		return;
	d->armed = first;
	now = monotonic_ms();
	loop_set_timer(&d->timer, first == 0 ? 0 : first > now ? first - now : 1, 0);
}

static struct deadline *find_passed(struct deadlines *d, uint64_t now)
{
	struct deadline *x;

	TAILQ_FOREACH(x, &d->list, link)
	{
		if (x->when <= now)
			return x;
	}
	return NULL;
}

/* A callback may set and clear any of them, hence the search from the beginning after each. */
static void timer_ready(struct loop_source *s, uint32_t events _unused_)
{
	struct deadlines *d = s->data;
	uint64_t now = monotonic_ms();
	struct deadline *x;

	loop_take_timer(s);
	d->armed = 0;
	while ((x = find_passed(d, now))) {
		TAILQ_REMOVE(&d->list, x, link);
		x->set = false;
		x->passed(x->data);
	}
	arm(d);
}

int deadlines_open(struct deadlines *d, struct loop *loop)
{
	*d = (struct deadlines){ .loop = loop };
	TAILQ_INIT(&d->list);
	return loop_add_timer(loop, &d->timer, timer_ready, d);
}

void deadline_set(
	struct deadlines *d, struct deadline *x, uint64_t ms, void (*passed)(void *), void *data)
{
	if (!x->set)
		TAILQ_INSERT_TAIL(&d->list, x, link);
	x->set = true;
	x->when = monotonic_ms() + MD_MAX(ms, (uint64_t)1);
	x->passed = passed;
	x->data = data;
	arm(d);
}

void deadline_clear(struct deadlines *d, struct deadline *x)
{
	if (!x->set)
		return;
	TAILQ_REMOVE(&d->list, x, link);
	x->set = false;
	/* The timer stays as it is: at worst it wakes once for nothing, which is cheaper than a
	 * system call for each deadline that was met. */
}
