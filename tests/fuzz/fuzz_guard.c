/* SPDX-License-Identifier: Apache-2.0 */
/* What web believes of a request's headers. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "server/guard.h"

static void all_verdicts(const char *text)
{
	struct bw_settings s = { .loopback_only = 0 };
	uint8_t token[BW_TOKEN_SIZE];
	char out[BW_ADDRESS_SIZE], encoded[GUARD_TOKEN_TEXT + 1], param[16];

	BW_PUT(s.hosts[0], "shell.example.org");
	BW_PUT(s.origins[0], "https://b.example:81");
	BW_PUT(s.proxies[0], "10.0.0.0/7");
	BW_PUT(s.proxies[1], "2001:db8::/33");
	guard_host_allowed(&s, text);
	guard_origin_allowed(&s, true, "shell.example.org", text);
	guard_origin_allowed(&s, false, text, text);
	guard_origin_valid(text);
	guard_cidr_valid(text);
	guard_base_path_valid(text);
	guard_user_name_valid(text);
	guard_fetch_site_allowed(text);
	guard_is_json(text);
	guard_is_proxy(&s, text);
	if (guard_forwarded_for(&s, text, out) && strlen(out) >= sizeof(out))
		abort();
	guard_network(text, out);
	if (guard_path_matches("/api/v1/terminals/{}", text, param, sizeof(param)) && !*param)
		abort();
	if (!guard_cookie_token(text, "mdocker", token))
		return;
	guard_token_encode(token, encoded);
	if (!strstr(text, encoded))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	all_verdicts(text);
	free(text);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"shell.example.org:8443",
		"[2001:db8::1]:80",
		"https://b.example:81",
		"6.6.6.6, 192.0.2.7, 10.0.0.9, 2001:db8::7",
		"a=b; mdocker=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; c",
		"application/json; charset=utf-8",
		"/api/v1/terminals/12",
		"10.0.0.0/8",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
