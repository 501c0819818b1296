/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel and libnftables answer about interfaces, addresses and the firewall. */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "network/link.h"
#include "network/rules.h"
#include "server/firewall_event.h"
#include "sys/netdev.h"

enum { ADDRESSES = 4, INDEX = 2, SEQ = 1, PORT = 7 };

static void read_addresses(const void *data, size_t len)
{
	struct netdev_address found[ADDRESSES];
	size_t count = 1;

	found[0] = (struct netdev_address){ .family = 200 };
	netdev_parse_addresses(data, len, INDEX, found, ADDRESSES, &count);
	if (count < 1 || count > ADDRESSES || found[0].family != 200)
		abort();
	for (size_t i = 1; i < count; i++) {
		for (size_t part = 0; part < NETDEV_ADDRESS_PARTS; part++) {
			if (found[i].len[part] > sizeof(found[i].bytes[part]))
				abort();
		}
	}
}

static void read_nftables(const char *text)
{
	_auto_buf_ struct buf commands = BUF_INIT(1 << 20);

	rules_leave_docker_text(&commands, text);
	for (const char *line = buf_str(&commands); *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, "delete rule ip filter DOCKER-USER handle ", 41) != 0)
			abort();
	}
	if (!rules_code_of(text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Of its exact size, so that the sanitizer sees the end; malloc aligns it. */
	_auto_free_ char *copy = malloc(len ? len : 1);
	_auto_free_ char *text = malloc(len + 1);
	struct link_reply reply = { 0 };

	if (!copy || !text)
		return 0;
	memcpy(copy, data, len);
	memcpy(text, data, len);
	text[len] = '\0';
	read_addresses(copy, len);
	firewall_event_matters(copy, len);
	link_parse_reply(copy, len, SEQ, PORT, &reply);
	if (!memchr(reply.alias, '\0', sizeof(reply.alias)))
		abort();
	link_parse_reply(copy, len, SEQ, PORT, NULL);
	read_nftables(text);
	return 0;
}

/* ---- seeds ---- */

static uint8_t made[4096];
static size_t made_len;

static void *add(const void *what, size_t len)
{
	void *at = made + made_len;

	memcpy(at, what, len);
	made_len += NLMSG_ALIGN(len);
	return at;
}

static void add_attribute(uint16_t type, const void *what, size_t len)
{
	const struct rtattr a = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(len) };

	add(&a, sizeof(a));
	add(what, len);
}

static struct nlmsghdr *begin(uint16_t type, const void *body, size_t len)
{
	const struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = NLM_F_MULTI, .nlmsg_seq = SEQ, .nlmsg_pid = PORT
	};
	struct nlmsghdr *at = add(&h, sizeof(h));

	add(body, len);
	return at;
}

static void end(struct nlmsghdr *h)
{
	h->nlmsg_len = (uint32_t)(made + made_len - (uint8_t *)h);
}

static void add_done(void)
{
	const int none = 0;

	end(begin(NLMSG_DONE, &none, sizeof(none)));
}

static void make_addresses(void)
{
	static const unsigned char four[] = { 192, 0, 2, 1 }, six[16] = { 0x20, 1, 0xd, 0xb8 };
	struct ifaddrmsg a = { .ifa_family = 2,
		.ifa_prefixlen = 24,
		.ifa_flags = IFA_F_PERMANENT,
		.ifa_index = INDEX };
	struct nlmsghdr *h = begin(RTM_NEWADDR, &a, sizeof(a));

	add_attribute(IFA_ADDRESS, four, sizeof(four));
	add_attribute(IFA_LOCAL, four, sizeof(four));
	add_attribute(IFA_BROADCAST, four, sizeof(four));
	end(h);
	a.ifa_family = 10;
	h = begin(RTM_NEWADDR, &a, sizeof(a));
	add_attribute(IFA_ADDRESS, six, sizeof(six));
	end(h);
	add_done();
}

static void make_link(void)
{
	const struct ifinfomsg info = { .ifi_index = INDEX };
	const struct rtnl_link_stats64 stats = { .rx_bytes = 1, .tx_packets = 2 };
	struct nlmsghdr *h = begin(RTM_NEWLINK, &info, sizeof(info));

	add_attribute(IFLA_IFNAME, "eth0", 5);
	add_attribute(IFLA_IFALIAS, "mdocker", 7);
	add_attribute(IFLA_STATS64, &stats, sizeof(stats));
	end(h);
	add_done();
}

static void make_error(void)
{
	const struct nlmsgerr e = { .error = -17 };

	end(begin(NLMSG_ERROR, &e, sizeof(e)));
}

static void make_event(void)
{
	const struct nfgenmsg g = { .nfgen_family = 2 };

	end(begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, &g, sizeof(g)));
	end(begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, &g, sizeof(g)));
}

static void make_text(void)
{
	static const char text[] =
		"table ip filter { # handle 1\n\tchain DOCKER-USER { # handle 4\n"
		"\t\tiifname \"mdocker*\" counter packets 0 bytes 0 accept # handle 17\n"
		"\t\tcounter packets 3 bytes 180 return # handle 9\n\t}\n}\n"
		"Error: No such file or directory; did you mean\n";

	add(text, sizeof(text) - 1);
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static void (*const makers[])(
		void) = { make_addresses, make_link, make_error, make_event, make_text };

	if (index >= sizeof(makers) / sizeof(makers[0]))
		return NULL;
	memset(made, 0, sizeof(made));
	made_len = 0;
	makers[index]();
	*ret_len = made_len;
	return made;
}
