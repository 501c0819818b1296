/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.h - a workspace and the network: what its document says becomes an endpoint of
 * network/network.h.
 *
 *	none	a network namespace with nothing but loopback
 *	bridge	eth0 on mdocker0, with its egress policy and published ports
 *	auto	a bridge where the host can have one, else none: decided at each start, told in the log
 *	host	the host's own network: its services, loopback ones too, are within reach
 *
 * The runtime's hooks (createRuntime, poststop) run `mdocker network attach` and `detach`, so any
 * OCI runtime works.
 */
#ifndef MD_ENGINE_CONNECT_H
#define MD_ENGINE_CONNECT_H

#include "engine/engine.h"

/* Refuses an unknown kind, a bad policy or port, and ports without a bridge. */
int connect_check(const struct workspace *w, struct md_error *err);

/* The same of words that may be NULL, before there is a workspace. */
int connect_check_words(const char *network, const char *egress, struct md_error *err);

/* What "auto" is at this start: "bridge" or "none"; any other kind is itself. */
const char *connect_settle(const struct engine *e, const struct workspace *w);

/* Before a start: resolv.conf in the bundle, for a workspace on a bridge. */
int connect_prepare(const struct workspace *w, const char *bundle, struct md_error *err);

/* Connects the network namespace `netns_fd` as the workspace's. */
int connect_attach(
	const struct engine *e, const struct workspace *w, int netns_fd, struct md_error *err);

/* Another rate for a running workspace, whose namespace is `netns_fd`; 0: none. */
int connect_limit(const struct engine *e, const struct workspace *w, uint64_t bytes_per_second,
	int netns_fd, struct md_error *err);

/* Takes interface and rules away; without a bridge, or when there is nothing, it does nothing. */
int connect_detach(const struct engine *e, const struct workspace *w, struct md_error *err);

/* And gives the address back. */
int connect_release(const struct engine *e, const struct workspace *w, struct md_error *err);

#endif
