/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/network.h"

#include <errno.h>
#include <string.h>

#include "network/forwarding.h"
#include "network/ground.h"
#include "network/state.h"
#include "base/poison.h"

/* The container's side: loopback, address, route, rate. */
static int set_up_inside(
	int netns_fd, uint32_t address, uint32_t gateway, uint64_t rate, struct md_error *err)
{
	_auto_link_ struct link_socket s = { NULL, 0 };
	unsigned int lo, eth0;

	if (link_open(&s, netns_fd) < 0)
		return md_fail_errno(err, "network: enter the workspace's namespace");
	lo = link_index(&s, "lo");
	eth0 = link_index(&s, "eth0");
	if (!lo || !eth0 || link_set_up(&s, lo) < 0 ||
		link_add_address(&s, eth0, address, NETWORK_PREFIX) < 0 ||
		link_set_up(&s, eth0) < 0 || link_add_default_route(&s, eth0, gateway) < 0)
		return md_fail_errno(err, "network: set up eth0");
	if (rate && link_limit_rate(&s, eth0, rate) < 0)
		return md_fail_errno(err, "network: limit what eth0 sends");
	return 0;
}

/* Makes the pair and both its ends ready. */
static int make_port(struct network *n, const struct network_endpoint *e, int netns_fd,
	const struct network_lease *lease, struct md_error *err)
{
	uint32_t address = network_lease_address(&n->leases, lease);
	struct link_socket *s = &n->link;
	unsigned int bridge = 0, port, number = network_lease_bridge(lease);
	char name[NETWORK_IFNAME];
	unsigned char mac[6];

	network_port_name(address, name);
	network_mac(address, mac);
	if (ground_need_bridge(n, number, &bridge, err) < 0)
		return -1;
	port = link_index(s, name);
	if (port && link_delete(s, port) < 0)
		return md_fail_errno(err, "network: remove the stale '%s'", name);
	if (link_add_veth(s, name, bridge, "eth0", mac, netns_fd) < 0)
		return md_fail_errno(err, "network: make the veth pair '%s'", name);
	port = link_index(s, name);
	if (!port || link_isolate_port(s, port) < 0)
		return md_fail_errno(err, "network: isolate '%s'", name);
	if (e->bytes_per_second && link_limit_rate(s, port, e->bytes_per_second) < 0)
		return md_fail_errno(err, "network: limit what '%s' sends", name);
	return set_up_inside(
		netns_fd, address, network_gateway(&n->leases, number), e->bytes_per_second, err);
}

static int delete_port(struct network *n, uint32_t address, struct md_error *err)
{
	char name[NETWORK_IFNAME];
	unsigned int port;

	network_port_name(address, name);
	port = link_index(&n->link, name);
	/* The kernel may be faster: the pair goes with the container's namespace. */
	if (port && link_delete(&n->link, port) < 0 && errno != ENODEV)
		return md_fail_errno(err, "network: remove '%s'", name);
	return 0;
}

static struct rules_endpoint to_rules(const struct network_endpoint *e, uint32_t address)
{
	struct rules_endpoint r = {
		.address = address, .policy = e->policy, .published_count = e->published_count
	};

	memcpy(r.published, e->published, sizeof(r.published));
	return r;
}

/* What the rules know of the workspace; without any rules, they are loaded with what all files say. Asking beforehand would take as
 * long as this at every start. */
static int add_to_rules(
	struct network *n, const struct network_endpoint *e, uint32_t address, struct md_error *err)
{
	struct rules_endpoint endpoint = to_rules(e, address);
	struct md_error why = MD_ERROR_INIT;

	if (network_add_elements(n, e->id, &endpoint, &why) == 0)
		return 0;
	if (why.code == ENOENT)
		return ground_load_rules(n, err);
	if (why.code == EEXIST)
		return md_fail(
			err, EEXIST, "a published port belongs to another workspace already");
	return md_fail(err, why.code, "%s", why.msg);
}

int network_attach(const char *root, const struct network_endpoint *e, int netns_fd,
	uint32_t *ret_address, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	const struct network_lease *lease;
	uint32_t address;

	if (network_init(&n, root, err) < 0 || ground_take(&n, err) < 0)
		return -1;
	if (network_lease_take(&n.leases, e->id, &lease, err) < 0 ||
		network_save_leases(&n, err) < 0)
		return -1;
	address = network_lease_address(&n.leases, lease);
	if (forwarding_need(n.dir, err) < 0)
		return -1;
	if (add_to_rules(&n, e, address, err) < 0 || make_port(&n, e, netns_fd, lease, err) < 0) {
		network_remove_elements(&n, e->id, true, NULL);
		delete_port(&n, address, NULL);
		return -1;
	}
	if (ret_address)
		*ret_address = address;
	return 0;
}

/* One direction: the rate of what `name` in the namespace sends. */
static int limit_end(const char *name, int netns_fd, uint64_t rate, struct md_error *err)
{
	_auto_link_ struct link_socket s = { NULL, 0 };
	unsigned int index;

	if (link_open(&s, netns_fd) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	index = link_index(&s, name);
	if (!index || link_limit_rate(&s, index, rate) < 0)
		return md_fail_errno(err, "network: limit what '%s' sends", name);
	return 0;
}

int network_limit(const char *root, const char *id, uint64_t bytes_per_second, int netns_fd,
	struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	const struct network_lease *lease;
	char port[NETWORK_IFNAME];

	if (network_init(&n, root, err) < 0)
		return -1;
	lease = network_lease_find(&n.leases, id);
	if (!lease)
		return md_fail(err, ENOENT, "network: workspace '%s' is not attached", id);
	network_port_name(network_lease_address(&n.leases, lease), port);
	if (limit_end(port, -1, bytes_per_second, err) < 0)
		return -1;
	return limit_end("eth0", netns_fd, bytes_per_second, err);
}

static int detach(struct network *n, const char *id, struct md_error *err)
{
	const struct network_lease *lease = network_lease_find(&n->leases, id);
	struct md_error other = MD_ERROR_INIT;
	/* Another installation's port and elements may have the same name. */
	bool ours = ground_claim(n, &other) == 0;

	if (lease && ours && delete_port(n, network_lease_address(&n->leases, lease), err) < 0)
		return -1;
	return network_remove_elements(n, id, ours, err);
}

int network_detach(const char *root, const char *id, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0)
		return -1;
	return detach(&n, id, err);
}

int network_release(const char *root, const char *id, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0 || detach(&n, id, err) < 0)
		return -1;
	network_lease_drop(&n.leases, id);
	return network_save_leases(&n, err);
}
