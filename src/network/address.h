/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - which workspace has which IPv4 address. Pure: no kernel object, no file.
 *
 * The pool is a /16. It is cut into /22 blocks, one a bridge; a bridge takes 1,000 ports (the
 * kernel allows 1,024, BR_MAX_PORTS), so lease number N lies on bridge N / 1000 at host part 2 + N
 * % 1000, and host part 1 is the bridge itself. The MAC address (02:4d and the address) and the
 * name of the host's end of the veth ("mdv" and the address in hex) follow from the address alone:
 * nothing else has to be recorded.
 */
#ifndef MD_NETWORK_ADDRESS_H
#define MD_NETWORK_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	NETWORK_PORTS_PER_BRIDGE = 1000,
	NETWORK_BRIDGES = 64,
	NETWORK_MAX_LEASES = NETWORK_PORTS_PER_BRIDGE * NETWORK_BRIDGES,
	NETWORK_PREFIX = 22,
	NETWORK_ID_SIZE = 65, /* a workspace id and its NUL */
};

/* IPv4 addresses are in host byte order throughout. */
struct network_cidr {
	uint32_t address;
	unsigned int prefix;
};

/* "10.213.0.0/16", or a bare address as a /32. The host bits must be 0. */
int network_cidr_parse(const char *s, struct network_cidr *ret, struct md_error *err);

/* Dotted form into `to`. */
enum { NETWORK_ADDRESS_TEXT = 16 };
void network_address_format(uint32_t address, char to[NETWORK_ADDRESS_TEXT]);

struct network_lease {
	char id[NETWORK_ID_SIZE];
	uint32_t number;
};

/* Sorted by number. */
struct network_leases {
	uint32_t pool; /* its first address */
	struct network_lease *items;
	size_t count;
};

void network_leases_done(struct network_leases *l);

/* The lease of `id`, or NULL. */
const struct network_lease *network_lease_find(const struct network_leases *l, const char *id);

/* The lease of `id`, made with the lowest free number if there is none. ENOSPC when all are taken.
 */
int network_lease_take(struct network_leases *l, const char *id, const struct network_lease **ret,
	struct md_error *err);

/* Forgets the lease; none is fine. */
void network_lease_drop(struct network_leases *l, const char *id);

uint32_t network_lease_address(const struct network_leases *l, const struct network_lease *lease);
unsigned int network_lease_bridge(const struct network_lease *lease);
uint32_t network_gateway(const struct network_leases *l, unsigned int bridge);

#define NETWORK_PORT_PREFIX "mdv"
enum { NETWORK_IFNAME = 16 };
void network_port_name(uint32_t address, char to[NETWORK_IFNAME]);
void network_bridge_name(unsigned int bridge, char to[NETWORK_IFNAME]);
/* The first bridge while it is being made: a name for each installation. */
void network_unnamed_bridge(const char *root, char to[NETWORK_IFNAME]);
void network_mac(uint32_t address, unsigned char to[6]);

/* The document that keeps the leases: {"pool":"10.213.0.0/16","leases":{"ID":number}}. Text is
 * heap, NUL-terminated. */
int network_leases_parse(
	const char *text, size_t len, struct network_leases *ret, struct md_error *err);
char *network_leases_text(const struct network_leases *l);

#endif
