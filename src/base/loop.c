/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/loop.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"

int loop_open(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll_fd < 0 ? -1 : 0;
}

void loop_close(struct loop *l)
{
	fd_close(&l->epoll_fd);
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

int loop_run(struct loop *l)
{
	struct epoll_event events[ARRAY_SIZE(l->ready)];

	l->stopped = false;
	while (!l->stopped) {
		int n = epoll_wait(l->epoll_fd, events, (int)ARRAY_SIZE(events), -1);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		for (int i = 0; i < n; i++)
			l->ready[i] = events[i].data.ptr;
		l->ready_count = n;
		for (int i = 0; i < n && !l->stopped; i++) {
			if (l->ready[i])
				l->ready[i]->ready(l->ready[i], events[i].events);
		}
		l->ready_count = 0;
	}
	return 0;
}

int loop_add_fd(struct loop *l, struct loop_source *s, int fd, uint32_t events,
	void (*ready)(struct loop_source *, uint32_t), void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = s };

	*s = (struct loop_source){ .fd = fd, .events = events, .ready = ready, .data = data };
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		s->fd = -1;
		return -1;
	}
	return 0;
}

int loop_change(struct loop *l, struct loop_source *s, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = s };

	if (s->events == events)
		return 0;
	s->events = events;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, s->fd, &event);
}

void loop_remove(struct loop *l, struct loop_source *s)
{
	if (s->fd < 0)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	for (int i = 0; i < l->ready_count; i++) {
		if (l->ready[i] == s)
			l->ready[i] = NULL;
	}
	if (s->own_fd)
		close(s->fd);
	s->fd = -1;
}

/* Adds a descriptor made for the source itself. */
static int add_own_fd(struct loop *l, struct loop_source *s, int fd,
	void (*ready)(struct loop_source *, uint32_t), void *data)
{
	if (fd < 0) {
		s->fd = -1;
		return -1;
	}
	if (loop_add_fd(l, s, fd, EPOLLIN, ready, data) < 0) {
		fd_close(&fd);
		return -1;
	}
	s->own_fd = true;
	return 0;
}

int loop_add_signals(struct loop *l, struct loop_source *s, const sigset_t *set,
	void (*ready)(struct loop_source *, uint32_t), void *data)
{
	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -1;
	return add_own_fd(l, s, signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK), ready, data);
}

int loop_take_signal(struct loop_source *s)
{
	struct signalfd_siginfo info;

	return read(s->fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : -1;
}

int loop_add_timer(struct loop *l, struct loop_source *s,
	void (*ready)(struct loop_source *, uint32_t), void *data)
{
	return add_own_fd(
		l, s, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), ready, data);
}

static struct timespec from_ms(uint64_t ms)
{
	return (struct timespec){ .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
}

int loop_set_timer(struct loop_source *s, uint64_t ms, uint64_t every_ms)
{
	struct itimerspec when = { .it_value = from_ms(ms), .it_interval = from_ms(every_ms) };

	return timerfd_settime(s->fd, 0, &when, NULL);
}

void loop_take_timer(struct loop_source *s)
{
	uint64_t times;
	ssize_t n _unused_ = read(s->fd, &times, sizeof(times));
}

int loop_add_pidfd(struct loop *l, struct loop_source *s, int pidfd,
	void (*ready)(struct loop_source *, uint32_t), void *data)
{
	return loop_add_fd(l, s, pidfd, EPOLLIN, ready, data);
}
