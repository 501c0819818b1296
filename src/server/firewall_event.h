/* SPDX-License-Identifier: Apache-2.0 */
/* firewall_event.h - what nftables tells of itself over netlink. */
#ifndef MD_SERVER_FIREWALL_EVENT_H
#define MD_SERVER_FIREWALL_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* True if tables or chains came or went; elements and rules don't matter. Pure: `data` is a datagram, aligned as a struct nlmsghdr. */
bool firewall_event_matters(const char *data, size_t len);

#endif
