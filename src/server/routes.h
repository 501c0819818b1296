/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.h - the one table of what this server answers to, and the checks that stand before every handler.
 */
#ifndef MD_SERVER_ROUTES_H
#define MD_SERVER_ROUTES_H

#include "server/http.h"
#include "server/peers.h"

enum route_access {
	ACCESS_PUBLIC,
	ACCESS_USER,  /* any session */
	ACCESS_ADMIN, /* an admin's */
};

struct route {
	enum http_method method;
	const char *pattern; /* "/api/v1/terminals/{}": {} is one part of a path, never empty */
	enum route_access access;
	bool json; /* takes a JSON object; an empty body counts as {} */
	void (*handle)(struct request *q);
};

extern const struct route routes[];

/* With the headers there: Host, Origin, the route, content type, session, role. Refuses (replies) or sets q->route. Where auth is late to
 * say whose session it is (q->pending), that goes on later. */
void route_begin(struct request *q);

/* With the body there, unless refused: calls the handler, or has it called when auth has answered; after a while without, refuses. */
void route_run(struct request *q);

/* That while is over. */
void route_give_up(struct request *q);

/* ?user=NAME: an admin asks about somebody else, who is put into q->of. False: refused, and replied. */
bool request_whose(struct request *q);

/* Asks the broker m->open for who sent the request; `done` gets q. */
void request_ask_broker(struct request *q, union bw_message *m, peers_done done);
/* For such a `done`: the descriptor that came as the reply, or why there is none. */
void request_reply_opened(struct request *q, const union bw_message *m, int fd, const char *type);

/* The checks for GET /ws, which is no route of the table because it is no request with a reply: Host, Origin, path, session. True if
 * it may be upgraded; else the refusal is in q's reply. Where auth is late (q->late) the session is the bridge's to look at: what libwebsockets
 * upgrades can't be waited for. */
bool route_allow_socket(struct request *q);

/* api_*.c */
void api_login(struct request *q);
void api_logout(struct request *q);
void api_me(struct request *q);
void api_config(struct request *q);
void api_password(struct request *q);
void api_health(struct request *q);
void api_users(struct request *q);
void api_user_add(struct request *q);
void api_user_change(struct request *q);
void api_user_remove(struct request *q);
void api_links(struct request *q);
void api_link_make(struct request *q);
void api_link_revoke(struct request *q);
void api_terminals(struct request *q);
void api_terminal_new(struct request *q);
void api_terminal_change(struct request *q);
void api_terminal_close(struct request *q);
void api_recordings(struct request *q);
void api_recording(struct request *q);
void api_recording_remove(struct request *q);
void api_wall(struct request *q);
void api_workspace(struct request *q);
void api_workspace_stop(struct request *q);
void api_workspace_restart(struct request *q);

#endif
