/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netdev.h - network interfaces of the host and of containers, rtnetlink(7), netdevice(7). -1 and errno.
 */
#ifndef MD_SYS_NETDEV_H
#define MD_SYS_NETDEV_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Moves the interface `name` of the caller's network namespace into that of `netns` (a descriptor), where it is called `new_name` (NULL:
 * the same). It keeps its permanent addresses of global scope and is up there. ENODEV: there is none; EEXIST: the name is taken there. */
int netdev_move(const char *name, int netns, const char *new_name);

/* Brings up the loopback interface of `netns`, in which the caller is meanwhile; -1: that of the caller's own. */
int netdev_up_loopback(int netns);

/* An address of an interface: the local one, the peer's or its own again, the broadcast one; a length of 0: none. */
enum { NETDEV_ADDRESS_PARTS = 3 };
struct netdev_address {
	uint8_t family, prefix;
	uint8_t len[NETDEV_ADDRESS_PARTS];
	unsigned char bytes[NETDEV_ADDRESS_PARTS][16];
};

/* Appends to `to`, which holds *count of `room`, the permanent addresses of the interface `index` out of a piece of the kernel's list. Pure: `data` is aligned as a struct
 * nlmsghdr. 1: there is more to come, 0: that was the end, -1 and EPROTO: an error of the kernel's. */
int netdev_parse_addresses(const void *data, size_t len, int index, struct netdev_address *to,
	size_t room, size_t *count);

#endif
