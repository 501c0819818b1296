/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/firewall_event.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

bool firewall_event_matters(const char *data, size_t len)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)data;
	/* As NLMSG_NEXT counts: the last message's padding may go below zero. */
	int left = (int)len;

	for (; left >= (int)sizeof(*h) && h->nlmsg_len >= sizeof(*h) &&
		h->nlmsg_len <= (unsigned int)left;
		h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
			continue;
		switch (h->nlmsg_type & 0xff) {
		case NFT_MSG_NEWTABLE:
		case NFT_MSG_DELTABLE:
		case NFT_MSG_NEWCHAIN:
		case NFT_MSG_DELCHAIN:
			return true;
		}
	}
	return false;
}
