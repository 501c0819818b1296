/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - our nftables rules: one static set of chains, in which a workspace is a few elements of
 * maps and sets.
 *
 * They live in two tables of our own, `inet mdocker` (what may be forwarded, NAT, published ports)
 * and `bridge mdocker` (source address and MAC belong to the port). Other tables are never touched,
 * but for DOCKER-USER (below), so a reload of the host's firewall that does not say `flush
 * ruleset` leaves them, and network_restore() puts them back after one that did. Applied through libnftables, no program is run.
 * Source: nft(8), libnftables(3).
 */
#ifndef MD_NETWORK_RULES_H
#define MD_NETWORK_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "network/policy.h"

/* What the rules know of a workspace. */
struct rules_endpoint {
	uint32_t address;
	struct network_policy policy;
	struct network_published published[NETWORK_MAX_PUBLISHED];
	size_t published_count;
};

struct rules_limits {
	unsigned int connections;           /* open at once, a workspace */
	unsigned int new_per_second, burst; /* new connections, a workspace */
};

/* Where name servers are: reachable on port 53 by every policy but "none". */
struct rules_resolvers {
	uint32_t addresses[8];
	size_t count;
};

/* The text of the static rule set, of the commands that add an endpoint, and of those that remove
 * it. Pure; check buf.failed. */
void rules_text(
	struct buf *to, const struct rules_limits *limits, const struct rules_resolvers *resolvers);
void rules_add_text(struct buf *to, const struct rules_endpoint *e);
void rules_remove_text(struct buf *to, const struct rules_endpoint *e);
/* The commands that remove our rules from Docker's chain, of what the library lists of it. */
void rules_leave_docker_text(struct buf *to, const char *listed);
/* The errno that the library's words mean. */
int rules_code_of(const char *said);

struct rules {
	void *nft; /* the library's context */
};

int rules_open(struct rules *r, struct md_error *err);
void rules_close(struct rules *r);
#define _auto_rules_ _auto_(rules_close)

/* True if our tables are there. */
bool rules_are_loaded(struct rules *r);

/* Runs commands as one transaction: all or none. The library's own message is in `err`. */
int rules_run(struct rules *r, const char *commands, struct md_error *err);

/* Prints the whole ruleset, without what is in sets. */
int rules_list_all(struct rules *r, struct md_error *err);

/* What the last command printed. Borrowed until the next. */
const char *rules_said(struct rules *r);

/* Docker drops whatever is forwarded and not its own, which no table of ours can take back; its chain DOCKER-USER, where there
 * is one, is its place for others' wishes: two rules there let our bridges' packets through to our own rules. Best effort. */
void rules_join_docker(struct rules *r);
void rules_leave_docker(struct rules *r);

/* Removes both tables; none is fine. */
int rules_unload(struct rules *r, struct md_error *err);

#endif
