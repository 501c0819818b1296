/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker.h - the state of the root role, between its files: broker.c (start, signals, messages), broker_children.c
 * (auth and web: started, restarted), broker_open.c, broker_run.c, broker_outcome.c (requests about workspaces and recordings, broker_request.h:
 * run `mdocker`, connect to the shim), broker_wall.c, broker_watch.c, broker_prune.c, broker_firewall.c, broker_balance.c.
 */
#ifndef MD_SERVER_BROKER_H
#define MD_SERVER_BROKER_H

#include "base/buf.h"
#include "base/loop.h"
#include "server/config.h"
#include "wire/broker_wire.h"

enum {
	BROKER_MAX_RUNS = 4,        /* mdocker processes at once */
	BROKER_MAX_REQUESTS = 1024, /* requests of web that wait for something */
	BROKER_RUN_SECONDS = 60,
	BROKER_VISITS = 1024, /* pairs of a visit to the wall and a workspace that are remembered */
};

struct broker;

/* auth or web. */
struct broker_child {
	struct broker *broker;
	const char *role;
	pid_t pid; /* 0: not running */
	int pidfd, fd;
	struct loop_source process, socket, restart;
	bool ready;
	int unanswered;        /* questions in a row */
	uint32_t quick_deaths; /* in a row: the next start waits longer */
	int64_t started;       /* ms, monotonic */
};

/* The socket of a user's workspace, as mdocker told it last. */
struct broker_workspace {
	char name[BW_NAME_SIZE];
	char *socket;
	struct broker_workspace *next;
};

/* An admin's wall shows somebody's terminals: that is in the audit log. */
struct broker_visit {
	uint64_t session, number;
	int64_t since; /* ms, monotonic */
	char owner[BW_NAME_SIZE];
};

struct broker {
	struct loop loop;
	struct server_config config;
	struct bw_settings settings;
	struct listen_address address;
	char *mdocker, *self;
	int listen_fd;
	int first_web_fd; /* web's end of its first socket to auth, until web is started */
	int exit_code;
	bool serving; /* `listening on` was said */
	struct broker_child auth, web;
	struct loop_source signals;
	struct broker_prune {
		size_t what; /* the command that runs, or the next one */
		struct loop_source timer, process;
		pid_t pid; /* 0: none runs */
		int pidfd;
	} prune;
	struct broker_firewall {
		struct loop_source events, timer, process;
		int fd;    /* netlink, -1: the kernel tells nothing */
		pid_t pid; /* 0: none runs */
		int pidfd;
	} firewall;
	struct loop_source watch; /* a timer */
	struct broker_balance {
		struct loop_source process;
		pid_t pid; /* 0: it does not run */
		int pidfd;
	} balance;
	uint32_t last_id;
	struct broker_request *requests; /* of web, in the order of their coming */
	size_t request_count, run_count;
	struct broker_workspace *workspaces;
	struct broker_visit visits[BROKER_VISITS]; /* a ring: the oldest is forgotten */
	size_t visit_at;
};

int64_t broker_clock_ms(void);
void broker_audit(struct broker *b, enum bw_event event, bool failed, const char *user,
	const char *address, const char *text);

/* broker_children.c */
/* Starts auth, and web when auth has said READY. */
int broker_start_children(struct broker *b, struct md_error *err);
/* Sends the certificate and key to web (again: reload). */
int broker_send_tls(struct broker *b, struct md_error *err);
void broker_stop_children(struct broker *b);
/* broker_balance.c: `mdocker system balance`, as long as the server runs. Without it all goes on, less fairly. */
void broker_start_balance(struct broker *b);
void broker_stop_balance(struct broker *b);

/* broker_prune.c: `mdocker system prune` soon after the start, `mdocker recordings prune` then and each hour. */
int broker_start_prune(struct broker *b, struct md_error *err);
void broker_stop_prune(struct broker *b);

/* broker_firewall.c: `mdocker network restore` when tables or chains of the host's firewall came or went. */
int broker_start_firewall(struct broker *b, struct md_error *err);
void broker_stop_firewall(struct broker *b);

/* broker_watch.c: asks the roles now and then, and ends one that answers nothing. */
int broker_start_watch(struct broker *b, struct md_error *err);

/* broker_wall.c */
/* Is this the first picture of `owner` in that visit (or a long one's first in this hour)? Remembers it. */
bool broker_visit_begins(struct broker *b, uint64_t session, uint64_t number, const char *owner);
/* What `mdocker terminals` printed, with the groups of the configuration, as one JSON object. */
void broker_wall_list(const struct broker *b, const char *lines, struct buf *out);

/* broker_open.c */
/* A request of web: OPEN, WORKSPACE, RECORDING or WALL. */
void broker_on_request(struct broker *b, const union bw_message *m);
/* The answer of auth to our CHECK. */
void broker_on_session(struct broker *b, const union bw_message *m);
/* Auth is gone: what waits for it fails. Web is gone: nobody waits any more. */
void broker_fail_checks(struct broker *b);
void broker_drop_requests(struct broker *b);
void broker_open_done(struct broker *b);

#endif
