/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/poison.h"

struct address {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
	unsigned int bits; /* how many of them count */
};

/* IPv4 in IPv6 ("::ffff:1.2.3.4") is IPv4: one peer, one spelling. */
static bool parse_address(const char *text, struct address *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, ret->bytes) == 1) {
		ret->family = AF_INET;
		ret->bits = 32;
		return true;
	}
	if (inet_pton(AF_INET6, text, ret->bytes) != 1)
		return false;
	ret->family = AF_INET6;
	ret->bits = 128;
	if (memcmp(ret->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(ret->bytes, ret->bytes + 12, 4);
		ret->family = AF_INET;
		ret->bits = 32;
	}
	return true;
}

static bool parse_cidr(const char *text, struct address *ret)
{
	const char *slash = strchr(text, '/');
	char host[BW_ADDRESS_SIZE];
	uint64_t bits;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_address(host, ret))
		return false;
	if (slash) {
		if (str_to_u64(slash + 1, ret->bits, &bits) < 0)
			return false;
		ret->bits = (unsigned int)bits;
	}
	return true;
}

static bool contains(const struct address *network, const struct address *a)
{
	unsigned int whole = network->bits / 8, rest = network->bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (network->family != a->family || memcmp(network->bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || ((network->bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

/* Splits "host[:port]" into its host (no brackets, lower case) and says whether the whole is well formed. */
static bool split_host(const char *text, char *host, size_t size, bool *ret_literal)
{
	const char *end;
	size_t len;

	*ret_literal = false;
	if (text[0] == '[') {
		text++;
		end = strchr(text, ']');
		if (!end)
			return false;
		*ret_literal = true;
	} else {
		end = text;
		while (is_name_char(*end))
			end++;
	}
	len = (size_t)(end - text);
	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		host[i] = (char)tolower((unsigned char)text[i]);
	host[len] = '\0';
	end += *ret_literal;
	if (*end == ':') {
		uint64_t port;

		if (str_to_u64(end + 1, UINT16_MAX, &port) < 0)
			return false;
	} else if (*end) {
		return false;
	}
	if (*ret_literal) {
		struct address a;

		return parse_address(host, &a);
	}
	return true;
}

bool guard_host_valid(const char *text)
{
	char host[BW_TEXT_SIZE];
	bool literal;

	return split_host(text, host, sizeof(host), &literal);
}

bool guard_origin_valid(const char *text)
{
	if (str_starts(text, "https://"))
		return guard_host_valid(text + 8);
	return str_starts(text, "http://") && guard_host_valid(text + 7);
}

bool guard_cidr_valid(const char *text)
{
	struct address a;

	return parse_cidr(text, &a);
}

bool guard_base_path_valid(const char *text)
{
	if (!*text)
		return true;
	if (text[0] != '/' || text[strlen(text) - 1] == '/')
		return false;
	for (const char *p = text; *p; p++) {
		if (!is_name_char(*p) && *p != '/')
			return false;
		if (*p == '/' && (p[1] == '/' || p[1] == '.'))
			return false;
	}
	return true;
}

bool guard_user_name_valid(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 32 || text[0] < 'a' || text[0] > 'z')
		return false;
	for (; *text; text++) {
		bool fine = (*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') ||
			    *text == '.' || *text == '_' || *text == '-';

		if (!fine)
			return false;
	}
	return true;
}

bool guard_host_is_loopback(const char *host)
{
	struct address a, v4 = { AF_INET, { 127 }, 8 }, v6 = { AF_INET6, { [15] = 1 }, 128 };

	if (strcasecmp(host, "localhost") == 0)
		return true;
	return parse_address(host, &a) && (contains(&v4, &a) || contains(&v6, &a));
}

/* A pattern without a port allows any port. */
static bool host_matches(const char *pattern, const char *value, const char *host)
{
	char pattern_host[BW_TEXT_SIZE];
	bool literal;

	if (strcasecmp(pattern, value) == 0)
		return true;
	if (!split_host(pattern, pattern_host, sizeof(pattern_host), &literal))
		return false;
	return !strchr(pattern[0] == '[' ? strchr(pattern, ']') : pattern, ':') &&
	       str_eq(pattern_host, host);
}

bool guard_host_allowed(const struct bw_settings *s, const char *value)
{
	char host[BW_TEXT_SIZE];
	struct address a;
	bool literal;

	if (!split_host(value, host, sizeof(host), &literal))
		return false;
	if (guard_host_is_loopback(host))
		return true;
	for (size_t i = 0; i < BW_MAX_PATTERNS && s->hosts[i][0]; i++) {
		if (host_matches(s->hosts[i], value, host))
			return true;
	}
	if (s->hosts[0][0])
		return false;
	return s->tls || (!s->loopback_only && parse_address(host, &a));
}

bool guard_origin_allowed(
	const struct bw_settings *s, bool secure, const char *host, const char *origin)
{
	const char *authority;

	if (!origin || !*origin)
		return true;
	for (size_t i = 0; i < BW_MAX_PATTERNS && s->origins[i][0]; i++) {
		if (strcasecmp(s->origins[i], origin) == 0)
			return true;
	}
	if (!host || !guard_origin_valid(origin) || str_starts(origin, "https://") != secure)
		return false;
	authority = strstr(origin, "://") + 3;
	return strcasecmp(authority, host) == 0;
}

bool guard_fetch_site_allowed(const char *value)
{
	return !value || !*value || str_eq(value, "same-origin") || str_eq(value, "none");
}

bool guard_is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	if (strncasecmp(content_type, json, len) != 0)
		return false;
	while (content_type[len] == ' ')
		len++;
	return content_type[len] == '\0' || content_type[len] == ';';
}

bool guard_path_matches(const char *pattern, const char *path, char *param, size_t size)
{
	size_t len = 0;

	while (*pattern && *pattern != '{') {
		if (*pattern++ != *path++)
			return false;
	}
	if (!*pattern)
		return !*path;
	while (path[len] && path[len] != '/')
		len++;
	if (len == 0 || len >= size || path[len])
		return false;
	memcpy(param, path, len);
	param[len] = '\0';
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool guard_token_decode(const char *text, size_t len, uint8_t ret[BW_TOKEN_SIZE])
{
	if (len != GUARD_TOKEN_TEXT)
		return false;
	for (size_t i = 0; i < BW_TOKEN_SIZE; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void guard_token_encode(const uint8_t token[BW_TOKEN_SIZE], char ret[GUARD_TOKEN_TEXT + 1])
{
	for (size_t i = 0; i < BW_TOKEN_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", token[i]);
}

bool guard_cookie_token(const char *header, const char *name, uint8_t ret[BW_TOKEN_SIZE])
{
	size_t name_len = strlen(name);

	while (*header) {
		const char *end = strchrnul(header, ';');

		while (*header == ' ')
			header++;
		if (strncmp(header, name, name_len) == 0 && header[name_len] == '=') {
			const char *value = header + name_len + 1;

			while (end > value && end[-1] == ' ')
				end--;
			return guard_token_decode(value, (size_t)(end - value), ret);
		}
		header = *end ? end + 1 : end;
	}
	return false;
}

bool guard_is_proxy(const struct bw_settings *s, const char *address)
{
	struct address a, network;

	if (!parse_address(address, &a))
		return false;
	for (size_t i = 0; i < BW_MAX_PATTERNS && s->proxies[i][0]; i++) {
		if (parse_cidr(s->proxies[i], &network) && contains(&network, &a))
			return true;
	}
	return false;
}

bool guard_forwarded_for(const struct bw_settings *s, const char *header, char ret[BW_ADDRESS_SIZE])
{
	size_t end = strlen(header);

	/* From the right: each proxy appended whom it heard from; what stands left of the first stranger is hearsay. */
	while (end > 0) {
		size_t start = end;
		char entry[BW_ADDRESS_SIZE];
		struct address a;

		while (start > 0 && header[start - 1] != ',')
			start--;
		size_t from = start, to = end;

		while (from < to && header[from] == ' ')
			from++;
		while (to > from && header[to - 1] == ' ')
			to--;
		if (to - from >= sizeof(entry))
			return false;
		memcpy(entry, header + from, to - from);
		entry[to - from] = '\0';
		if (!parse_address(entry, &a))
			return false;
		if (!guard_is_proxy(s, entry)) {
			broker_wire_put(ret, BW_ADDRESS_SIZE, entry);
			return true;
		}
		end = start > 0 ? start - 1 : 0;
	}
	return false;
}

void guard_network(const char *address, char ret[BW_ADDRESS_SIZE])
{
	struct address a;
	char text[BW_ADDRESS_SIZE];

	if (!parse_address(address, &a)) {
		broker_wire_put(ret, BW_ADDRESS_SIZE, address);
		return;
	}
	memset(a.bytes + (a.family == AF_INET ? 3 : 8), 0, a.family == AF_INET ? 13 : 8);
	inet_ntop(a.family, a.bytes, text, sizeof(text));
	broker_wire_put(ret, BW_ADDRESS_SIZE, text);
}
