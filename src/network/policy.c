/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

static const char *const egress_names[] = {
	[EGRESS_NONE] = "none",
	[EGRESS_INTERNET] = "internet",
	[EGRESS_FULL] = "full",
	[EGRESS_ALLOW] = "allow",
};

const char *network_egress_name(enum network_egress e)
{
	return egress_names[e];
}

static int parse_protocol(const char *s, uint8_t *ret)
{
	if (str_eq(s, "tcp"))
		*ret = IPPROTO_TCP;
	else if (str_eq(s, "udp"))
		*ret = IPPROTO_UDP;
	else
		return -1;
	return 0;
}

static int parse_port(const char *s, uint16_t *ret)
{
	uint64_t port;

	if (str_to_u64(s, 65535, &port) < 0 || port == 0)
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

/* Cuts `s` at its last `c` and returns what is behind it, or NULL. */
static char *cut_last(char *s, char c)
{
	char *at = strrchr(s, c);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* "10.0.0.0/8:443/tcp": the last '/' is a protocol's only if letters follow it. */
static int parse_allowed(const char *item, struct network_allowed *ret, struct md_error *err)
{
	_auto_free_ char *copy = strdup(item);
	struct network_allowed a = { 0 };
	char *slash, *port;

	if (!copy)
		return md_fail(err, ENOMEM, "network policy: out of memory");
	slash = strrchr(copy, '/');
	if (slash && slash[1] >= 'a' && slash[1] <= 'z') {
		if (parse_protocol(slash + 1, &a.protocol) < 0)
			return md_fail(err, EINVAL, "network policy: '%s': tcp or udp, not '%s'",
				item, slash + 1);
		*slash = '\0';
	}
	port = cut_last(copy, ':');
	if (port && parse_port(port, &a.port) < 0)
		return md_fail(err, EINVAL, "network policy: '%s': '%s' is not a port", item, port);
	if (network_cidr_parse(copy, &a.to, err) < 0)
		return md_wrap(err, "network policy");
	*ret = a;
	return 0;
}

static int parse_allow_list(const char *s, struct network_policy *p, struct md_error *err)
{
	_auto_free_ char *copy = strdup(s);
	char *rest = copy, *item;

	if (!copy)
		return md_fail(err, ENOMEM, "network policy: out of memory");
	while ((item = strsep(&rest, ","))) {
		if (p->allowed_count == NETWORK_MAX_ALLOWED)
			return md_fail(err, E2BIG, "network policy: more than %d places",
				NETWORK_MAX_ALLOWED);
		if (parse_allowed(item, &p->allowed[p->allowed_count], err) < 0)
			return -1;
		p->allowed_count++;
	}
	return 0;
}

int network_policy_parse(const char *s, struct network_policy *ret, struct md_error *err)
{
	struct network_policy p = { .egress = EGRESS_ALLOW };

	if (str_starts(s, "allow:")) {
		if (parse_allow_list(s + strlen("allow:"), &p, err) < 0)
			return -1;
		*ret = p;
		return 0;
	}
	for (size_t i = 0; i < EGRESS_ALLOW; i++) {
		if (str_eq(s, egress_names[i])) {
			p.egress = (enum network_egress)i;
			*ret = p;
			return 0;
		}
	}
	return md_fail(err, EINVAL,
		"network policy: '%s' is not none, internet, full or "
		"allow:CIDR[:PORT[/tcp|/udp]],...",
		s);
}

int network_published_parse(const char *s, struct network_published *ret, struct md_error *err)
{
	struct network_published p = { .protocol = IPPROTO_TCP };
	_auto_free_ char *copy = strdup(s);
	struct network_cidr host = { 0, 32 };
	char *protocol, *port, *host_port, *address;

	if (!copy)
		return md_fail(err, ENOMEM, "--publish: out of memory");
	protocol = cut_last(copy, '/');
	port = cut_last(copy, ':');
	host_port = cut_last(copy, ':');
	address = host_port ? copy : NULL;
	if (!host_port)
		host_port = copy;
	if (!port || parse_port(port, &p.port) < 0 || parse_port(host_port, &p.host_port) < 0 ||
		(protocol && parse_protocol(protocol, &p.protocol) < 0))
		return md_fail(err, EINVAL,
			"--publish: '%s' is not [ADDRESS:]PORT:PORT[/tcp|/udp], such as 8080:80",
			s);
	if (address && network_cidr_parse(address, &host, err) < 0)
		return md_wrap(err, "--publish");
	if (host.prefix != 32)
		return md_fail(err, EINVAL, "--publish: '%s' is not one address", address);
	p.host_address = host.address;
	*ret = p;
	return 0;
}
