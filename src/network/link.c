/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/poison.h"

enum { REPLY_SIZE = 32768, REQUEST_SIZE = 4096 };

static int open_here(struct link_socket *s)
{
	s->seq = 0;
	s->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!s->nl)
		return -1;
	if (mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		link_close(s);
		return -1;
	}
	return 0;
}

int link_open(struct link_socket *s, int netns_fd)
{
	_auto_close_ int own = -1;
	int r;

	*s = (struct link_socket){ NULL, 0 };
	if (netns_fd < 0)
		return open_here(s);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(netns_fd, CLONE_NEWNET) < 0)
		return -1;
	r = open_here(s);
	if (setns(own, CLONE_NEWNET) < 0) {
		log_error("can't go back to the own network namespace: %s", strerror(errno));
		abort();
	}
	return r;
}

void link_close(struct link_socket *s)
{
	int saved = errno;

	if (s->nl)
		mnl_socket_close(s->nl);
	s->nl = NULL;
	errno = saved;
}

static int take_link(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct link_reply *to = data;
	struct nlattr *attr;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*info)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	to->index = (unsigned int)info->ifi_index;
	mnl_attr_for_each(attr, h, sizeof(*info))
	{
		struct rtnl_link_stats64 stats;

		if (mnl_attr_get_type(attr) == IFLA_IFALIAS)
			snprintf(to->alias, sizeof(to->alias), "%.*s",
				(int)mnl_attr_get_payload_len(attr),
				(const char *)mnl_attr_get_payload(attr));
		if (mnl_attr_get_type(attr) != IFLA_STATS64 ||
			mnl_attr_get_payload_len(attr) < sizeof(stats))
			continue;
		memcpy(&stats, mnl_attr_get_payload(attr), sizeof(stats));
		to->counters = (struct link_counters){ stats.rx_bytes, stats.rx_packets,
			stats.tx_bytes, stats.tx_packets };
	}
	return MNL_CB_OK;
}

/* The library takes a length above INT_MAX for a good one. */
static bool messages_fit(const char *data, size_t len)
{
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)data;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len ||
			MNL_ALIGN(h->nlmsg_len) > len)
			return false;
		data += MNL_ALIGN(h->nlmsg_len);
		len -= MNL_ALIGN(h->nlmsg_len);
	}
	return len == 0;
}

int link_parse_reply(
	const void *data, size_t len, unsigned int seq, unsigned int port, struct link_reply *ret)
{
	if (!messages_fit(data, len)) {
		errno = EBADMSG;
		return -1;
	}
	return mnl_cb_run(data, len, seq, port, ret ? take_link : NULL, ret);
}

/* Sends a request and reads its answers up to the acknowledgement; *ret (NULL: none wanted) gets what they say. */
static int talk(struct link_socket *s, struct nlmsghdr *request, struct link_reply *ret)
{
	_Alignas(struct nlmsghdr) char reply[REPLY_SIZE];
	unsigned int port = mnl_socket_get_portid(s->nl);
	int r = 1;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = ++s->seq;
	if (mnl_socket_sendto(s->nl, request, request->nlmsg_len) < 0)
		return -1;
	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(s->nl, reply, sizeof(reply));

		if (n < 0)
			return -1;
		r = link_parse_reply(reply, (size_t)n, s->seq, port, ret);
	}
	return r < 0 ? -1 : 0;
}

static struct nlmsghdr *begin_link(void *buf, uint16_t type, uint16_t flags, unsigned int index)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return h;
}

unsigned int link_index(struct link_socket *s, const char *name)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_GETLINK, 0, 0);
	struct link_reply reply = { 0 };

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	return talk(s, h, &reply) < 0 ? 0 : reply.index;
}

unsigned int link_find(struct link_socket *s, const char *name, char ret_alias[LINK_ALIAS])
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_GETLINK, 0, 0);
	struct link_reply reply = { 0 };
	int r;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	r = talk(s, h, &reply);
	memcpy(ret_alias, reply.alias, sizeof(reply.alias));
	return r < 0 ? 0 : reply.index;
}

int link_set_alias(struct link_socket *s, unsigned int index, const char *alias)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_SETLINK, 0, index);

	mnl_attr_put(h, IFLA_IFALIAS, strnlen(alias, LINK_ALIAS - 1), alias);
	return talk(s, h, NULL);
}

int link_rename(struct link_socket *s, unsigned int index, const char *name)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_SETLINK, 0, index);

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	return talk(s, h, NULL);
}

int link_add_bridge(struct link_socket *s, const char *name, const unsigned char mac[6])
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(h, info);
	return talk(s, h, NULL);
}

int link_add_veth(struct link_socket *s, const char *name, unsigned int master,
	const char *peer_name, const unsigned char peer_mac[6], int netns_fd)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct ifinfomsg *here = mnl_nlmsg_get_payload(h);
	struct nlattr *info, *data, *peer;

	here->ifi_flags = here->ifi_change = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_MASTER, master);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	/* The peer is described by a message of its own: a header, then attributes. */
	memset(mnl_nlmsg_get_payload_tail(h), 0, sizeof(struct ifinfomsg));
	h->nlmsg_len += (uint32_t)MNL_ALIGN(sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, peer_name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, peer_mac);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return talk(s, h, NULL);
}

int link_set_up(struct link_socket *s, unsigned int index)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_NEWLINK, 0, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(h);

	info->ifi_flags = info->ifi_change = IFF_UP;
	return talk(s, h, NULL);
}

int link_delete(struct link_socket *s, unsigned int index)
{
	char buf[REQUEST_SIZE];

	return talk(s, begin_link(buf, RTM_DELLINK, 0, index), NULL);
}

int link_isolate_port(struct link_socket *s, unsigned int index)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = begin_link(buf, RTM_SETLINK, 0, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct nlattr *port;

	info->ifi_family = AF_BRIDGE;
	port = mnl_attr_nest_start(h, IFLA_PROTINFO | NLA_F_NESTED);
	mnl_attr_put_u8(h, IFLA_BRPORT_ISOLATED, 1);
	mnl_attr_put_u8(h, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(h, port);
	return talk(s, h, NULL);
}

int link_add_address(
	struct link_socket *s, unsigned int index, uint32_t address, unsigned int prefix)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *a;

	h->nlmsg_type = RTM_NEWADDR;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
	*a = (struct ifaddrmsg){ .ifa_family = AF_INET,
		.ifa_prefixlen = (uint8_t)prefix,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = index };
	mnl_attr_put_u32(h, IFA_LOCAL, htonl(address));
	mnl_attr_put_u32(h, IFA_ADDRESS, htonl(address));
	mnl_attr_put_u32(h, IFA_BROADCAST, htonl(address | UINT32_MAX >> prefix));
	return talk(s, h, NULL);
}

int link_add_default_route(struct link_socket *s, unsigned int index, uint32_t gateway)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *r;

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	*r = (struct rtmsg){ .rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST };
	mnl_attr_put_u32(h, RTA_GATEWAY, htonl(gateway));
	mnl_attr_put_u32(h, RTA_OIF, index);
	return talk(s, h, NULL);
}

/* A qdisc message for the root of the interface. */
static struct nlmsghdr *begin_qdisc(void *buf, uint16_t type, uint16_t flags, unsigned int index)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct tcmsg *t;

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	*t = (struct tcmsg){
		.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_parent = TC_H_ROOT
	};
	return h;
}

/* tbf counts its bucket in ticks of 64 ns (PSCHED_SHIFT of the kernel): the time that `bytes` take.
 */
static uint32_t bucket_ticks(uint64_t bytes, uint64_t rate)
{
	unsigned __int128 ticks = (unsigned __int128)bytes * 1000000000U / rate / 64;

	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

int link_limit_rate(struct link_socket *s, unsigned int index, uint64_t bytes_per_second)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *h;
	struct nlattr *options;
	/* 20 ms of the rate, but never less than a full segment of offloaded TCP. */
	uint64_t burst = MD_MAX(bytes_per_second / 50, (uint64_t)65536);
	uint32_t burst_bytes = (uint32_t)MD_MIN(burst, (uint64_t)UINT32_MAX);
	struct tc_tbf_qopt q = { 0 };

	if (!bytes_per_second) {
		if (talk(s, begin_qdisc(buf, RTM_DELQDISC, 0, index), NULL) < 0)
			return errno == ENOENT || errno == EINVAL ? 0 : -1;
		return 0;
	}
	h = begin_qdisc(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, index);
	q.rate.linklayer = TC_LINKLAYER_ETHERNET;
	q.rate.rate = (uint32_t)MD_MIN(bytes_per_second, (uint64_t)UINT32_MAX);
	q.buffer = bucket_ticks(burst, bytes_per_second);
	q.limit = burst_bytes * 2;
	mnl_attr_put_strz(h, TCA_KIND, "tbf");
	options = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put(h, TCA_TBF_PARMS, sizeof(q), &q);
	mnl_attr_put_u32(h, TCA_TBF_BURST, burst_bytes);
	if (bytes_per_second > UINT32_MAX)
		mnl_attr_put_u64(h, TCA_TBF_RATE64, bytes_per_second);
	mnl_attr_nest_end(h, options);
	return talk(s, h, NULL);
}

int link_read_counters(struct link_socket *s, unsigned int index, struct link_counters *ret)
{
	char buf[REQUEST_SIZE];
	struct link_reply reply = { 0 };

	if (talk(s, begin_link(buf, RTM_GETLINK, 0, index), &reply) < 0)
		return -1;
	*ret = reply.counters;
	return 0;
}
