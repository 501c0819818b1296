/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_requests.h - the functions behind a client's messages, between client_requests.c (the table; the client's connection and its
 * terminal) and client_terminals.c (the workspace and its list of terminals).
 */
#ifndef MD_SHIM_CLIENT_REQUESTS_H
#define MD_SHIM_CLIENT_REQUESTS_H

#include "shim/client.h"

struct client_arrival {
	const struct shim_msg *m;
	const int *fds;
	size_t fd_count;
};

/* client_requests.c */
/* A terminal by number, whatever its state, or only a running one; ENOENT. */
struct terminal *client_find_terminal(struct client *c, uint32_t id, struct md_error *err);
struct terminal *client_find_running(struct client *c, uint32_t id, struct md_error *err);
/* Labels and names are shown to others: no control characters. */
void client_set_text(char *to, size_t room, const char *from);
/* With --main-wait the first who wants terminal 1 (0: any) starts it. */
int client_start_main(struct client *c, uint32_t wanted, struct md_error *err);

/* client_terminals.c. 0: answered, or to be answered later. -1: ERROR with `err`. */
int request_new_terminal(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_list(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_rename(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_move(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_close(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_signal(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_wait(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_status(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_stop(struct client *c, const struct client_arrival *a, struct md_error *err);
int request_record(struct client *c, const struct client_arrival *a, struct md_error *err);

#endif
