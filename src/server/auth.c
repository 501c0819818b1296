/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "server/role.h"
#include "server/sandbox.h"
#include "base/poison.h"

enum {
	SWEEP_MS = 5000,
	AUDIT_PER_SECOND = 50,
	TURN = 64, /* messages that are taken one after the other from one of the others */
};

/* Which messages are taken from whom. */
struct handler {
	uint16_t type;
	bool from_web, from_broker;
	void (*handle)(const struct auth_reply *to, const union bw_message *m);
};

static void on_audit(const struct auth_reply *to, const union bw_message *m);

static const struct handler handlers[] = {
	{ BW_LOGIN, true, false, auth_on_login },
	{ BW_CHECK, true, true, auth_on_check },
	{ BW_LOGOUT, true, false, auth_on_logout },
	{ BW_PASSWORD, true, false, auth_on_password },
	{ BW_USERS, true, false, auth_on_users },
	{ BW_USER_CHANGE, true, false, auth_on_user_change },
	{ BW_LINK_MAKE, true, false, auth_on_link_make },
	{ BW_LINKS, true, false, auth_on_links },
	{ BW_LINK_REVOKE, true, false, auth_on_link_revoke },
	{ BW_AUDIT, true, true, on_audit },
};

int64_t auth_now(void)
{
	return time(NULL);
}

int64_t auth_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Refusals cost a stranger nothing, so they must not fill the disk: beyond a rate they are counted, and the count is written. */
static bool may_write(struct auth *a, const char *outcome)
{
	int64_t now = auth_monotonic();
	uint32_t dropped = a->audit_dropped;
	char text[64];

	if (now != a->audit_second) {
		a->audit_second = now;
		a->audit_count = a->audit_dropped = 0;
		snprintf(text, sizeof(text), "%u more refusals were not written", dropped);
		if (dropped)
			auth_audit(a, "denied", "ok", NULL, NULL, text);
	}
	if (str_eq(outcome, "ok") || a->audit_count++ < AUDIT_PER_SECOND)
		return true;
	a->audit_dropped++;
	return false;
}

static void write_line(struct auth *a, const struct audit_entry *e)
{
	struct md_error err = MD_ERROR_INIT;

	if (may_write(a, e->outcome) && audit_write(&a->audit, e, &err) < 0)
		log_error("audit: %s", err.msg);
}

void auth_audit(struct auth *a, const char *event, const char *outcome, const char *user,
	const char *address, const char *text)
{
	const struct audit_entry e = { event, outcome, user, address, text, .later = false };

	write_line(a, &e);
}

static void sync_audit(struct auth *a)
{
	struct md_error err = MD_ERROR_INIT;

	a->audit_due = false;
	if (audit_sync(&a->audit, &err) < 0)
		log_error("audit: %s", err.msg);
}

static struct auth_reply reply_to(struct auth_peer *peer, const union bw_message *m)
{
	return (struct auth_reply){ peer->auth, peer, peer->generation, m->h.id };
}

void auth_send(const struct auth_reply *to, union bw_message *m)
{
	if (to->peer->fd < 0 || to->generation != to->peer->generation)
		return;
	m->h.id = to->id;
	if (broker_wire_send(to->peer->fd, m, NULL, 0) < 0)
		log_warning("answer to %s: %s", to->peer->is_broker ? "broker" : "web",
			strerror(errno));
}

void auth_send_status(const struct auth_reply *to, enum bw_status status, const char *text)
{
	union bw_message m = { .status = { .h.type = BW_STATUS, .status = status } };

	if (text)
		BW_PUT(m.status.text, text);
	auth_send(to, &m);
}

void auth_revoked(uint64_t wire_id, void *data)
{
	struct auth *a = data;
	union bw_message m = { .revoked = { .h.type = BW_REVOKED, .session = wire_id } };

	if (a->web.fd >= 0 && broker_wire_send(a->web.fd, &m, NULL, 0) < 0)
		log_warning("tell web about an ended session: %s", strerror(errno));
}

static void on_audit(const struct auth_reply *to, const union bw_message *m)
{
	static const struct {
		const char *name;
		bool of_broker;
	} events[BW_EVENT_COUNT] = {
		[BW_EVENT_DENIED] = { "denied", false },
		[BW_EVENT_ATTACH] = { "terminal_attach", false },
		[BW_EVENT_DETACH] = { "terminal_detach", false },
		[BW_EVENT_LIMIT] = { "connection_limit", false },
		[BW_EVENT_LOOK] = { "admin_look", false },
		[BW_EVENT_LOOK_END] = { "admin_look_end", false },
		[BW_EVENT_RECORD] = { "recording", false },
		[BW_EVENT_OPEN] = { "workspace_open", true },
		[BW_EVENT_STOP] = { "workspace_stop", true },
		[BW_EVENT_SERVER] = { "server", true },
		[BW_EVENT_ADMIN] = { "admin_access", true },
		[BW_EVENT_RECORDINGS] = { "recordings", true },
		[BW_EVENT_WALL] = { "admin_wall", true },
	};
	const struct bw_audit *e = &m->audit;

	/* What the broker does only the broker may report: web is the one that strangers may get hold of. */
	if (events[e->event].of_broker != to->peer->is_broker)
		return;
	write_line(to->auth, &(struct audit_entry){ .event = events[e->event].name,
				     .outcome = e->failed ? "failed" : "ok",
				     .user = e->user,
				     .address = e->address,
				     .text = e->text,
				     .later = true });
	to->auth->audit_due = to->auth->audit_due || !e->failed;
}

static void close_peer(struct auth_peer *p)
{
	loop_remove(&p->auth->loop, &p->source);
	fd_close(&p->fd);
	/* Without the broker nobody starts or stops us: end. Web will be back. */
	if (p->is_broker)
		loop_stop(&p->auth->loop);
}

/* It broke the protocol. Web is ended by the broker, and comes back with a new pair. */
static void cut_off(struct auth_peer *p)
{
	union bw_message m = { .plain = { .h.type = BW_BROKEN } };

	if (!p->is_broker && broker_wire_send(p->auth->broker.fd, &m, NULL, 0) < 0)
		log_error("tell the broker: %s", strerror(errno));
	close_peer(p);
}

static void on_message(struct loop_source *s, uint32_t events);

static void open_peer(struct auth_peer *p, int fd)
{
	if (p->fd >= 0)
		close_peer(p);
	p->fd = fd;
	p->generation++;
	if (fd_set_nonblock(fd, true) < 0 ||
		loop_add_fd(&p->auth->loop, &p->source, fd, EPOLLIN, on_message, p) < 0) {
		log_error("watch a socket: %s", strerror(errno));
		fd_close(&p->fd);
	}
}

static void dispatch(struct auth_peer *p, const union bw_message *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		const struct handler *h = &handlers[i];
		struct auth_reply to = reply_to(p, m);

		if (h->type == m->h.type && (p->is_broker ? h->from_broker : h->from_web)) {
			h->handle(&to, m);
			return;
		}
	}
	log_error("%s sent a message of type %u", p->is_broker ? "broker" : "web", m->h.type);
	cut_off(p);
}

/* False: there is none, or the other is gone. */
static bool take_message(struct auth_peer *p)
{
	union bw_message m;
	struct md_error err = MD_ERROR_INIT;
	int fds[BW_MAX_FDS], r;
	bool end;

	r = broker_wire_recv(p->fd, &m, fds, &end, &err);
	if (r < 0)
		log_error("%s: %s", p->is_broker ? "broker" : "web", err.msg);
	if (r < 0) {
		cut_off(p);
	} else if (end) {
		close_peer(p);
	} else if (r == 1 && m.h.type == BW_PEER && p->is_broker) {
		open_peer(&p->auth->web, fds[0]);
	} else if (r == 1) {
		for (size_t i = 0; i < BW_MAX_FDS; i++)
			fd_close(&fds[i]);
		dispatch(p, &m);
	}
	sodium_memzero(&m, sizeof(m));
	return r == 1 && p->fd >= 0;
}

/* Who reports something waits for no answer, so all that has come by now goes to the disk in one go: when hundreds come back at
 * once, a disk that takes its time for each line would keep them waiting. */
static void on_message(struct loop_source *s, uint32_t events _unused_)
{
	struct auth_peer *p = s->data;

	for (int i = 0; i < TURN && take_message(p); i++)
		continue;
	if (p->auth->audit_due)
		sync_audit(p->auth);
}

static void on_sweep(struct loop_source *s, uint32_t events _unused_)
{
	struct auth *a = s->data;
	int64_t now = auth_now();

	loop_take_timer(s);
	sync_audit(a);
	auth_end_sessions(a, END_IDLE, now - a->settings.idle_seconds);
	auth_end_sessions(a, END_OLD, now - a->settings.absolute_seconds);
	auth_end_sessions(a, END_LINKS_OLD, now);
}

static int start(struct auth *a, struct bw_ready *ready, struct md_error *err)
{
	_auto_close_ int dir = -1;
	struct sandbox sandbox = { .uid = a->settings.auth_uid,
		.gid = a->settings.auth_gid,
		.root = a->settings.auth_dir,
		.files = true,
		.threads = true };

	if (sodium_init() < 0)
		return md_fail(err, EIO, "libsodium does not start");
	if (loop_open(&a->loop) < 0)
		return md_fail_errno(err, "make the event loop");
	/* SQLite may want its time zone and a temporary folder: neither exists inside. */
	tzset();
	if (loop_add_timer(&a->loop, &a->sweep, on_sweep, a) < 0 ||
		loop_set_timer(&a->sweep, SWEEP_MS, SWEEP_MS) < 0)
		return md_fail_errno(err, "make a timer");
	umask(0077);
	if (sandbox_enter(&sandbox, err) < 0)
		return -1;
	/* From here on as another user, below the own folder: what a bad database can do, it does there. */
	dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return md_fail_errno(err, "open '%s'", a->settings.auth_dir);
	if (audit_open(&a->audit, dir, err) < 0 ||
		accounts_open(&a->accounts, "/minidocker.db", err) < 0)
		return md_wrap(err, "%s", a->settings.auth_dir);
	if (auth_first_accounts(a, ready, err) < 0 || hasher_open(&a->hasher, &a->loop, err) < 0)
		return -1;
	return 0;
}

int auth_main(void)
{
	struct auth *a = calloc(1, sizeof(*a));
	struct bw_ready ready = { 0 };
	struct md_error err = MD_ERROR_INIT;
	int r;

	log_init("mdockerd auth");
	if (!a)
		return 1;
	a->broker = (struct auth_peer){ a, LOOP_SOURCE_INIT, -1, 0, true };
	a->web = (struct auth_peer){ a, LOOP_SOURCE_INIT, -1, 0, false };
	a->sweep = (struct loop_source)LOOP_SOURCE_INIT;
	a->audit = (struct audit)AUDIT_INIT;
	if (role_receive_settings(&a->settings, &err) < 0) {
		log_error("%s", err.msg);
		return 1;
	}
	log_open(STDERR_FILENO, LOG_INFO, false);
	r = start(a, &ready, &err);
	if (role_send_ready(&ready, r < 0 ? &err : NULL) < 0 || r < 0)
		return 1;
	sodium_memzero(&ready, sizeof(ready));
	open_peer(&a->broker, ROLE_BROKER_FD);
	open_peer(&a->web, ROLE_PEER_FD);
	r = loop_run(&a->loop);
	hasher_close(&a->hasher);
	accounts_close(&a->accounts);
	audit_close(&a->audit);
	loop_close(&a->loop);
	free(a);
	return r < 0 ? 1 : 0;
}
