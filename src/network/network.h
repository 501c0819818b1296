/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - the network of workspaces: bridges, a veth pair each, addresses, rules. Works in the
 * network namespace that the caller is in.
 *
 * State, under ROOT/network/lock: leases.json (which workspace has which address) and elements/ID
 * (the rule elements of an attached workspace, as commands). Bridges and rules are made when the
 * first workspace needs them, and made again, with the elements of all workspaces, if somebody took
 * them away.
 */
#ifndef MD_NETWORK_NETWORK_H
#define MD_NETWORK_NETWORK_H

#include "base/buf.h"
#include "base/error.h"
#include "network/rules.h"

struct network_endpoint {
	const char *id; /* the workspace's */
	struct network_policy policy;
	struct network_published published[NETWORK_MAX_PUBLISHED];
	size_t published_count;
	uint64_t bytes_per_second; /* each way; 0: no limit */
};

/* Can workspaces be attached here? Cheap once there was one; the first time bridge, rules and forwarding
 * are made. -1: what is missing. */
int network_ready(const char *root, struct md_error *err);

/* Tries rules, bridge and forwarding in the present network namespace, which is one made for that. */
int network_probe(struct md_error *err);

/* Gives the namespace `netns_fd` an interface eth0 with the workspace's address and default route,
 * and lets it out as its policy says. *ret_address (host byte order) may be NULL. On failure
 * nothing of the endpoint is left but its lease. */
int network_attach(const char *root, const struct network_endpoint *e, int netns_fd,
	uint32_t *ret_address, struct md_error *err);

/* Another rate for an endpoint that is attached; 0: none. */
int network_limit(const char *root, const char *id, uint64_t bytes_per_second, int netns_fd,
	struct md_error *err);

/* Takes the interface and its rules away; the address stays the workspace's. What isn't there is
 * fine. */
int network_detach(const char *root, const char *id, struct md_error *err);

/* Also gives the address back: when the workspace is deleted. */
int network_release(const char *root, const char *id, struct md_error *err);

/* Puts bridges' rules back with the elements of all attached workspaces, in one transaction: after
 * a flush of the host's rules, or when its name servers have changed. */
int network_reload(const char *root, struct md_error *err);

/* The same if something of it is missing and a workspace is attached; else nothing. */
int network_restore(const char *root, struct md_error *err);

/* Removes bridges, rules and all leases. EBUSY while a workspace is attached. */
int network_remove(const char *root, struct md_error *err);

/* The bridges, rules and leases as one JSON line, added to `to`. */
int network_describe(const char *root, struct buf *to, struct md_error *err);

/* resolv.conf(5) for a workspace: the host's name servers less those on loopback, which nobody else
 * reaches. Added to `to`. */
void network_resolv_conf(struct buf *to);

#endif
