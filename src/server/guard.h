/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - decisions about what a request's headers claim: who sent it (Host, Origin, proxies) and what it carries
 * (cookies, tokens, names). All pure: strings in, a verdict out.
 */
#ifndef MD_SERVER_GUARD_H
#define MD_SERVER_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/broker_wire.h"

enum { GUARD_TOKEN_TEXT = BW_TOKEN_SIZE * 2 }; /* a token as hex digits, without the NUL */

/* Text forms that options may have. */
bool guard_origin_valid(const char *text);    /* "https://name[:port]" */
bool guard_host_valid(const char *text);      /* "name[:port]", "1.2.3.4", "[::1]:80" */
bool guard_cidr_valid(const char *text);      /* "10.0.0.0/8", "::1" */
bool guard_base_path_valid(const char *text); /* "" or "/a/b" */
bool guard_user_name_valid(const char *text); /* [a-z][a-z0-9._-]{0,31} */

/* "localhost", 127/8, ::1. */
bool guard_host_is_loopback(const char *host);

/* May the Host header have this value? Loopback servers answer to loopback names, others to any address literal; both to what
 * --allow-host names; with TLS and no --allow-host to anything, since the certificate decides there. This is what stops
 * DNS rebinding. */
bool guard_host_allowed(const struct bw_settings *s, const char *host);

/* May a page of `origin` use this server, asked for as `host`? NULL or "" (no browser sends none on a cross-site
 * request that changes anything) is allowed; "null" never. */
bool guard_origin_allowed(
	const struct bw_settings *s, bool secure, const char *host, const char *origin);

/* Sec-Fetch-Site: NULL, "same-origin" and "none" (typed by the person) are allowed. */
bool guard_fetch_site_allowed(const char *value);

/* Is it "application/json", whatever its parameters? */
bool guard_is_json(const char *content_type);

/* Finds the cookie `name` in a Cookie header and decodes its value as a token. False if absent or malformed; with
 * the name twice the first counts. */
bool guard_cookie_token(const char *header, const char *name, uint8_t ret[BW_TOKEN_SIZE]);

/* Does `path` fit `pattern`? "{}" at the end of a pattern stands for one part of a path, never empty, which goes to `param`. */
bool guard_path_matches(const char *pattern, const char *path, char *param, size_t size);

/* 64 hex digits and back. */
bool guard_token_decode(const char *text, size_t len, uint8_t ret[BW_TOKEN_SIZE]);
void guard_token_encode(const uint8_t token[BW_TOKEN_SIZE], char ret[GUARD_TOKEN_TEXT + 1]);

/* Is the address in one of the --trusted-proxy networks? */
bool guard_is_proxy(const struct bw_settings *s, const char *address);

/* The client's address as a trusted proxy tells it: the last entry of X-Forwarded-For that is no proxy of ours. False
 * if none is a valid address. */
bool guard_forwarded_for(
	const struct bw_settings *s, const char *header, char ret[BW_ADDRESS_SIZE]);

/* The network that an address counts to for limits: /24 of IPv4, /64 of IPv6. Addresses that can't be read count as themselves. */
void guard_network(const char *address, char ret[BW_ADDRESS_SIZE]);

#endif
