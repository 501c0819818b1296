/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/poison.h"

enum { ADDRESSES_MAX = 256, ANSWER_SIZE = 32768 };

/* ---- one request, one answer ---- */

struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char attributes[128];
};

static void request_init(struct request *r, unsigned short type, unsigned short flags, size_t body)
{
	*r = (struct request){ .header = { .nlmsg_len = (unsigned int)NLMSG_LENGTH(body),
				       .nlmsg_type = type,
				       .nlmsg_flags = NLM_F_REQUEST | flags } };
}

static int add_attribute(struct request *r, unsigned short type, const void *data, size_t len)
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

static int ask(int sock, const struct request *r)
{
	return send(sock, r, r->header.nlmsg_len, 0) < 0 ? -1 : read_answer(sock);
}

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* ---- addresses, which the kernel drops when an interface changes its namespace ---- */

struct addresses {
	struct netdev_address items[ADDRESSES_MAX];
	size_t count;
};

static const unsigned short parts[NETDEV_ADDRESS_PARTS] = { IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST };

/* Those that somebody configured (permanent, of global scope); not what came by router advertisements or is the kernel's own. */
static bool take_address(const struct nlmsghdr *message, int index, struct netdev_address *ret)
{
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	const struct rtattr *attribute = IFA_RTA(address);
	int left = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*address));

	if (left < 0 || (int)address->ifa_index != index ||
		address->ifa_scope != RT_SCOPE_UNIVERSE || !(address->ifa_flags & IFA_F_PERMANENT))
		return false;
	*ret = (struct netdev_address){ .family = address->ifa_family,
		.prefix = address->ifa_prefixlen };
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
			size_t len = RTA_PAYLOAD(attribute);

			if (attribute->rta_type != parts[i] || len > sizeof(ret->bytes[i]))
				continue;
			memcpy(ret->bytes[i], RTA_DATA(attribute), len);
			ret->len[i] = (uint8_t)len;
		}
	}
	return true;
}

int netdev_parse_addresses(const void *data, size_t len, int index, struct netdev_address *to,
	size_t room, size_t *count)
{
	const struct nlmsghdr *m = data;
	/* As NLMSG_NEXT counts: the last message's padding may go below zero. */
	int left = (int)len;

	for (; left >= (int)sizeof(*m) && m->nlmsg_len >= sizeof(*m) &&
		m->nlmsg_len <= (unsigned int)left;
		m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (m->nlmsg_type == NLMSG_ERROR) {
			errno = EPROTO;
			return -1;
		}
		if (m->nlmsg_type == RTM_NEWADDR && *count < room)
			*count += take_address(m, index, &to[*count]);
	}
	return 1;
}

static int read_addresses(int sock, int index, struct addresses *ret)
{
	_auto_free_ char *text = malloc(ANSWER_SIZE);
	struct request r;

	request_init(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(r.address));
	if (!text || send(sock, &r, r.header.nlmsg_len, 0) < 0)
		return -1;
	for (;;) {
		ssize_t n = recv(sock, text, ANSWER_SIZE, 0);
		int more = n < 0 ? -1
				 : netdev_parse_addresses(text, (size_t)n, index, ret->items,
					   ARRAY_SIZE(ret->items), &ret->count);

		if (more <= 0)
			return more;
	}
}

/* In the namespace where the interface `index` is now. */
static int add_address(int sock, unsigned int index, const struct netdev_address *a)
{
	struct request r;

	request_init(&r, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.address));
	r.address = (struct ifaddrmsg){ .ifa_family = a->family,
		.ifa_prefixlen = a->prefix,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = index };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (a->len[i] && add_attribute(&r, parts[i], a->bytes[i], a->len[i]) < 0)
			return -1;
	}
	return ask(sock, &r);
}

/* ---- other network namespaces ---- */

static int enter(int netns, int *ret_own)
{
	*ret_own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret_own < 0 ? -1 : setns(netns, CLONE_NEWNET);
}

/* With the result of what was done there. */
static int leave(int own, int r)
{
	int saved = errno;

	if (setns(own, CLONE_NEWNET) < 0)
		return -1;
	errno = saved;
	return r;
}

int netdev_up_loopback(int netns)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	_auto_close_ int own = -1;
	_auto_close_ int sock = -1;

	if (netns >= 0 && enter(netns, &own) < 0)
		return -1;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0 && ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		fd_close(&sock);
	return netns >= 0 ? leave(own, sock < 0 ? -1 : 0) : sock < 0 ? -1 : 0;
}

/* ---- moving ---- */

static int move(int sock, int index, int netns, const char *name)
{
	struct request r;

	request_init(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(r.link));
	r.link.ifi_index = index;
	if (add_attribute(&r, IFLA_NET_NS_FD, &netns, sizeof(netns)) < 0 ||
		add_attribute(&r, IFLA_IFNAME, name, strlen(name) + 1) < 0)
		return -1;
	return ask(sock, &r);
}

/* In the namespace where the interface is now. */
static int set_up(const char *name, struct addresses *a)
{
	_auto_close_ int sock = open_netlink();
	unsigned int index = if_nametoindex(name);
	struct request r;

	if (sock < 0 || !index)
		return -1;
	for (size_t i = 0; i < a->count; i++) {
		if (add_address(sock, index, &a->items[i]) < 0)
			return -1;
	}
	request_init(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(r.link));
	r.link.ifi_index = (int)index;
	r.link.ifi_flags = r.link.ifi_change = IFF_UP;
	return ask(sock, &r);
}

static int set_up_in(int netns, const char *name, struct addresses *a)
{
	_auto_close_ int own = -1;

	return enter(netns, &own) < 0 ? -1 : leave(own, set_up(name, a));
}

int netdev_move(const char *name, int netns, const char *new_name)
{
	_auto_free_ struct addresses *addresses = calloc(1, sizeof(*addresses));
	_auto_close_ int sock = open_netlink();
	int index = (int)if_nametoindex(name);

	if (sock < 0 || !addresses || !index)
		return -1;
	if (!new_name)
		new_name = name;
	if (strlen(new_name) >= IFNAMSIZ) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (read_addresses(sock, index, addresses) < 0 || move(sock, index, netns, new_name) < 0)
		return -1;
	return set_up_in(netns, new_name, addresses);
}
