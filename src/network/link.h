/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - interfaces, addresses and routes by rtnetlink(7), through libmnl. No policy.
 *
 * A `struct link_socket` speaks to the network namespace in which it was opened. Everything returns
 * -1 and errno (the kernel's own answer) on failure.
 */
#ifndef MD_NETWORK_LINK_H
#define MD_NETWORK_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct mnl_socket;

struct link_socket {
	struct mnl_socket *nl;
	unsigned int seq;
};

/* Opens in the namespace of `netns_fd` (-1: the present one). The calling thread is back in its own
 * namespace afterwards, also on failure; if it can't go back the process ends. */
int link_open(struct link_socket *s, int netns_fd);
void link_close(struct link_socket *s);
#define _auto_link_ _auto_(link_close)

/* The interface's index, or 0 with errno ENODEV. */
unsigned int link_index(struct link_socket *s, const char *name);

/* The same, and the interface's alias: "" if it has none. */
enum { LINK_ALIAS = 256 };
unsigned int link_find(struct link_socket *s, const char *name, char ret_alias[LINK_ALIAS]);

/* Beyond 255 bytes it is cut off. */
int link_set_alias(struct link_socket *s, unsigned int index, const char *alias);

/* EEXIST: another has the name. The interface must be down. */
int link_rename(struct link_socket *s, unsigned int index, const char *name);

/* EEXIST if the name is taken. */
int link_add_bridge(struct link_socket *s, const char *name, const unsigned char mac[6]);

/* A pair: `name` here, on bridge `master`, up; `peer_name` with `peer_mac` born in the namespace of
 * `netns_fd`. */
int link_add_veth(struct link_socket *s, const char *name, unsigned int master,
	const char *peer_name, const unsigned char peer_mac[6], int netns_fd);

int link_set_up(struct link_socket *s, unsigned int index);
int link_delete(struct link_socket *s, unsigned int index);

/* A bridge port that reaches no other isolated port, with frames sent back out of it for hairpin
 * NAT. */
int link_isolate_port(struct link_socket *s, unsigned int index);

/* An address is in host byte order. EEXIST if the interface has it already. */
int link_add_address(
	struct link_socket *s, unsigned int index, uint32_t address, unsigned int prefix);
int link_add_default_route(struct link_socket *s, unsigned int index, uint32_t gateway);

/* Limits what leaves by the interface to `bytes_per_second`, with a token bucket (tc-tbf(8)). 0
 * takes it away. */
int link_limit_rate(struct link_socket *s, unsigned int index, uint64_t bytes_per_second);

/* Bytes and packets since the interface was made, as the interface counts them. */
struct link_counters {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};
int link_read_counters(struct link_socket *s, unsigned int index, struct link_counters *ret);

/* What the kernel says of an interface. Pure: `data` is aligned as a struct nlmsghdr, the answer to request `seq` of socket `port`. 1: there is more to come, 0: that
 * was the end, -1 and errno: the kernel's own, or EBADMSG. `ret` is NULL where no data are awaited. */
struct link_reply {
	unsigned int index;
	char alias[LINK_ALIAS]; /* "": none */
	struct link_counters counters;
};
int link_parse_reply(
	const void *data, size_t len, unsigned int seq, unsigned int port, struct link_reply *ret);

#endif
