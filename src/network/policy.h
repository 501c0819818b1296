/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what a workspace may reach, as written in a template or on the command line. Pure.
 *
 * "none"     nothing but itself (it has an interface, so published ports still answer)
 * "internet" all public addresses; not RFC 1918, shared, link-local, metadata, multicast, reserved
 * ones "full"     everything that the host can route to, but for the host itself and the other
 * workspaces "allow:CIDR[:PORT[/tcp|/udp]],..." just these, and the resolvers Whatever the policy,
 * workspaces never reach each other or the host's own services.
 */
#ifndef MD_NETWORK_POLICY_H
#define MD_NETWORK_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "network/address.h"

enum network_egress {
	EGRESS_NONE,
	EGRESS_INTERNET,
	EGRESS_FULL,
	EGRESS_ALLOW,
};

enum { NETWORK_MAX_ALLOWED = 64, NETWORK_MAX_PUBLISHED = 64 };

struct network_allowed {
	struct network_cidr to;
	uint16_t port;    /* 0: every port */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, or 0: both */
};

struct network_policy {
	enum network_egress egress;
	struct network_allowed allowed[NETWORK_MAX_ALLOWED];
	size_t allowed_count;
};

int network_policy_parse(const char *s, struct network_policy *ret, struct md_error *err);

/* The chain's name in our rules: "none", "internet", ... */
const char *network_egress_name(enum network_egress e);

/* "8080:80", "8080:80/udp", "127.0.0.1:8080:80": a port of the host leads to one of the workspace.
 */
struct network_published {
	uint32_t host_address; /* 0: every address of the host */
	uint16_t host_port, port;
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

int network_published_parse(const char *s, struct network_published *ret, struct md_error *err);

#endif
