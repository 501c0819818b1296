/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/poison.h"

enum {
	QUICK_MS = 2000, /* who lives shorter died at its start */
	RESTART_MAX_MS = 10000,
	SOCKET_BYTES = 1 << 20,
};

static int start_child(struct broker_child *c, int peer_fd, struct md_error *err);

static struct broker_child *other_child(struct broker_child *c)
{
	return c == &c->broker->auth ? &c->broker->web : &c->broker->auth;
}

static int make_pair(int *ret_ours, int *ret_theirs, struct md_error *err)
{
	int pair[2], size = SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return md_fail_errno(err, "make a socket pair");
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

static void forget_child(struct broker_child *c)
{
	struct loop *l = &c->broker->loop;

	if (c->socket.fd >= 0)
		loop_remove(l, &c->socket);
	if (c->process.fd >= 0)
		loop_remove(l, &c->process);
	fd_close(&c->fd);
	fd_close(&c->pidfd);
	c->ready = false;
}

/* Gives the other role one end of a new pair and starts the child with the other end. */
static int restart_child(struct broker_child *c, struct md_error *err)
{
	struct broker_child *other = other_child(c);
	union bw_message m = { .plain = { .h.type = BW_PEER } };
	_auto_close_ int for_other = -1;
	_auto_close_ int for_child = -1;

	if (make_pair(&for_other, &for_child, err) < 0)
		return -1;
	if (other->fd >= 0)
		broker_wire_send(other->fd, &m, &for_other, 1);
	return start_child(c, for_child, err);
}

static void schedule_restart(struct broker_child *c)
{
	uint64_t wait = 0;

	if (broker_clock_ms() - c->started < QUICK_MS)
		c->quick_deaths++;
	else
		c->quick_deaths = 0;
	if (c->quick_deaths > 1)
		wait = MD_MIN(100ull << MD_MIN(c->quick_deaths, 10u), (uint64_t)RESTART_MAX_MS);
	loop_set_timer(&c->restart, MD_MAX(wait, 1ull), 0);
}

static void on_restart(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_child *c = s->data;
	struct md_error err = MD_ERROR_INIT;

	loop_take_timer(s);
	if (c->pid == 0 && restart_child(c, &err) < 0) {
		log_error("start %s: %s", c->role, err.msg);
		schedule_restart(c);
	}
}

static void on_death(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_child *c = s->data;
	struct broker *b = c->broker;
	int code = spawn_wait(c->pid);

	c->pid = 0;
	forget_child(c);
	if (!b->serving) {
		/* It has said why, or the log has. */
		b->exit_code = b->exit_code ? b->exit_code : 1;
		loop_stop(&b->loop);
		return;
	}
	log_warning("%s ended with %d: it is started again", c->role, code);
	if (c == &b->auth)
		broker_fail_checks(b);
	else
		broker_drop_requests(b);
	schedule_restart(c);
}

/* A child that broke the protocol: it ends and is started anew. */
static void kill_child(struct broker_child *c)
{
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

static void print_first_account(const struct bw_ready *r)
{
	printf("The account '%s' was made with the password '%s'. It is shown this once.\n",
		r->first_user, r->first_password);
	fflush(stdout);
}

/* The first web, once auth is there: nobody is let in before somebody can be logged in. */
static int start_web(struct broker *b)
{
	_auto_close_ int peer_fd = take_fd(&b->first_web_fd);
	struct md_error err = MD_ERROR_INIT;

	if (start_child(&b->web, peer_fd, &err) == 0)
		return 0;
	log_error("%s", err.msg);
	b->exit_code = 1;
	loop_stop(&b->loop);
	return -1;
}

static void on_ready(struct broker_child *c, const struct bw_ready *r)
{
	struct broker *b = c->broker;
	const char *scheme = b->settings.tls ? "https" : "http";
	bool v6 = strchr(b->address.host, ':') != NULL;

	if (r->failed) {
		log_error("%s: %s", c->role, r->text);
		return; /* it ends now */
	}
	c->ready = true;
	if (c == &b->auth && r->first_user[0])
		print_first_account(r);
	if (b->first_web_fd >= 0 && start_web(b) < 0)
		return;
	if (b->serving || !b->auth.ready || !b->web.ready)
		return;
	b->serving = true;
	log_info("listening on %s://%s%s%s:%u%s/", scheme, v6 ? "[" : "", b->address.host,
		v6 ? "]" : "", b->settings.port, b->settings.base_path);
	broker_audit(b, BW_EVENT_SERVER, false, NULL, NULL, "started");
}

static void handle(struct broker_child *c, const union bw_message *m)
{
	struct broker *b = c->broker;

	c->unanswered = 0;
	if (m->h.type == BW_READY && !c->ready) {
		on_ready(c, &m->ready);
	} else if (c == &b->web && (m->h.type == BW_OPEN || m->h.type == BW_WORKSPACE ||
					   m->h.type == BW_RECORDING || m->h.type == BW_WALL)) {
		broker_on_request(b, m);
	} else if (c == &b->auth && m->h.type == BW_SESSION) {
		broker_on_session(b, m);
	} else if (c == &b->auth && m->h.type == BW_BROKEN) {
		kill_child(&b->web);
	} else if (c == &b->web && m->h.type == BW_ALIVE) {
		/* what it was asked for */
	} else {
		log_error("%s sent a message of type %u", c->role, m->h.type);
		kill_child(c);
	}
}

static void on_message(struct loop_source *s, uint32_t events _unused_)
{
	struct broker_child *c = s->data;
	struct md_error err = MD_ERROR_INIT;
	union bw_message m;
	int fds[BW_MAX_FDS], r;
	bool end;

	r = broker_wire_recv(c->fd, &m, fds, &end, &err);
	for (size_t i = 0; i < BW_MAX_FDS; i++)
		fd_close(&fds[i]);
	if (r == 1) {
		handle(c, &m);
		return;
	}
	if (r < 0)
		log_error("%s: %s", c->role, err.msg);
	if (r < 0 || end) {
		loop_remove(&c->broker->loop, &c->socket);
		kill_child(c);
	}
}

static int send_settings(struct broker_child *c, struct md_error *err)
{
	struct broker *b = c->broker;
	union bw_message m = { .settings = b->settings };

	m.h.type = BW_SETTINGS;
	if (broker_wire_send(c->fd, &m, NULL, 0) < 0)
		return md_fail_errno(err, "send the settings to %s", c->role);
	return c == &b->web && b->settings.tls ? broker_send_tls(b, err) : 0;
}

static int start_child(struct broker_child *c, int peer_fd, struct md_error *err)
{
	struct broker *b = c->broker;
	_auto_close_ int theirs = -1;
	/* The settings come by the socket; the root is there to be seen in a list of processes. */
	char *argv[] = { b->self, (char *)"--role", (char *)c->role, (char *)"--root",
		(char *)b->config.root, NULL };
	struct spawn s = SPAWN_INIT;

	if (make_pair(&c->fd, &theirs, err) < 0)
		return -1;
	s.path = "/proc/self/exe";
	s.argv = argv;
	s.std[2] = STDERR_FILENO;
	s.fds[s.fd_count++] = theirs;
	s.fds[s.fd_count++] = peer_fd;
	if (c == &b->web)
		s.fds[s.fd_count++] = b->listen_fd;
	/* Away from the terminal: ctrl-C is for the broker, which then ends its children in order. */
	s.new_session = true;
	s.parent_death_signal = SIGKILL;
	c->started = broker_clock_ms();
	c->unanswered = 0;
	c->pid = spawn_start(&s, &c->pidfd);
	if (c->pid < 0) {
		c->pid = 0;
		md_fail_errno(err, "start %s", c->role);
		forget_child(c);
		return -1;
	}
	if (send_settings(c, err) < 0 || fd_set_nonblock(c->fd, true) < 0 ||
		loop_add_fd(&b->loop, &c->socket, c->fd, EPOLLIN, on_message, c) < 0 ||
		loop_add_pidfd(&b->loop, &c->process, c->pidfd, on_death, c) < 0) {
		if (!err->code)
			md_fail_errno(err, "watch %s", c->role);
		kill_child(c);
		spawn_wait(c->pid);
		c->pid = 0;
		forget_child(c);
		return -1;
	}
	return 0;
}

static void init_child(struct broker *b, struct broker_child *c, const char *role)
{
	*c = (struct broker_child){ .broker = b,
		.role = role,
		.pidfd = -1,
		.fd = -1,
		.process = LOOP_SOURCE_INIT,
		.socket = LOOP_SOURCE_INIT,
		.restart = LOOP_SOURCE_INIT };
}

int broker_start_children(struct broker *b, struct md_error *err)
{
	_auto_close_ int for_auth = -1;

	init_child(b, &b->auth, "auth");
	init_child(b, &b->web, "web");
	if (loop_add_timer(&b->loop, &b->auth.restart, on_restart, &b->auth) < 0 ||
		loop_add_timer(&b->loop, &b->web.restart, on_restart, &b->web) < 0)
		return md_fail_errno(err, "make a timer");
	if (make_pair(&for_auth, &b->first_web_fd, err) < 0)
		return -1;
	return start_child(&b->auth, for_auth, err);
}

int broker_send_tls(struct broker *b, struct md_error *err)
{
	_auto_close_ int cert = open(b->config.tls_cert, O_RDONLY | O_CLOEXEC);
	_auto_close_ int key = -1;
	union bw_message m = { .plain = { .h.type = BW_TLS } };

	if (cert < 0)
		return md_fail_errno(err, "open --tls-cert '%s'", b->config.tls_cert);
	key = open(b->config.tls_key, O_RDONLY | O_CLOEXEC);
	if (key < 0)
		return md_fail_errno(err, "open --tls-key '%s'", b->config.tls_key);
	if (broker_wire_send(b->web.fd, &m, (int[]){ cert, key }, 2) < 0)
		return md_fail_errno(err, "send the certificate to web");
	return 0;
}

/* The end of their sockets ends them; who doesn't within a second is killed. */
void broker_stop_children(struct broker *b)
{
	struct broker_child *children[] = { &b->web, &b->auth };

	for (size_t i = 0; i < ARRAY_SIZE(children); i++)
		forget_child(children[i]);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		struct timespec wait = { .tv_nsec = 5 * 1000 * 1000 };

		if (children[i]->pid <= 0)
			continue;
		for (int tries = 0; tries < 200; tries++) {
			if (waitpid(children[i]->pid, NULL, WNOHANG) != 0) {
				children[i]->pid = 0;
				break;
			}
			nanosleep(&wait, NULL);
		}
		if (children[i]->pid > 0) {
			kill_child(children[i]);
			spawn_wait(children[i]->pid);
		}
	}
}
