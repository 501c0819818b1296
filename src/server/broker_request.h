/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker_request.h - a request of web about a workspace or its recordings, between its files: broker_open.c (its course, and the connection
 * to the shim), broker_run.c (runs `mdocker` for it), broker_outcome.c (what the end of such a run means).
 */
#ifndef MD_SERVER_BROKER_REQUEST_H
#define MD_SERVER_BROKER_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"
#include "server/broker.h"

enum { BROKER_TEMPLATE = 128, BROKER_LIST = 1 << 20 /* most of a list that mdocker prints */ };

enum request_state {
	WAITS_FOR_AUTH,
	WAITS_FOR_RUN, /* its turn comes in broker_pump() */
	RUNS,
};

/* One request of web on its way: the token is checked with auth, then `mdocker` runs for it (unless the socket of the
 * workspace is known and answers), then web is told. */
struct broker_request {
	struct broker *broker;
	struct broker_request *next;
	enum request_state state;
	struct bw_open asked;
	uint32_t check_id;
	bool stopped;              /* RESTART: the first of its two runs is over */
	bool unwanted;             /* the web that asked is gone; mdocker is let run to its end */
	struct bw_session session; /* once checked: who it is, and what a link allows */
	const char *owner;         /* then: whose workspace it is about */
	bool foreign;              /* another's than who asks, who is an admin */

	pid_t pid;
	int pidfd, out_fd, err_fd;
	struct loop_source process, out, errors, timeout;
	struct buf out_text, err_text;
	char template[BROKER_TEMPLATE]; /* "--template=NAME" */
};

static inline bool broker_wants_open(const struct broker_request *q)
{
	return q->asked.h.type == BW_OPEN || (q->asked.action == BW_WS_RESTART && q->stopped);
}

/* broker_open.c */
/* Answers web and frees the request. `fd` (borrowed) goes along when it is not -1. */
void broker_answer(struct broker_request *q, enum bw_status status, const char *text, int fd);
/* For the audit log: who did what to whom. */
void broker_audit_foreign(
	const struct broker_request *q, enum bw_event event, bool failed, const char *what);
/* Where the socket of a user's workspace is. */
void broker_remember_workspace(struct broker *b, const char *name, const char *socket);
void broker_forget_workspace(struct broker *b, const char *name);
/* True if the workspace's shim answered the call and the request is done with. */
bool broker_connect_and_answer(struct broker_request *q);
/* Lets the waiting requests go on, the oldest first, while there is room. */
void broker_pump(struct broker *b);

/* broker_run.c */
/* Runs `mdocker` for the request; its end is told to broker_on_run_ended(). -1 and errno. */
int broker_start_run(struct broker_request *q);
/* Forgets the run; the process, if it is still there, goes on. */
void broker_stop_run(struct broker_request *q);

/* broker_outcome.c */
/* The run is over: answers, or leaves the request to wait for its next run. */
void broker_on_run_ended(struct broker_request *q, int code);

#endif
