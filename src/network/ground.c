/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/ground.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "network/forwarding.h"
#include "network/network.h"
#include "network/resolvers.h"
#include "base/poison.h"

static const struct rules_limits default_limits = {
	.connections = 1024,
	.new_per_second = 100,
	.burst = 500,
};

int ground_load_rules(struct network *n, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(NETWORK_RULES_CEILING);
	struct rules_resolvers resolvers = network_find_resolvers();

	buf_add_str(&text, "add table inet mdocker\ndelete table inet mdocker\n"
			   "add table bridge mdocker\ndelete table bridge mdocker\n");
	rules_text(&text, &default_limits, &resolvers);
	if (network_all_elements(n, &text, err) < 0)
		return -1;
	if (text.failed)
		return md_fail(err, ENOMEM, "network: out of memory for the rules");
	if (rules_run(&n->rules, buf_str(&text), err) < 0)
		return -1;
	rules_join_docker(&n->rules);
	return 0;
}

/* The file system has one entry for both, whatever they are called. */
static bool is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Is there a port of any workspace, whoever's? */
static bool has_ports(void)
{
	struct if_nameindex *all = if_nameindex();
	bool found = !all;

	for (struct if_nameindex *i = all; i && i->if_index && !found; i++)
		found = str_starts(i->if_name, NETWORK_PORT_PREFIX);
	if (all)
		if_freenameindex(all);
	return found;
}

int ground_claim(struct network *n, struct md_error *err)
{
	char name[NETWORK_IFNAME], owner[LINK_ALIAS];
	unsigned int index;

	network_bridge_name(0, name);
	index = link_find(&n->link, name, owner);
	if (!index || strncmp(owner, n->root, LINK_ALIAS - 1) == 0 ||
		is_same_folder(owner, n->root))
		return 0;
	/* One without an owner was made by an older version. */
	if (*owner && (access(owner, F_OK) == 0 || has_ports()))
		return md_fail(err, EBUSY,
			"network: '%s' here belongs to the installation in '%s': `mdocker --root "
			"%s network rm` gives it up, or use another network namespace",
			name, owner, owner);
	if (link_set_alias(&n->link, index, n->root) < 0)
		return md_fail_errno(err, "network: mark '%s' as ours", name);
	return *owner ? ground_load_rules(n, err) : 0;
}

static int finish_bridge(
	struct network *n, unsigned int number, unsigned int index, struct md_error *err)
{
	_auto_free_ char *knob = NULL;
	char name[NETWORK_IFNAME];

	network_bridge_name(number, name);
	if (link_add_address(&n->link, index, network_gateway(&n->leases, number), NETWORK_PREFIX) <
			0 &&
		errno != EEXIST)
		return md_fail_errno(err, "network: give '%s' its address", name);
	if (link_set_up(&n->link, index) < 0)
		return md_fail_errno(err, "network: set '%s' up", name);
	/* So that a published port answers on the host's 127.0.0.1 too; nothing that comes in by
	 * the bridge reaches loopback, the input chain drops it. */
	knob = str_format("/proc/sys/net/ipv4/conf/%s/route_localnet", name);
	if (!knob)
		return md_fail(err, ENOMEM, "network: out of memory");
	return forwarding_knob(knob, err);
}

/* The first bridge says whose all of it is, so it must never be seen without that: it is made under a name of this installation's
 * own, and the kernel gives the one name to one of those who want it. */
static int make_first_bridge(
	struct network *n, const char *name, const unsigned char mac[6], struct md_error *err)
{
	char own[NETWORK_IFNAME];
	unsigned int index;

	network_unnamed_bridge(n->root, own);
	index = link_index(&n->link, own); /* of somebody who was killed here */
	if (!index && link_add_bridge(&n->link, own, mac) < 0)
		return md_fail_errno(err, "network: make the bridge '%s'", own);
	if (!index)
		index = link_index(&n->link, own);
	if (!index || link_set_alias(&n->link, index, n->root) < 0)
		return md_fail_errno(err, "network: mark '%s' as ours", own);
	if (link_rename(&n->link, index, name) == 0)
		return 0;
	md_fail_errno(err, "network: name the bridge '%s'", name);
	link_delete(&n->link, index);
	return err->code == EEXIST ? ground_claim(n, err) : -1;
}

static int make_bridge(
	struct network *n, unsigned int number, const char *name, struct md_error *err)
{
	unsigned char mac[6];

	network_mac(network_gateway(&n->leases, number), mac);
	if (number == 0 && n->root)
		return make_first_bridge(n, name, mac, err);
	if (link_add_bridge(&n->link, name, mac) < 0 && errno != EEXIST)
		return md_fail_errno(err, "network: make the bridge '%s'", name);
	return 0;
}

int ground_need_bridge(
	struct network *n, unsigned int number, unsigned int *ret_index, struct md_error *err)
{
	char name[NETWORK_IFNAME];

	network_bridge_name(number, name);
	*ret_index = link_index(&n->link, name);
	if (!*ret_index) {
		if (make_bridge(n, number, name, err) < 0)
			return -1;
		*ret_index = link_index(&n->link, name);
		if (!*ret_index)
			return md_fail_errno(err, "network: find the bridge '%s'", name);
	}
	return finish_bridge(n, number, *ret_index, err);
}

int ground_take(struct network *n, struct md_error *err)
{
	char name[NETWORK_IFNAME];
	unsigned int index;

	network_bridge_name(0, name);
	if (ground_claim(n, err) < 0)
		return -1;
	return link_index(&n->link, name) ? 0 : ground_need_bridge(n, 0, &index, err);
}

/* Rules and forwarding, before anybody is attached. */
static int need_ground(struct network *n, struct md_error *err)
{
	if (!rules_are_loaded(&n->rules) && ground_load_rules(n, err) < 0)
		return md_wrap(err, "network: load the rules");
	return forwarding_need(n->dir, err);
}

/* The first bridge is there and ours: without the lock, since each start asks. */
static bool stands(const char *root)
{
	_auto_link_ struct link_socket s = { NULL, 0 };
	_auto_free_ char *path = realpath(root, NULL);
	char name[NETWORK_IFNAME], owner[LINK_ALIAS];

	network_bridge_name(0, name);
	return path && link_open(&s, -1) == 0 && link_find(&s, name, owner) &&
	       strncmp(owner, path, LINK_ALIAS - 1) == 0;
}

int network_ready(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	unsigned int index;

	if (stands(root))
		return 0;
	/* The bridge before the rules, which are another's as long as it isn't ours; and once more, if one was half made. */
	if (network_init(&n, root, err) < 0 || ground_take(&n, err) < 0 ||
		ground_need_bridge(&n, 0, &index, err) < 0)
		return -1;
	return need_ground(&n, err);
}

int network_probe(struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	_auto_buf_ struct buf text = BUF_INIT(NETWORK_RULES_CEILING);
	struct rules_resolvers resolvers = network_find_resolvers();
	unsigned int index;

	n.leases = (struct network_leases){ .pool = NETWORK_POOL };
	rules_text(&text, &default_limits, &resolvers);
	if (text.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (rules_open(&n.rules, err) < 0 || rules_run(&n.rules, buf_str(&text), err) < 0)
		return -1;
	if (link_open(&n.link, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	if (ground_need_bridge(&n, 0, &index, err) < 0)
		return -1;
	return forwarding_try(err);
}

int network_reload(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0 || ground_claim(&n, err) < 0)
		return -1;
	return ground_load_rules(&n, err);
}

int network_restore(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0)
		return -1;
	if (!network_has_elements(&n))
		return 0;
	if (ground_claim(&n, err) < 0)
		return -1;
	if (!rules_are_loaded(&n.rules))
		return ground_load_rules(&n, err);
	rules_join_docker(&n.rules);
	return 0;
}

/* EBUSY if a port of any lease is there. */
static int refuse_attached(struct network *n, struct md_error *err)
{
	for (size_t i = 0; i < n->leases.count; i++) {
		char name[NETWORK_IFNAME];

		network_port_name(network_lease_address(&n->leases, &n->leases.items[i]), name);
		if (link_index(&n->link, name))
			return md_fail(err, EBUSY,
				"network: workspace '%s' is attached: stop it first",
				n->leases.items[i].id);
	}
	return 0;
}

static int remove_bridge(struct network *n, const char *name, struct md_error *err)
{
	unsigned int index = link_index(&n->link, name);

	if (index && link_delete(&n->link, index) < 0)
		return md_fail_errno(err, "network: remove the bridge '%s'", name);
	return 0;
}

int network_remove(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	char name[NETWORK_IFNAME];

	if (network_init(&n, root, err) < 0 || ground_claim(&n, err) < 0 ||
		refuse_attached(&n, err) < 0)
		return -1;
	rules_leave_docker(&n.rules);
	if (rules_unload(&n.rules, err) < 0)
		return -1;
	network_unnamed_bridge(n.root, name);
	if (remove_bridge(&n, name, err) < 0)
		return -1;
	/* The first one last: while it stands, nobody else has rules here. */
	for (unsigned int i = NETWORK_BRIDGES; i-- > 0;) {
		network_bridge_name(i, name);
		if (remove_bridge(&n, name, err) < 0)
			return -1;
	}
	network_leases_done(&n.leases);
	if (network_save_leases(&n, err) < 0)
		return -1;
	if (file_remove_tree(n.dir, "elements") < 0)
		return md_fail_errno(err, "network: remove 'elements'");
	return forwarding_give_back(n.dir, err);
}
