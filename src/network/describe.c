/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>

#include "json/json_write.h"
#include "network/network.h"
#include "network/state.h"
#include "base/poison.h"

static void describe_lease(
	struct network *n, const struct network_lease *lease, struct json_writer *w)
{
	uint32_t number = network_lease_address(&n->leases, lease);
	char address[NETWORK_ADDRESS_TEXT], port[NETWORK_IFNAME], bridge[NETWORK_IFNAME];
	struct link_counters c;
	unsigned int index;

	network_address_format(number, address);
	network_port_name(number, port);
	network_bridge_name(network_lease_bridge(lease), bridge);
	json_object_begin(w, NULL);
	json_add_string(w, "id", lease->id);
	json_add_string(w, "address", address);
	json_add_string(w, "bridge", bridge);
	json_add_string(w, "interface", port);
	index = link_index(&n->link, port);
	json_add_bool(w, "attached", index != 0);
	if (index && link_read_counters(&n->link, index, &c) == 0) {
		/* What the host's end receives is what the workspace sends. */
		json_add_u64(w, "sent_bytes", c.rx_bytes);
		json_add_u64(w, "received_bytes", c.tx_bytes);
	}
	json_object_end(w);
}

int network_describe(const char *root, struct buf *to, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	struct json_writer w = { .out = to };
	char pool[NETWORK_ADDRESS_TEXT];

	if (network_init(&n, root, err) < 0)
		return -1;
	network_address_format(n.leases.pool, pool);
	json_object_begin(&w, NULL);
	json_add_string(&w, "name", "mdocker");
	json_add_string(&w, "pool", pool);
	json_add_i64(&w, "prefix", 16);
	json_add_bool(&w, "rules_loaded", rules_are_loaded(&n.rules));
	json_array_begin(&w, "workspaces");
	for (size_t i = 0; i < n.leases.count; i++)
		describe_lease(&n, &n.leases.items[i], &w);
	json_array_end(&w);
	json_object_end(&w);
	return to->failed ? md_fail(err, ENOMEM, "network: out of memory") : 0;
}
