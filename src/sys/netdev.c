/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/netdev.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

struct move_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[64];
};

static int add_attribute(struct move_request *r, unsigned short type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(r->header.nlmsg_len);
	struct rtattr attribute = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };

	if (at + RTA_SPACE(len) > sizeof(*r)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy((char *)r + at, &attribute, sizeof(attribute));
	memcpy((char *)r + at + RTA_LENGTH(0), data, len);
	r->header.nlmsg_len = (unsigned int)(at + RTA_LENGTH(len));
	return 0;
}

/* The kernel's answer: struct nlmsgerr with 0 or a negative errno. */
static int read_answer(int sock)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	ssize_t n = recv(sock, &answer, sizeof(answer), 0);

	if (n < 0)
		return -1;
	if ((size_t)n < sizeof(answer.header) + sizeof(answer.error) ||
		answer.header.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -answer.error.error;
	return errno ? -1 : 0;
}

int netdev_move(const char *name, int netns, const char *new_name)
{
	_auto_close_ int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct move_request r = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
					  .nlmsg_type = RTM_NEWLINK,
					  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };

	if (sock < 0)
		return -1;
	r.link.ifi_index = (int)if_nametoindex(name);
	if (!r.link.ifi_index)
		return -1;
	if (!new_name)
		new_name = name;
	if (strlen(new_name) >= IFNAMSIZ) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (add_attribute(&r, IFLA_NET_NS_FD, &netns, sizeof(netns)) < 0 ||
		add_attribute(&r, IFLA_IFNAME, new_name, strlen(new_name) + 1) < 0 ||
		send(sock, &r, r.header.nlmsg_len, 0) < 0)
		return -1;
	return read_answer(sock);
}
