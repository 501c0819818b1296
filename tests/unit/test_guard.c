/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include "server/guard.h"

static void hosts_are_loopback_names_literals_or_listed(void **state _unused_)
{
	struct bw_settings s = { .loopback_only = 1 };

	assert_true(guard_host_allowed(&s, "localhost:8080"));
	assert_true(guard_host_allowed(&s, "127.0.0.1:8080"));
	assert_true(guard_host_allowed(&s, "127.9.9.9"));
	assert_true(guard_host_allowed(&s, "[::1]:80"));
	assert_false(guard_host_allowed(&s, "192.0.2.1"));
	assert_false(guard_host_allowed(&s, "rebound.example"));
	assert_false(guard_host_allowed(&s, "localhost.rebound.example"));
	assert_false(guard_host_allowed(&s, "127.0.0.1.rebound.example"));
	assert_false(guard_host_allowed(&s, "localhost:80:80"));
	assert_false(guard_host_allowed(&s, "localhost:99999"));
	assert_false(guard_host_allowed(&s, "local host"));
	assert_false(guard_host_allowed(&s, "user@localhost"));
	assert_false(guard_host_allowed(&s, "[::1"));
	assert_false(guard_host_allowed(&s, ""));
	s.loopback_only = 0;
	assert_true(guard_host_allowed(&s, "192.0.2.1:80"));
	assert_false(guard_host_allowed(&s, "rebound.example"));
	BW_PUT(s.hosts[0], "shell.example.org");
	assert_true(guard_host_allowed(&s, "Shell.Example.Org:8443"));
	assert_false(guard_host_allowed(&s, "192.0.2.1:80"));
	assert_false(guard_host_allowed(&s, "xshell.example.org"));
	BW_PUT(s.hosts[0], "shell.example.org:443");
	assert_true(guard_host_allowed(&s, "shell.example.org:443"));
	assert_false(guard_host_allowed(&s, "shell.example.org:444"));
	s.hosts[0][0] = '\0';
	s.tls = 1;
	assert_true(guard_host_allowed(&s, "whatever.the.certificate.says"));
}

static void origins_are_the_same_or_listed(void **state _unused_)
{
	struct bw_settings s = { 0 };

	assert_true(guard_origin_allowed(&s, false, "a.example:80", NULL));
	assert_true(guard_origin_allowed(&s, false, "a.example:80", ""));
	assert_true(guard_origin_allowed(&s, false, "a.example:81", "http://a.example:81"));
	assert_true(guard_origin_allowed(&s, true, "a.example", "https://a.example"));
	assert_false(guard_origin_allowed(&s, true, "a.example", "http://a.example"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "https://a.example"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "http://a.example:81"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "http://b.example"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "null"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "http://a.example/x"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "http://a.example.evil"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "file://"));
	assert_false(guard_origin_allowed(&s, false, NULL, "http://a.example"));
	BW_PUT(s.origins[0], "https://b.example");
	assert_true(guard_origin_allowed(&s, false, "a.example", "https://b.example"));
	assert_false(guard_origin_allowed(&s, false, "a.example", "http://b.example"));
}

static void fetch_metadata_and_types(void **state _unused_)
{
	assert_true(guard_fetch_site_allowed(NULL));
	assert_true(guard_fetch_site_allowed("same-origin"));
	assert_true(guard_fetch_site_allowed("none"));
	assert_false(guard_fetch_site_allowed("same-site"));
	assert_false(guard_fetch_site_allowed("cross-site"));
	assert_true(guard_is_json("application/json"));
	assert_true(guard_is_json("Application/JSON; charset=utf-8"));
	assert_false(guard_is_json("text/plain"));
	assert_false(guard_is_json("application/jsonp"));
	assert_false(guard_is_json(""));
}

static void tokens_come_out_of_cookies(void **state _unused_)
{
	uint8_t token[BW_TOKEN_SIZE], got[BW_TOKEN_SIZE];
	char text[GUARD_TOKEN_TEXT + 1], header[512];

	for (size_t i = 0; i < sizeof(token); i++)
		token[i] = (uint8_t)(i * 7 + 1);
	guard_token_encode(token, text);
	snprintf(header, sizeof(header), "a=b; mdocker=%s ; c=d", text);
	assert_true(guard_cookie_token(header, "mdocker", got));
	assert_memory_equal(token, got, sizeof(token));
	snprintf(header, sizeof(header), "xmdocker=%s", text);
	assert_false(guard_cookie_token(header, "mdocker", got));
	snprintf(header, sizeof(header), "__Host-mdocker=%s", text);
	assert_false(guard_cookie_token(header, "mdocker", got));
	assert_true(guard_cookie_token(header, "__Host-mdocker", got));
	text[0] = 'G';
	snprintf(header, sizeof(header), "mdocker=%s", text);
	assert_false(guard_cookie_token(header, "mdocker", got));
	assert_false(guard_cookie_token("mdocker=", "mdocker", got));
	assert_false(guard_cookie_token("mdocker", "mdocker", got));
	assert_false(guard_cookie_token("; ;;", "mdocker", got));
	assert_false(guard_cookie_token("", "mdocker", got));
}

static void forwarded_addresses_count_from_the_right(void **state _unused_)
{
	struct bw_settings s = { 0 };
	char got[BW_ADDRESS_SIZE] = "";

	BW_PUT(s.proxies[0], "10.0.0.0/8");
	BW_PUT(s.proxies[1], "::1");
	assert_true(guard_is_proxy(&s, "10.1.2.3"));
	assert_true(guard_is_proxy(&s, "::ffff:10.1.2.3"));
	assert_true(guard_is_proxy(&s, "::1"));
	assert_false(guard_is_proxy(&s, "11.0.0.1"));
	assert_false(guard_is_proxy(&s, "x"));
	assert_true(guard_forwarded_for(&s, "6.6.6.6, 192.0.2.7, 10.0.0.9", got));
	assert_string_equal(got, "192.0.2.7");
	assert_true(guard_forwarded_for(&s, "192.0.2.8", got));
	assert_string_equal(got, "192.0.2.8");
	assert_false(guard_forwarded_for(&s, "unknown", got));
	assert_false(guard_forwarded_for(&s, "192.0.2.8, ", got));
	assert_false(guard_forwarded_for(&s, "10.0.0.1", got));
	assert_false(guard_forwarded_for(&s, "", got));
}

static void networks_are_24_and_64(void **state _unused_)
{
	char got[BW_ADDRESS_SIZE];

	guard_network("192.0.2.77", got);
	assert_string_equal(got, "192.0.2.0");
	guard_network("2001:db8:1:2:3:4:5:6", got);
	assert_string_equal(got, "2001:db8:1:2::");
	guard_network("?", got);
	assert_string_equal(got, "?");
}

static void names_and_paths(void **state _unused_)
{
	char param[8] = "";

	assert_true(guard_user_name_valid("alice"));
	assert_true(guard_user_name_valid("a.b_c-9"));
	assert_false(guard_user_name_valid("Alice"));
	assert_false(guard_user_name_valid("-rf"));
	assert_false(guard_user_name_valid("../x"));
	assert_false(guard_user_name_valid(""));
	assert_false(guard_user_name_valid("a23456789012345678901234567890123"));
	assert_true(guard_base_path_valid(""));
	assert_true(guard_base_path_valid("/a/b"));
	assert_false(guard_base_path_valid("/"));
	assert_false(guard_base_path_valid("a"));
	assert_false(guard_base_path_valid("/a/"));
	assert_false(guard_base_path_valid("/a//b"));
	assert_false(guard_base_path_valid("/../a"));
	assert_true(guard_cidr_valid("10.0.0.0/8"));
	assert_true(guard_cidr_valid("::1/128"));
	assert_false(guard_cidr_valid("10.0.0.0/33"));
	assert_false(guard_cidr_valid("10.0.0.0/"));
	assert_true(guard_path_matches("/api/x", "/api/x", param, sizeof(param)));
	assert_false(guard_path_matches("/api/x", "/api/x/", param, sizeof(param)));
	assert_false(guard_path_matches("/api/x", "/api", param, sizeof(param)));
	assert_true(guard_path_matches("/t/{}", "/t/12", param, sizeof(param)));
	assert_string_equal(param, "12");
	assert_false(guard_path_matches("/t/{}", "/t/", param, sizeof(param)));
	assert_false(guard_path_matches("/t/{}", "/t/1/2", param, sizeof(param)));
	assert_false(guard_path_matches("/t/{}", "/t/12345678", param, sizeof(param)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_loopback_names_literals_or_listed),
		cmocka_unit_test(origins_are_the_same_or_listed),
		cmocka_unit_test(fetch_metadata_and_types),
		cmocka_unit_test(tokens_come_out_of_cookies),
		cmocka_unit_test(forwarded_addresses_count_from_the_right),
		cmocka_unit_test(networks_are_24_and_64),
		cmocka_unit_test(names_and_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
