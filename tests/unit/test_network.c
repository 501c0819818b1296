/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "network/others.h"
#include "network/rules.h"

#define POOL (10U << 24 | 213U << 16)

static void leases_take_the_lowest_free_number(void **state _unused_)
{
	struct network_leases l = { .pool = POOL };
	const struct network_lease *a, *b, *c;
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(network_lease_take(&l, "a", &a, &err), 0);
	assert_int_equal(network_lease_take(&l, "b", &b, &err), 0);
	network_lease_drop(&l, "a");
	assert_null(network_lease_find(&l, "a"));
	assert_int_equal(network_lease_take(&l, "c", &c, &err), 0);
	assert_int_equal(c->number, 0);
	assert_int_equal(network_lease_take(&l, "b", &b, &err), 0);
	assert_int_equal(b->number, 1);
	assert_int_equal(l.count, 2);
	network_leases_done(&l);
}

static void a_thousand_ports_a_bridge(void **state _unused_)
{
	struct network_leases l = { .pool = POOL };
	const struct network_lease *lease = NULL;
	struct md_error err = MD_ERROR_INIT;
	char text[NETWORK_ADDRESS_TEXT];

	for (int i = 0; i <= NETWORK_PORTS_PER_BRIDGE; i++) {
		_auto_free_ char *id = str_format("w%d", i);

		assert_int_equal(network_lease_take(&l, id, &lease, &err), 0);
		if (i == NETWORK_PORTS_PER_BRIDGE - 1) {
			network_address_format(network_lease_address(&l, lease), text);
			assert_string_equal(text, "10.213.3.233");
			assert_int_equal(network_lease_bridge(lease), 0);
		}
	}
	assert_int_equal(network_lease_bridge(lease), 1);
	network_address_format(network_gateway(&l, 1), text);
	assert_string_equal(text, "10.213.4.1");
	network_address_format(network_lease_address(&l, lease), text);
	assert_string_equal(text, "10.213.4.2");
	network_leases_done(&l);
}

static void leases_survive_their_document(void **state _unused_)
{
	struct network_leases l = { .pool = POOL }, again = { 0 };
	const struct network_lease *lease;
	struct md_error err = MD_ERROR_INIT;
	_auto_free_ char *text = NULL;

	assert_int_equal(network_lease_take(&l, "a", &lease, &err), 0);
	assert_int_equal(network_lease_take(&l, "b", &lease, &err), 0);
	text = network_leases_text(&l);
	assert_string_equal(text, "{\"pool\":\"10.213.0.0/16\",\"leases\":{\"a\":0,\"b\":1}}\n");
	assert_int_equal(network_leases_parse(text, strlen(text), &again, &err), 0);
	assert_int_equal(again.count, 2);
	assert_int_equal(network_lease_find(&again, "b")->number, 1);
	network_leases_done(&again);
	network_leases_done(&l);
}

static void bad_lease_documents_are_refused(void **state _unused_)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "{}", "'' is not an IPv4 network such as 10.0.0.0/8" },
		{ "{\"pool\":\"10.0.0.0/8\"}", "pool: '10.0.0.0/8' is not a /16" },
		{ "{\"pool\":\"10.1.0.0/16\",\"leases\":{\"a\":1,\"b\":1}}",
			"leases.b: two workspaces have this address" },
		{ "{\"pool\":\"10.1.0.0/16\",\"leases\":{\"a\":64000}}",
			"leases.a: 64000 is outside 0..63999" },
		{ "{\"pool\":\"10.1.0.0/16\",\"leases\":[]}", "leases: expected an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct network_leases l = { 0 };
		struct md_error err = MD_ERROR_INIT;

		assert_int_equal(
			network_leases_parse(bad[i].text, strlen(bad[i].text), &l, &err), -1);
		assert_string_equal(err.msg, bad[i].message);
		assert_null(l.items);
	}
}

static void networks_are_read_strictly(void **state _unused_)
{
	static const char *const bad[] = { "", "10.0.0.0/33", "10.0.0.1/8", "10.0.0", "x/8",
		"10.0.0.0/", "10.0.0.0/8x", "::1", "1111.2222.3333.4444/8" };
	struct network_cidr c;

	assert_int_equal(network_cidr_parse("0.0.0.0/0", &c, NULL), 0);
	assert_int_equal(c.prefix, 0);
	assert_int_equal(network_cidr_parse("192.0.2.7", &c, NULL), 0);
	assert_int_equal(c.prefix, 32);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(network_cidr_parse(bad[i], &c, NULL), -1);
}

static void policies_are_read(void **state _unused_)
{
	static const char *const bad[] = { "", "internet ", "allow", "allow:", "allow:10.0.0.0/8:0",
		"allow:10.0.0.0/8:80/sctp", "allow:10.0.0.0/8,," };
	struct network_policy p;

	assert_int_equal(network_policy_parse("internet", &p, NULL), 0);
	assert_int_equal(p.egress, EGRESS_INTERNET);
	assert_int_equal(
		network_policy_parse("allow:192.0.2.0/24:443/tcp,198.51.100.7", &p, NULL), 0);
	assert_int_equal(p.egress, EGRESS_ALLOW);
	assert_int_equal(p.allowed_count, 2);
	assert_int_equal(p.allowed[0].port, 443);
	assert_int_equal(p.allowed[0].protocol, IPPROTO_TCP);
	assert_int_equal(p.allowed[1].port, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(network_policy_parse(bad[i], &p, NULL), -1);
}

static void published_ports_are_read(void **state _unused_)
{
	static const char *const bad[] = { "80", "0:80", "80:0", "80:80:80", "a:80", "80:80/icmp",
		"10.0.0.0/8:80:80", "65536:1", ":80:80" };
	struct network_published p;

	assert_int_equal(network_published_parse("127.0.0.1:8080:80/udp", &p, NULL), 0);
	assert_int_equal(p.host_address, 0x7f000001);
	assert_int_equal(p.host_port, 8080);
	assert_int_equal(p.port, 80);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(network_published_parse("8080:80", &p, NULL), 0);
	assert_int_equal(p.host_address, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(network_published_parse(bad[i], &p, NULL), -1);
}

static void an_endpoint_is_a_few_elements(void **state _unused_)
{
	_auto_buf_ struct buf b = BUF_INIT(65536);
	struct rules_endpoint e = { .address = POOL + 2, .published_count = 1 };

	assert_int_equal(network_policy_parse("allow:192.0.2.0/24:443/tcp", &e.policy, NULL), 0);
	assert_int_equal(network_published_parse("8080:80", &e.published[0], NULL), 0);
	rules_add_text(&b, &e);
	assert_string_equal(buf_str(&b),
		"add element bridge mdocker ports "
		"{ \"mdv0ad50002\" . 02:4d:0a:d5:00:02 . 10.213.0.2 }\n"
		"add element inet mdocker egress { 10.213.0.2 : goto allow }\n"
		"add element inet mdocker allowed { 10.213.0.2 . 192.0.2.0/24 . tcp . 443 }\n"
		"add element inet mdocker published { tcp . 8080 : 10.213.0.2 . 80 }\n");
}

static struct network_others read_ruleset(const char *text)
{
	_auto_free_ char *copy = strdup(text);
	struct network_others o = { .forwards = false };

	network_others_read(copy, &o);
	return o;
}

#define CHAIN(name, kind, rules) "\tchain " name " {\n\t\ttype " kind "\n" rules "\t}\n"
#define FORWARD                  "filter hook forward priority filter; policy accept;"

static void who_stops_what_is_forwarded_is_seen(void **state _unused_)
{
	static const struct {
		const char *text, *who, *dropper;
	} samples[] = {
		{ "", "", "" },
		{ "table inet mdocker {\n" CHAIN("f", FORWARD, "\t\tdrop\n") "}\n", "", "" },
		{ "table bridge x {\n" CHAIN("f", FORWARD, "\t\tdrop\n") "}\n", "", "" },
		{ "table inet x {\n" CHAIN(
			  "i", "filter hook input priority 0; policy drop;", "") "}\n",
			"", "" },
		{ "table inet x {\n" CHAIN("f", FORWARD, "\t\tip saddr 10.0.0.0/8 drop\n") "}\n",
			"table inet x", "" },
		{ "table inet x {\n" CHAIN("f", FORWARD, "\t\tdrop\n\t\taccept\n") "}\n",
			"table inet x", "" },
		/* As firewalld ends its chain. */
		{ "table inet firewalld {\n\tset s {\n\t\ttype ipv4_addr\n\t}\n" CHAIN("f", FORWARD,
			  "\t\tct state { established, related } accept\n"
			  "\t\treject with icmpx admin-prohibited\n") "}\n",
			"table inet firewalld", "table inet firewalld" },
		{ "table ip f {\n" CHAIN(
			  "f", FORWARD, "\t\tcounter packets 5 bytes 300 drop\n") "}\n",
			"table ip f", "table ip f" },
		{ "table ip f {\n" CHAIN(
			  "f", FORWARD, "\t\tiifname \"mdocker*\" accept\n\t\tdrop\n") "}\n",
			"table ip f", "" },
		{ "table ip nat {\n" CHAIN("p",
			  "nat hook postrouting priority srcnat; policy accept;",
			  "") "}\ntable ip filter {\n\tchain DOCKER-USER {\n\t}\n" CHAIN("FORWARD",
			  "filter hook forward priority filter; policy drop;", "") "}\n",
			"table ip nat", "" },
		{ "table ip a {\n" CHAIN("f", FORWARD, "") "}\ntable ip b {\n" CHAIN(
			  "f", "filter hook forward priority 1; policy drop;", "") "}\n",
			"table ip a", "table ip b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct network_others o = read_ruleset(samples[i].text);

		assert_string_equal(o.who, samples[i].who);
		assert_string_equal(o.dropper, samples[i].dropper);
		assert_int_equal(o.forwards, *samples[i].who != 0);
		assert_int_equal(o.drops, *samples[i].dropper != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leases_take_the_lowest_free_number),
		cmocka_unit_test(a_thousand_ports_a_bridge),
		cmocka_unit_test(leases_survive_their_document),
		cmocka_unit_test(bad_lease_documents_are_refused),
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(policies_are_read),
		cmocka_unit_test(published_ports_are_read),
		cmocka_unit_test(an_endpoint_is_a_few_elements),
		cmocka_unit_test(who_stops_what_is_forwarded_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
