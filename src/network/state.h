/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the network while a process looks at it or changes it: ROOT/network under its lock, the leases, the elements of
 * attached workspaces, the way to the kernel. For the files of this folder.
 */
#ifndef MD_NETWORK_STATE_H
#define MD_NETWORK_STATE_H

#include "base/buf.h"
#include "network/address.h"
#include "network/link.h"
#include "network/rules.h"

enum {
	NETWORK_POOL = 10U << 24 | 213U << 16, /* 10.213.0.0/16 */
	NETWORK_RULES_CEILING = 64 << 20,
};

struct network {
	char *root; /* without links */
	int dir;    /* ROOT/network */
	int lock;   /* held until network_done() */
	struct network_leases leases;
	struct rules rules;
	struct link_socket link; /* in the present network namespace */
};

#define NETWORK_INIT                                                                               \
	{                                                                                          \
		.dir = -1, .lock = -1                                                              \
	}

/* Waits for the lock. */
int network_init(struct network *n, const char *root, struct md_error *err);
void network_done(struct network *n);
#define _auto_network_ _auto_(network_done)

int network_save_leases(const struct network *n, struct md_error *err);

/* The commands that add what elements/ID says of workspaces; that of all of them. */
int network_all_elements(const struct network *n, struct buf *to, struct md_error *err);
bool network_has_elements(const struct network *n);

/* Writes elements/ID and runs it. ENOENT: there are no rules; the file is there. */
int network_add_elements(
	struct network *n, const char *id, const struct rules_endpoint *e, struct md_error *err);

/* Takes elements/ID away; with `rules` out of the rules, too. None is fine. */
int network_remove_elements(struct network *n, const char *id, bool rules, struct md_error *err);

#endif
