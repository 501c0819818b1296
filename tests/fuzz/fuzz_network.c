/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, policies, ports as they are written on a command line; and the document of the leases, which gives itself again. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "network/address.h"
#include "network/policy.h"
#include "network/rules.h"

static void read_leases(const char *text, size_t len)
{
	struct network_leases l = { 0 }, again = { 0 };
	_auto_free_ char *a = NULL, *b = NULL;

	if (network_leases_parse(text, len, &l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.count; i++) {
		if (l.items[i].number >= NETWORK_MAX_LEASES ||
			(i && l.items[i].number <= l.items[i - 1].number))
			abort();
	}
	a = network_leases_text(&l);
	if (!a || network_leases_parse(a, strlen(a), &again, NULL) < 0)
		abort();
	b = network_leases_text(&again);
	if (!b || strcmp(a, b) != 0)
		abort();
	network_leases_done(&l);
	network_leases_done(&again);
}

/* Nothing of what was read can end a statement of ours. */
static void make_rules(const struct network_policy *p, const struct network_published *port)
{
	struct rules_endpoint e = { .address = 0x0ad50002, .policy = *p };
	_auto_buf_ struct buf text = BUF_INIT(1 << 20);

	if (port)
		e.published[e.published_count++] = *port;
	rules_add_text(&text, &e);
	rules_remove_text(&text, &e);
	if (text.failed || strpbrk(text.data, "$\\`"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_auto_free_ char *text = malloc(len + 1);
	struct network_policy policy, none = { .egress = EGRESS_NONE };
	struct network_published port;
	struct network_cidr cidr;

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	read_leases((const char *)data, len);
	if (network_cidr_parse(text, &cidr, NULL) == 0 &&
		(cidr.prefix > 32 || (cidr.prefix < 32 && cidr.address << cidr.prefix)))
		abort();
	if (network_policy_parse(text, &policy, NULL) == 0)
		make_rules(&policy, NULL);
	if (network_published_parse(text, &port, NULL) == 0) {
		if (!port.port || !port.host_port)
			abort();
		make_rules(&none, &port);
	}
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"{\"pool\":\"10.213.0.0/"
		"16\",\"leases\":{\"0123456789ab\":0,\"b\":1001,\"c\":63999}}",
		"10.213.0.0/16",
		"allow:10.0.0.0/8,192.0.2.1:443/tcp,198.51.100.0/24:53/udp",
		"internet",
		"127.0.0.1:8080:80/udp",
		"8080:80",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
