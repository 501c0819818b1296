/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role.h - what the roles of mdockerd have in common: how the broker starts auth and web, and on which descriptors
 * they find their sockets.
 */
#ifndef MD_SERVER_ROLE_H
#define MD_SERVER_ROLE_H

#include "base/error.h"
#include "wire/broker_wire.h"

enum {
	ROLE_BROKER_FD = 3, /* SEQPACKET, to the broker */
	ROLE_PEER_FD = 4,   /* SEQPACKET, web <-> auth */
	ROLE_LISTEN_FD = 5, /* web only */
};

/* The main functions of the roles; they return the exit code. */
int auth_main(void);
int web_main(void);

/* First thing in a role: its settings from the broker. */
int role_receive_settings(struct bw_settings *ret, struct md_error *err);

/* Tells the broker that this role serves now, or (with `failure`) why it can't. */
int role_send_ready(const struct bw_ready *ready, const struct md_error *failure);

#endif
