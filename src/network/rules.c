/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

/* Not public: RFC 1918, 6598, 3927 (metadata services too), 1122, 5736, 5737, 2544, 5771, 1112. */
static const char private_networks[] =
	"0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
	"192.0.0.0/24, 192.0.2.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, "
	"203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4";

/* Workspaces come in by our bridges only; `mdocker*` and `mdv*` are names that nobody else uses. */
static const char inet_sets[] =
	"table inet mdocker {\n"
	"set private { type ipv4_addr; flags interval; elements = { %s } }\n"
	"map egress { type ipv4_addr : verdict; }\n"
	"set allowed { type ipv4_addr . ipv4_addr . inet_proto . "
	"inet_service; flags interval; }\n"
	"map published { type inet_proto . inet_service : ipv4_addr . "
	"inet_service; }\n"
	"map published_at { type ipv4_addr . inet_proto . inet_service : "
	"ipv4_addr . inet_service; }\n"
	"set connections { type ipv4_addr; size 65535; flags dynamic; }\n"
	"set rates { type ipv4_addr; size 65535; flags dynamic,timeout; "
	"timeout 1m; }\n";

static const char inet_chains[] =
	"chain none { drop; }\n"
	"chain internet { jump resolvers; ip daddr @private drop; accept; }\n"
	"chain full { jump resolvers; accept; }\n"
	"chain allow { jump resolvers; ip saddr . ip daddr . meta l4proto . th dport @allowed "
	"accept; drop; }\n"
	"chain from_workspace {\n"
	" oifname \"mdocker*\" drop\n"
	" ct state established,related accept\n"
	" meta nfproto ipv6 drop\n"
	" ct state invalid drop\n"
	" add @connections { ip saddr ct count over %u } drop\n"
	" update @rates { ip saddr limit rate over %u/second burst %u packets } drop\n"
	" ip saddr vmap @egress\n"
	" drop\n"
	"}\n"
	"chain to_workspace {\n"
	" ct state established,related accept\n"
	" ct status dnat accept\n"
	" drop\n"
	"}\n"
	"chain forward {\n"
	" type filter hook forward priority filter; policy accept;\n"
	" iifname \"mdocker*\" goto from_workspace\n"
	" oifname \"mdocker*\" goto to_workspace\n"
	"}\n"
	"chain input {\n"
	" type filter hook input priority filter; policy accept;\n"
	" iifname != \"mdocker*\" accept\n"
	" ct state established,related accept\n"
	" icmp type echo-request limit rate 50/second accept\n"
	" drop\n"
	"}\n"
	"chain published_ports {\n"
	" dnat ip to ip daddr . meta l4proto . th dport map @published_at\n"
	" dnat ip to meta l4proto . th dport map @published\n"
	"}\n"
	"chain prerouting {\n"
	" type nat hook prerouting priority dstnat; policy accept;\n"
	" iifname != \"mdocker*\" fib daddr type local jump published_ports\n"
	"}\n"
	"chain output {\n"
	" type nat hook output priority -100; policy accept;\n"
	" fib daddr type local jump published_ports\n"
	"}\n"
	"chain postrouting {\n"
	" type nat hook postrouting priority srcnat; policy accept;\n"
	" oifname \"mdocker*\" fib saddr type local masquerade\n"
	" iifname \"mdocker*\" oifname != \"mdocker*\" masquerade\n"
	"}\n"
	"}\n";

static const char bridge_table[] =
	"table bridge mdocker {\n"
	"set ports { type ifname . ether_addr . ipv4_addr; }\n"
	"chain prerouting {\n"
	" type filter hook prerouting priority filter; policy accept;\n"
	" iifname != \"mdv*\" accept\n"
	" ether type arp iifname . arp saddr ether . arp saddr ip @ports accept\n"
	" ether type ip iifname . ether saddr . ip saddr @ports accept\n"
	" drop\n"
	"}\n"
	"}\n";

static void add_resolvers(struct buf *to, const struct rules_resolvers *r)
{
	buf_add_str(to, "chain resolvers {\n");
	for (size_t i = 0; i < r->count; i++) {
		char address[NETWORK_ADDRESS_TEXT];

		network_address_format(r->addresses[i], address);
		buf_addf(
			to, " ip daddr %s meta l4proto { tcp, udp } th dport 53 accept\n", address);
	}
	buf_add_str(to, "}\n");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void rules_text(
	struct buf *to, const struct rules_limits *limits, const struct rules_resolvers *resolvers)
{
	buf_addf(to, inet_sets, private_networks);
	add_resolvers(to, resolvers);
	buf_addf(to, inet_chains, limits->connections, limits->new_per_second, limits->burst);
	buf_add_str(to, bridge_table);
}
#pragma GCC diagnostic pop

/* One `add element` or `delete element` command. */
static void element(struct buf *to, const char *verb, const char *table, const char *set,
	const char *key, const char *value)
{
	buf_addf(to, "%s element %s mdocker %s { %s%s%s }\n", verb, table, set, key,
		value ? " : " : "", value ? value : "");
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

static void allowed_elements(
	struct buf *to, const char *verb, const struct rules_endpoint *e, const char *source)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < e->policy.allowed_count; i++) {
		const struct network_allowed *a = &e->policy.allowed[i];
		char address[NETWORK_ADDRESS_TEXT], ports[16], key[128];

		network_address_format(a->to.address, address);
		_Static_assert(sizeof(ports) > sizeof("0-65535"), "a range fits");
		if (a->port)
			snprintf(ports, sizeof(ports), "%u", a->port);
		else
			memcpy(ports, "0-65535", sizeof("0-65535"));
		for (size_t p = 0; p < ARRAY_SIZE(protocols); p++) {
			if (a->protocol && a->protocol != protocols[p])
				continue;
			snprintf(key, sizeof(key), "%s . %s/%u . %s . %s", source, address,
				a->to.prefix, protocol_name(protocols[p]), ports);
			element(to, verb, "inet", "allowed", key, NULL);
		}
	}
}

static void published_elements(
	struct buf *to, const char *verb, const struct rules_endpoint *e, const char *target)
{
	for (size_t i = 0; i < e->published_count; i++) {
		const struct network_published *p = &e->published[i];
		char key[80], value[48], host[NETWORK_ADDRESS_TEXT];

		network_address_format(p->host_address, host);
		snprintf(key, sizeof(key), "%s%s%s . %u", p->host_address ? host : "",
			p->host_address ? " . " : "", protocol_name(p->protocol), p->host_port);
		snprintf(value, sizeof(value), "%s . %u", target, p->port);
		element(to, verb, "inet", p->host_address ? "published_at" : "published", key,
			value);
	}
}

static void endpoint_elements(struct buf *to, const char *verb, const struct rules_endpoint *e)
{
	char address[NETWORK_ADDRESS_TEXT], port[NETWORK_IFNAME], key[96], verdict[32];
	unsigned char mac[6];

	network_address_format(e->address, address);
	network_port_name(e->address, port);
	network_mac(e->address, mac);
	snprintf(key, sizeof(key), "\"%s\" . %02x:%02x:%02x:%02x:%02x:%02x . %s", port, mac[0],
		mac[1], mac[2], mac[3], mac[4], mac[5], address);
	snprintf(verdict, sizeof(verdict), "goto %s", network_egress_name(e->policy.egress));
	element(to, verb, "bridge", "ports", key, NULL);
	element(to, verb, "inet", "egress", address, verdict);
	allowed_elements(to, verb, e, address);
	published_elements(to, verb, e, address);
}

void rules_add_text(struct buf *to, const struct rules_endpoint *e)
{
	endpoint_elements(to, "add", e);
}

void rules_remove_text(struct buf *to, const struct rules_endpoint *e)
{
	endpoint_elements(to, "delete", e);
}

int rules_open(struct rules *r, struct md_error *err)
{
	r->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!r->nft)
		return md_fail(err, ENOMEM, "nftables: can't start the library");
	if (nft_ctx_buffer_error(r->nft) || nft_ctx_buffer_output(r->nft)) {
		rules_close(r);
		return md_fail(err, ENOMEM, "nftables: out of memory");
	}
	return 0;
}

void rules_close(struct rules *r)
{
	if (r->nft)
		nft_ctx_free(r->nft);
	r->nft = NULL;
}

/* The library gives words only. */
int rules_code_of(const char *said)
{
	if (strstr(said, "No such file"))
		return ENOENT;
	return strstr(said, "exists") ? EEXIST : EINVAL;
}

int rules_run(struct rules *r, const char *commands, struct md_error *err)
{
	const char *said;
	size_t len;

	if (nft_run_cmd_from_buffer(r->nft, commands) == 0)
		return 0;
	said = nft_ctx_get_error_buffer(r->nft);
	len = strcspn(said, "\n");
	return md_fail(err, rules_code_of(said), "nftables: %.*s", (int)len, said);
}

int rules_list_all(struct rules *r, struct md_error *err)
{
	int code;

	nft_ctx_output_set_flags(r->nft, NFT_CTX_OUTPUT_TERSE);
	code = rules_run(r, "list ruleset\n", err);
	nft_ctx_output_set_flags(r->nft, 0);
	return code;
}

const char *rules_said(struct rules *r)
{
	return nft_ctx_get_output_buffer(r->nft);
}

bool rules_are_loaded(struct rules *r)
{
	return rules_run(r, "list chain inet mdocker forward\n", NULL) == 0 &&
	       rules_run(r, "list chain bridge mdocker prerouting\n", NULL) == 0;
}

/* What the chain holds, with each rule's handle; NULL: there is none. Borrowed. */
static const char *list_docker(struct rules *r)
{
	const char *text = NULL;

	nft_ctx_output_set_flags(r->nft, NFT_CTX_OUTPUT_HANDLE);
	if (rules_run(r, "list chain ip filter DOCKER-USER\n", NULL) == 0)
		text = nft_ctx_get_output_buffer(r->nft);
	nft_ctx_output_set_flags(r->nft, 0);
	return text;
}

void rules_join_docker(struct rules *r)
{
	const char *now = list_docker(r);

	if (now && !strstr(now, "\"mdocker*\""))
		rules_run(r,
			"insert rule ip filter DOCKER-USER iifname \"mdocker*\" counter accept\n"
			"insert rule ip filter DOCKER-USER oifname \"mdocker*\" counter accept\n",
			NULL);
}

void rules_leave_docker_text(struct buf *to, const char *listed)
{
	while (*listed) {
		size_t len = strcspn(listed, "\n");
		_auto_free_ char *line = strndup(listed, len);
		const char *handle = line ? strstr(line, "# handle ") : NULL;

		if (handle && strstr(line, "\"mdocker*\""))
			buf_addf(to, "delete rule ip filter DOCKER-USER handle %u\n",
				(unsigned int)strtoul(handle + strlen("# handle "), NULL, 10));
		listed += len + (listed[len] == '\n');
	}
}

void rules_leave_docker(struct rules *r)
{
	const char *now = list_docker(r);
	_auto_buf_ struct buf commands = BUF_INIT(4096);

	rules_leave_docker_text(&commands, now ? now : "");
	if (commands.len && !commands.failed)
		rules_run(r, buf_str(&commands), NULL);
}

int rules_unload(struct rules *r, struct md_error *err)
{
	/* Adding a table that is there is no error, so that deleting it then is none either. */
	return rules_run(r,
		"add table inet mdocker\ndelete table inet mdocker\n"
		"add table bridge mdocker\ndelete table bridge mdocker\n",
		err);
}
