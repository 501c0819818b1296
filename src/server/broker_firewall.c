/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reload of the host's firewall (`flush ruleset`) takes our tables away, and a start of Docker puts rules before ours: the
 * kernel tells of both, and `mdocker network restore` puts right what is missing. It does nothing if nothing is, so that the
 * events of its own changes end there.
 */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "server/firewall_event.h"
#include "base/poison.h"

enum { EVENT_BYTES = 32768, SETTLE_MS = 50, FIRST_RUN_MS = 500 };

static void on_event(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	_Alignas(struct nlmsghdr) char data[EVENT_BYTES];
	bool look = false;
	ssize_t n;

	while ((n = recv(s->fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
		look = look || firewall_event_matters(data, (size_t)n);
	/* Events were lost: something may have happened. */
	if (look || (n < 0 && errno == ENOBUFS))
		loop_set_timer(&b->firewall.timer, SETTLE_MS, 0);
}

static void on_end(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	int code = spawn_wait(b->firewall.pid);

	loop_remove(&b->loop, s);
	fd_close(&b->firewall.pidfd);
	b->firewall.pid = 0;
	if (code != 0)
		log_error("mdocker network restore ended with %d: workspaces on a bridge may be "
			  "without their rules",
			code);
}

static void on_time(struct loop_source *s, uint32_t events _unused_)
{
	struct broker *b = s->data;
	char *argv[] = { (char *)"mdocker", (char *)"--root", (char *)b->config.root,
		(char *)"--state", (char *)b->config.state, (char *)"network", (char *)"restore",
		NULL };
	struct spawn run = SPAWN_INIT;

	loop_take_timer(s);
	if (b->firewall.pid) { /* what happened since it looked is looked at again */
		loop_set_timer(s, SETTLE_MS, 0);
		return;
	}
	run.path = b->mdocker;
	run.argv = argv;
	run.new_session = true;
	b->firewall.pid = spawn_start(&run, &b->firewall.pidfd);
	if (b->firewall.pid < 0 ||
		loop_add_pidfd(&b->loop, &b->firewall.process, b->firewall.pidfd, on_end, b) < 0) {
		log_error("mdocker network restore: %s", strerror(errno));
		b->firewall.pid = 0;
	}
}

static int open_events(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES;
	_auto_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -1;
	return take_fd(&fd);
}

int broker_start_firewall(struct broker *b, struct md_error *err)
{
	b->firewall.fd = open_events();
	if (b->firewall.fd < 0) {
		log_info("the kernel doesn't tell of changes of the firewall (%s): after a reload "
			 "of it run `mdocker network reload`",
			strerror(errno));
		return 0;
	}
	if (loop_add_timer(&b->loop, &b->firewall.timer, on_time, b) < 0 ||
		loop_add_fd(&b->loop, &b->firewall.events, b->firewall.fd, EPOLLIN, on_event, b) <
			0 ||
		/* It may have happened while no server ran. */
		loop_set_timer(&b->firewall.timer, FIRST_RUN_MS, 0) < 0)
		return md_fail_errno(err, "watch the firewall");
	return 0;
}

void broker_stop_firewall(struct broker *b)
{
	/* What runs ends by itself. */
	fd_close(&b->firewall.pidfd);
	fd_close(&b->firewall.fd);
}
