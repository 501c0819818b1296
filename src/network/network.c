/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json_write.h"
#include "network/link.h"
#include "base/poison.h"

enum {
	POOL = 10U << 24 | 213U << 16, /* 10.213.0.0/16 */
	LEASES_CEILING = 16 << 20,
	RULES_CEILING = 64 << 20,
	ELEMENTS_CEILING = 64 << 10,
};

#define FORWARDING "/proc/sys/net/ipv4/ip_forward"

static const struct rules_limits default_limits = {
	.connections = 1024,
	.new_per_second = 100,
	.burst = 500,
};

/* The network while this process changes it. */
struct network {
	int dir;  /* ROOT/network */
	int lock; /* held until network_done() */
	struct network_leases leases;
	struct rules rules;
};

static void network_done(struct network *n)
{
	rules_close(&n->rules);
	network_leases_done(&n->leases);
	fd_close(&n->lock);
	fd_close(&n->dir);
}
#define _auto_network_ _auto_(network_done)
#define NETWORK_INIT                                                                               \
	{                                                                                          \
		.dir = -1, .lock = -1                                                              \
	}

static int load_leases(struct network *n, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(n->dir, "leases.json", LEASES_CEILING, &text, &len) < 0) {
		if (errno != ENOENT)
			return md_fail_errno(err, "network: read leases.json");
		n->leases = (struct network_leases){ .pool = POOL };
		return 0;
	}
	if (network_leases_parse(text, len, &n->leases, err) < 0)
		return md_wrap(err, "network: leases.json");
	return 0;
}

static int save_leases(const struct network *n, struct md_error *err)
{
	_auto_free_ char *text = network_leases_text(&n->leases);

	if (!text || file_write_atomic(n->dir, "leases.json", text, strlen(text), 0600) < 0)
		return md_fail_errno(err, "network: write leases.json");
	return 0;
}

static int network_init(struct network *n, const char *root, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/network/elements", root);

	if (!path || file_mkdirs(path, 0700) < 0)
		return md_fail_errno(err, "network: make '%s/network'", root);
	*strrchr(path, '/') = '\0';
	n->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->dir < 0)
		return md_fail_errno(err, "network: open '%s'", path);
	n->lock = file_lock(n->dir, "lock", true, true);
	if (n->lock < 0)
		return md_fail_errno(err, "network: lock '%s'", path);
	if (load_leases(n, err) < 0)
		return -1;
	return rules_open(&n->rules, err);
}

/* Adds the commands of every elements/ID to `to`. */
static int add_all_elements(const struct network *n, struct buf *to, struct md_error *err)
{
	int fd = openat(n->dir, "elements", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&fd);
		return md_fail_errno(err, "network: open 'elements'");
	}
	while (r == 0 && (entry = readdir(dir))) {
		_auto_free_ char *text = NULL;
		size_t len;

		if (entry->d_name[0] == '.')
			continue;
		if (file_read(dirfd(dir), entry->d_name, ELEMENTS_CEILING, &text, &len) < 0)
			r = md_fail_errno(err, "network: read 'elements/%s'", entry->d_name);
		else
			buf_add(to, text, len);
	}
	closedir(dir);
	return r;
}

/* The name servers of a resolv.conf(5), less those on loopback. */
static size_t read_resolvers(const char *path, struct rules_resolvers *r)
{
	_auto_free_ char *text = NULL;
	char *rest, *line;

	if (file_read(AT_FDCWD, path, 65536, &text, NULL) < 0)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct network_cidr c;

		if (!str_starts(line, "nameserver"))
			continue;
		line += strlen("nameserver");
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		if (network_cidr_parse(line, &c, NULL) < 0 || c.prefix != 32 ||
			c.address >> 24 == 127 || r->count == ARRAY_SIZE(r->addresses))
			continue;
		r->addresses[r->count++] = c.address;
	}
	return r->count;
}

static struct rules_resolvers find_resolvers(void)
{
	struct rules_resolvers r = { .count = 0 };

	/* A host with systemd-resolved names only its stub on loopback in the first. */
	if (!read_resolvers("/etc/resolv.conf", &r))
		read_resolvers("/run/systemd/resolve/resolv.conf", &r);
	return r;
}

void network_resolv_conf(struct buf *to)
{
	struct rules_resolvers r = find_resolvers();

	for (size_t i = 0; i < r.count; i++) {
		char address[NETWORK_ADDRESS_TEXT];

		network_address_format(r.addresses[i], address);
		buf_addf(to, "nameserver %s\n", address);
	}
}

static int load_rules(struct network *n, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(RULES_CEILING);
	struct rules_resolvers resolvers = find_resolvers();

	buf_add_str(&text, "add table inet mdocker\ndelete table inet mdocker\n"
			   "add table bridge mdocker\ndelete table bridge mdocker\n");
	rules_text(&text, &default_limits, &resolvers);
	if (add_all_elements(n, &text, err) < 0)
		return -1;
	if (text.failed)
		return md_fail(err, ENOMEM, "network: out of memory for the rules");
	if (rules_run(&n->rules, buf_str(&text), err) < 0)
		return -1;
	rules_join_docker(&n->rules);
	return 0;
}

/* A knob of the present network namespace that we need at "1"; written only if it differs. */
static int need_sysctl(const char *path, struct md_error *err)
{
	_auto_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	char now = 0;

	if (fd >= 0 && pread(fd, &now, 1, 0) == 1 && now == '1')
		return 0;
	if (fd < 0 || pwrite(fd, "1", 1, 0) != 1)
		return md_fail_errno(err, "network: write 1 to '%s'", path);
	return 0;
}

static int finish_bridge(struct network *n, struct link_socket *s, unsigned int number,
	unsigned int index, struct md_error *err)
{
	_auto_free_ char *knob = NULL;
	char name[NETWORK_IFNAME];

	network_bridge_name(number, name);
	if (link_add_address(s, index, network_gateway(&n->leases, number), NETWORK_PREFIX) < 0 &&
		errno != EEXIST)
		return md_fail_errno(err, "network: give '%s' its address", name);
	if (link_set_up(s, index) < 0)
		return md_fail_errno(err, "network: set '%s' up", name);
	/* So that a published port answers on the host's 127.0.0.1 too; nothing that comes in by
	 * the bridge reaches loopback, the input chain drops it. */
	knob = str_format("/proc/sys/net/ipv4/conf/%s/route_localnet", name);
	if (!knob)
		return md_fail(err, ENOMEM, "network: out of memory");
	return need_sysctl(knob, err);
}

/* The index of bridge `number`, made if it isn't there. */
static int need_bridge(struct network *n, struct link_socket *s, unsigned int number,
	unsigned int *ret_index, struct md_error *err)
{
	char name[NETWORK_IFNAME];
	unsigned char mac[6];
	unsigned int index;

	network_bridge_name(number, name);
	index = link_index(s, name);
	if (!index) {
		network_mac(network_gateway(&n->leases, number), mac);
		if (link_add_bridge(s, name, mac) < 0 && errno != EEXIST)
			return md_fail_errno(err, "network: make the bridge '%s'", name);
		index = link_index(s, name);
		if (!index)
			return md_fail_errno(err, "network: find the bridge '%s'", name);
	}
	*ret_index = index;
	return finish_bridge(n, s, number, index, err);
}

/* Rules and forwarding, before anybody is attached. */
static int need_ground(struct network *n, struct md_error *err)
{
	if (!rules_are_loaded(&n->rules) && load_rules(n, err) < 0)
		return md_wrap(err, "network: load the rules");
	return need_sysctl(FORWARDING, err);
}

int network_ready(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	_auto_link_ struct link_socket s = { NULL, 0 };
	char name[NETWORK_IFNAME];
	unsigned int index;

	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	network_bridge_name(0, name);
	if (link_index(&s, name))
		return 0;
	if (network_init(&n, root, err) < 0 || need_ground(&n, err) < 0)
		return -1;
	return need_bridge(&n, &s, 0, &index, err);
}

int network_probe(struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	_auto_link_ struct link_socket s = { NULL, 0 };
	_auto_buf_ struct buf text = BUF_INIT(RULES_CEILING);
	struct rules_resolvers resolvers = find_resolvers();
	unsigned int index;

	n.leases = (struct network_leases){ .pool = POOL };
	rules_text(&text, &default_limits, &resolvers);
	if (text.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (rules_open(&n.rules, err) < 0 || rules_run(&n.rules, buf_str(&text), err) < 0)
		return -1;
	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	if (need_bridge(&n, &s, 0, &index, err) < 0)
		return -1;
	return need_sysctl(FORWARDING, err);
}

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
	_auto_link_ struct link_socket s = { NULL, 0 };
	uint32_t address = network_lease_address(&n->leases, lease);
	unsigned int bridge = 0, port, number = network_lease_bridge(lease);
	char name[NETWORK_IFNAME];
	unsigned char mac[6];

	network_port_name(address, name);
	network_mac(address, mac);
	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	if (need_bridge(n, &s, number, &bridge, err) < 0)
		return -1;
	port = link_index(&s, name);
	if (port && link_delete(&s, port) < 0)
		return md_fail_errno(err, "network: remove the stale '%s'", name);
	if (link_add_veth(&s, name, bridge, "eth0", mac, netns_fd) < 0)
		return md_fail_errno(err, "network: make the veth pair '%s'", name);
	port = link_index(&s, name);
	if (!port || link_isolate_port(&s, port) < 0)
		return md_fail_errno(err, "network: isolate '%s'", name);
	if (e->bytes_per_second && link_limit_rate(&s, port, e->bytes_per_second) < 0)
		return md_fail_errno(err, "network: limit what '%s' sends", name);
	return set_up_inside(
		netns_fd, address, network_gateway(&n->leases, number), e->bytes_per_second, err);
}

static int delete_port(uint32_t address, struct md_error *err)
{
	_auto_link_ struct link_socket s = { NULL, 0 };
	char name[NETWORK_IFNAME];
	unsigned int port;

	network_port_name(address, name);
	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	port = link_index(&s, name);
	/* The kernel may be faster: the pair goes with the container's namespace. */
	if (port && link_delete(&s, port) < 0 && errno != ENODEV)
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

/* Runs each command of `text` by itself: what isn't there is no error. */
static void run_each(struct network *n, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (*line)
			rules_run(&n->rules, line, NULL);
	}
}

/* Takes what elements/ID says out of the rules, and the file away. */
static int remove_elements(struct network *n, const char *id, struct md_error *err)
{
	_auto_free_ char *path = str_format("elements/%s", id);
	_auto_free_ char *text = NULL;
	_auto_buf_ struct buf commands = BUF_INIT(ELEMENTS_CEILING * 2);
	char *rest, *line;

	if (!path)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (file_read(n->dir, path, ELEMENTS_CEILING, &text, NULL) < 0) {
		if (errno == ENOENT)
			return 0;
		return md_fail_errno(err, "network: read '%s'", path);
	}
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (str_starts(line, "add "))
			buf_addf(&commands, "delete %s\n", line + strlen("add "));
	}
	if (commands.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (commands.len && rules_run(&n->rules, buf_str(&commands), NULL) < 0)
		run_each(n, commands.data);
	if (unlinkat(n->dir, path, 0) < 0 && errno != ENOENT)
		return md_fail_errno(err, "network: remove '%s'", path);
	return 0;
}

/* Writes elements/ID first, so that whatever happens next, detach knows what to take away. */
static int add_elements(
	struct network *n, const struct network_endpoint *e, uint32_t address, struct md_error *err)
{
	_auto_free_ char *path = str_format("elements/%s", e->id);
	_auto_buf_ struct buf text = BUF_INIT(ELEMENTS_CEILING);
	struct rules_endpoint endpoint = to_rules(e, address);
	struct md_error why = MD_ERROR_INIT;

	rules_add_text(&text, &endpoint);
	if (!path || text.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (remove_elements(n, e->id, err) < 0)
		return -1;
	if (file_write_atomic(n->dir, path, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "network: write '%s'", path);
	if (rules_run(&n->rules, buf_str(&text), &why) == 0)
		return 0;
	/* No rules at all: they are loaded with what all files say. Asking beforehand would take as long
	 * as this at every start. */
	if (why.code == ENOENT)
		return load_rules(n, err);
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

	if (network_init(&n, root, err) < 0)
		return -1;
	if (network_lease_take(&n.leases, e->id, &lease, err) < 0 || save_leases(&n, err) < 0)
		return -1;
	address = network_lease_address(&n.leases, lease);
	if (need_sysctl(FORWARDING, err) < 0)
		return -1;
	if (add_elements(&n, e, address, err) < 0 || make_port(&n, e, netns_fd, lease, err) < 0) {
		remove_elements(&n, e->id, NULL);
		delete_port(address, NULL);
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

	if (lease && delete_port(network_lease_address(&n->leases, lease), err) < 0)
		return -1;
	return remove_elements(n, id, err);
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
	return save_leases(&n, err);
}

int network_reload(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0)
		return -1;
	return load_rules(&n, err);
}

static bool has_elements(const struct network *n)
{
	_auto_buf_ struct buf text = BUF_INIT(RULES_CEILING);
	struct md_error ignored = MD_ERROR_INIT;

	return add_all_elements(n, &text, &ignored) < 0 || text.len;
}

int network_restore(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;

	if (network_init(&n, root, err) < 0)
		return -1;
	if (!has_elements(&n))
		return 0;
	if (!rules_are_loaded(&n.rules))
		return load_rules(&n, err);
	rules_join_docker(&n.rules);
	return 0;
}

/* EBUSY if a port of any lease is there. */
static int refuse_attached(const struct network *n, struct link_socket *s, struct md_error *err)
{
	for (size_t i = 0; i < n->leases.count; i++) {
		char name[NETWORK_IFNAME];

		network_port_name(network_lease_address(&n->leases, &n->leases.items[i]), name);
		if (link_index(s, name))
			return md_fail(err, EBUSY,
				"network: workspace '%s' is attached: stop it first",
				n->leases.items[i].id);
	}
	return 0;
}

int network_remove(const char *root, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	_auto_link_ struct link_socket s = { NULL, 0 };

	if (network_init(&n, root, err) < 0)
		return -1;
	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	if (refuse_attached(&n, &s, err) < 0)
		return -1;
	for (unsigned int i = 0; i < NETWORK_BRIDGES; i++) {
		char name[NETWORK_IFNAME];
		unsigned int index;

		network_bridge_name(i, name);
		index = link_index(&s, name);
		if (index && link_delete(&s, index) < 0)
			return md_fail_errno(err, "network: remove the bridge '%s'", name);
	}
	rules_leave_docker(&n.rules);
	if (rules_unload(&n.rules, err) < 0)
		return -1;
	network_leases_done(&n.leases);
	if (save_leases(&n, err) < 0)
		return -1;
	if (file_remove_tree(n.dir, "elements") < 0)
		return md_fail_errno(err, "network: remove 'elements'");
	return 0;
}

static void describe_lease(const struct network *n, const struct network_lease *lease,
	struct link_socket *s, struct json_writer *w)
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
	index = link_index(s, port);
	json_add_bool(w, "attached", index != 0);
	if (index && link_read_counters(s, index, &c) == 0) {
		/* What the host's end receives is what the workspace sends. */
		json_add_u64(w, "sent_bytes", c.rx_bytes);
		json_add_u64(w, "received_bytes", c.tx_bytes);
	}
	json_object_end(w);
}

int network_describe(const char *root, struct buf *to, struct md_error *err)
{
	_auto_network_ struct network n = NETWORK_INIT;
	_auto_link_ struct link_socket s = { NULL, 0 };
	struct json_writer w = { .out = to };
	char pool[NETWORK_ADDRESS_TEXT];

	if (network_init(&n, root, err) < 0)
		return -1;
	if (link_open(&s, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	network_address_format(n.leases.pool, pool);
	json_object_begin(&w, NULL);
	json_add_string(&w, "name", "mdocker");
	json_add_string(&w, "pool", pool);
	json_add_i64(&w, "prefix", 16);
	json_add_bool(&w, "rules_loaded", rules_are_loaded(&n.rules));
	json_array_begin(&w, "workspaces");
	for (size_t i = 0; i < n.leases.count; i++)
		describe_lease(&n, &n.leases.items[i], &s, &w);
	json_array_end(&w);
	json_object_end(&w);
	return to->failed ? md_fail(err, ENOMEM, "network: out of memory") : 0;
}
