/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/public_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "server/guard.h"
#include "base/poison.h"

/* Copies `len` bytes; -1 if there is no room. */
static int put(char *to, size_t room, const char *from, size_t len)
{
	if (len >= room)
		return -1;
	memcpy(to, from, len);
	to[len] = '\0';
	return 0;
}

/* The authority is valid: "name", "name:80", "[::1]:80". */
static int split_authority(struct public_url *u)
{
	bool literal = u->authority[0] == '[';
	const char *host = u->authority + literal, *usual = u->tls ? "443" : "80";
	size_t len = strcspn(host, literal ? "]" : ":");
	const char *port = host + len + literal;

	if (put(u->host, sizeof(u->host), host, len) < 0)
		return -1;
	if (*port != ':')
		return put(u->port, sizeof(u->port), usual, strlen(usual));
	if (put(u->port, sizeof(u->port), port + 1, strlen(port + 1)) < 0)
		return -1;
	/* Browsers leave the usual port out of Host and Origin. */
	if (str_eq(u->port, usual))
		u->authority[port - u->authority] = '\0';
	return 0;
}

int public_url_parse(const char *text, struct public_url *ret, struct md_error *err)
{
	struct public_url u = { .tls = str_starts(text, "https://") };
	const char *authority = text + strlen(u.tls ? "https://" : "http://"), *path;
	size_t len;

	if (!u.tls && !str_starts(text, "http://"))
		return md_fail(err, EINVAL, "'%s': expected https://NAME[:PORT][/PATH]", text);
	path = authority + strcspn(authority, "/");
	len = strlen(path);
	if (len && path[len - 1] == '/')
		len--;
	if (put(u.authority, sizeof(u.authority), authority, (size_t)(path - authority)) < 0 ||
		put(u.path, sizeof(u.path), path, len) < 0 || !guard_host_valid(u.authority) ||
		!guard_base_path_valid(u.path) || split_authority(&u) < 0)
		return md_fail(err, EINVAL, "'%s': expected https://NAME[:PORT][/PATH]", text);
	*ret = u;
	return 0;
}
