/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json_read.h"
#include "json/json_write.h"
#include "base/poison.h"

int network_cidr_parse(const char *s, struct network_cidr *ret, struct md_error *err)
{
	const char *slash = strchr(s, '/');
	uint64_t prefix = 32;
	struct in_addr in;
	char text[NETWORK_ADDRESS_TEXT];
	size_t len = slash ? (size_t)(slash - s) : strlen(s);
	uint32_t address;

	if (len >= sizeof(text))
		return md_fail(err, EINVAL, "'%s' is not an IPv4 network such as 10.0.0.0/8", s);
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &in) != 1 || (slash && str_to_u64(slash + 1, 32, &prefix) < 0))
		return md_fail(err, EINVAL, "'%s' is not an IPv4 network such as 10.0.0.0/8", s);
	address = ntohl(in.s_addr);
	if (prefix < 32 && (address & (UINT32_MAX >> prefix)))
		return md_fail(
			err, EINVAL, "'%s' has bits set behind its /%u", s, (unsigned int)prefix);
	*ret = (struct network_cidr){ address, (unsigned int)prefix };
	return 0;
}

void network_address_format(uint32_t address, char to[NETWORK_ADDRESS_TEXT])
{
	snprintf(to, NETWORK_ADDRESS_TEXT, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
		address >> 8 & 255, address & 255);
}

void network_leases_done(struct network_leases *l)
{
	free(l->items);
	l->items = NULL;
	l->count = 0;
}

const struct network_lease *network_lease_find(const struct network_leases *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++) {
		if (str_eq(l->items[i].id, id))
			return &l->items[i];
	}
	return NULL;
}

/* Puts a lease at its place. EEXIST if the number is taken. */
static int insert(
	struct network_leases *l, const char *id, uint32_t number, struct network_lease **ret)
{
	struct network_lease *items;
	size_t at = 0;

	while (at < l->count && l->items[at].number < number)
		at++;
	if (at < l->count && l->items[at].number == number) {
		errno = EEXIST;
		return -1;
	}
	items = mem_resize(l->items, l->count + 1);
	if (!items)
		return -1;
	l->items = items;
	memmove(&items[at + 1], &items[at], (l->count - at) * sizeof(*items));
	l->count++;
	items[at].number = number;
	snprintf(items[at].id, sizeof(items[at].id), "%s", id);
	if (ret)
		*ret = &items[at];
	return 0;
}

int network_lease_take(struct network_leases *l, const char *id, const struct network_lease **ret,
	struct md_error *err)
{
	const struct network_lease *found = network_lease_find(l, id);
	struct network_lease *made;
	uint32_t number = 0;

	if (found) {
		*ret = found;
		return 0;
	}
	if (strlen(id) >= NETWORK_ID_SIZE)
		return md_fail(err, EINVAL, "'%s' is too long for an id", id);
	while (number < l->count && l->items[number].number == number)
		number++;
	if (number >= NETWORK_MAX_LEASES)
		return md_fail(
			err, ENOSPC, "all %d network addresses are taken", NETWORK_MAX_LEASES);
	if (insert(l, id, number, &made) < 0)
		return md_fail_errno(err, "lease an address");
	*ret = made;
	return 0;
}

void network_lease_drop(struct network_leases *l, const char *id)
{
	const struct network_lease *lease = network_lease_find(l, id);
	size_t at;

	if (!lease)
		return;
	at = (size_t)(lease - l->items);
	memmove(&l->items[at], &l->items[at + 1], (l->count - at - 1) * sizeof(*l->items));
	l->count--;
}

uint32_t network_gateway(const struct network_leases *l, unsigned int bridge)
{
	return l->pool + (bridge << (32 - NETWORK_PREFIX)) + 1;
}

unsigned int network_lease_bridge(const struct network_lease *lease)
{
	return lease->number / NETWORK_PORTS_PER_BRIDGE;
}

uint32_t network_lease_address(const struct network_leases *l, const struct network_lease *lease)
{
	return network_gateway(l, network_lease_bridge(lease)) + 1 +
	       lease->number % NETWORK_PORTS_PER_BRIDGE;
}

void network_port_name(uint32_t address, char to[NETWORK_IFNAME])
{
	snprintf(to, NETWORK_IFNAME, NETWORK_PORT_PREFIX "%08x", address);
}

void network_bridge_name(unsigned int bridge, char to[NETWORK_IFNAME])
{
	snprintf(to, NETWORK_IFNAME, "mdocker%u", bridge % NETWORK_BRIDGES);
}

void network_unnamed_bridge(const char *root, char to[NETWORK_IFNAME])
{
	uint32_t hash = 2166136261u;

	for (; *root; root++)
		hash = (hash ^ (unsigned char)*root) * 16777619u;
	snprintf(to, NETWORK_IFNAME, "mdnew%08x", hash);
}

void network_mac(uint32_t address, unsigned char to[6])
{
	uint32_t net = htonl(address);

	to[0] = 0x02; /* locally administered, unicast: IEEE 802 */
	to[1] = 0x4d;
	memcpy(to + 2, &net, 4);
}

static int read_lease(const char *id, const struct json_node *value, void *data)
{
	struct {
		struct network_leases *leases;
		struct md_error *err;
	} *to = data;
	uint64_t number;

	if (json_as_u64(value, NETWORK_MAX_LEASES - 1, &number, to->err) < 0)
		return -1;
	if (strlen(id) >= NETWORK_ID_SIZE)
		return json_fail(value, to->err, "the id is too long");
	if (insert(to->leases, id, (uint32_t)number, NULL) < 0)
		return json_fail(value, to->err, "%s",
			errno == EEXIST ? "two workspaces have this address" : strerror(errno));
	return 0;
}

int network_leases_parse(
	const char *text, size_t len, struct network_leases *ret, struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct network_leases l = { 0 };
	struct json_node root, leases;
	struct network_cidr pool;
	const char *s = "";
	struct {
		struct network_leases *leases;
		struct md_error *err;
	} to = { &l, err };

	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0)
		return -1;
	if (json_get_string(&root, "pool", &s, err) < 0 || network_cidr_parse(s, &pool, err) < 0)
		return -1;
	if (pool.prefix != 16)
		return md_fail(err, EINVAL, "pool: '%s' is not a /16", s);
	l.pool = pool.address;
	if (json_get_object(&root, "leases", &leases, err) < 0)
		return -1;
	if (json_member(&root, "leases", &leases) && json_each_member(&leases, read_lease, &to)) {
		network_leases_done(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

char *network_leases_text(const struct network_leases *l)
{
	_auto_buf_ struct buf b = BUF_INIT(16U << 20);
	struct json_writer w = { .out = &b };
	char pool[NETWORK_ADDRESS_TEXT];

	network_address_format(l->pool, pool);
	buf_addf(&b, "{\"pool\":\"%s/16\"", pool);
	w.need_comma = true;
	json_object_begin(&w, "leases");
	for (size_t i = 0; i < l->count; i++)
		json_add_u64(&w, l->items[i].id, l->items[i].number);
	json_object_end(&w);
	buf_add_str(&b, "}\n");
	return buf_take(&b);
}
