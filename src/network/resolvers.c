/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/resolvers.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "network/network.h"
#include "base/poison.h"

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

struct rules_resolvers network_find_resolvers(void)
{
	struct rules_resolvers r = { .count = 0 };

	/* A host with systemd-resolved names only its stub on loopback in the first. */
	if (!read_resolvers("/etc/resolv.conf", &r))
		read_resolvers("/run/systemd/resolve/resolv.conf", &r);
	return r;
}

void network_resolv_conf(struct buf *to)
{
	struct rules_resolvers r = network_find_resolvers();

	for (size_t i = 0; i < r.count; i++) {
		char address[NETWORK_ADDRESS_TEXT];

		network_address_format(r.addresses[i], address);
		buf_addf(to, "nameserver %s\n", address);
	}
}
