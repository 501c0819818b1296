/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "server/config.h"
#include "server/public_url.h"
#include "server/templates.h"

static int read_words(
	struct server_config *c, struct md_error *err, int argc, const char *const *words)
{
	static char *argv[16];

	for (int i = 0; i < argc; i++)
		argv[i] = (char *)words[i];
	argv[argc] = NULL;
	return config_read(c, argc, argv, err);
}

#define READ(c, err, ...)                                                                          \
	read_words(c, err, (int)ARRAY_SIZE(((const char *const[]){ "mdockerd", __VA_ARGS__ })),    \
		(const char *const[]){ "mdockerd", __VA_ARGS__ })

static int settle(const struct server_config *c, struct bw_settings *s, struct md_error *err)
{
	struct listen_address at;

	return config_parse_listen(c->listen, &at, err) < 0 ? -1 : config_settle(c, &at, s, err);
}

static void listening_addresses(void **state _unused_)
{
	struct listen_address at;

	assert_int_equal(config_parse_listen("127.0.0.1:8080", &at, NULL), 0);
	assert_true(at.loopback);
	assert_int_equal(at.port, 8080);
	assert_int_equal(config_parse_listen("[::1]:0", &at, NULL), 0);
	assert_string_equal(at.host, "::1");
	assert_true(at.loopback);
	assert_int_equal(config_parse_listen("0.0.0.0:80", &at, NULL), 0);
	assert_false(at.loopback);
	assert_int_equal(config_parse_listen("8080", &at, NULL), -1);
	assert_int_equal(config_parse_listen(":80", &at, NULL), -1);
	assert_int_equal(config_parse_listen("::1:80", &at, NULL), -1);
	assert_int_equal(config_parse_listen("localhost:65536", &at, NULL), -1);
	assert_int_equal(config_parse_listen("localhost:", &at, NULL), -1);
}

static void what_is_unsafe_is_refused_with_the_way_out(void **state _unused_)
{
	struct server_config c;
	struct bw_settings s;
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(READ(&c, &err, "--listen", "0.0.0.0:80"), 0);
	assert_int_equal(settle(&c, &s, &err), -1);
	assert_non_null(strstr(err.msg, "--insecure-http"));
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--listen=0.0.0.0:80", "--insecure-http", "--demo"), 0);
	assert_int_equal(settle(&c, &s, &err), -1);
	assert_non_null(strstr(err.msg, "--demo-anywhere"));
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--tls-cert", "x"), 0);
	assert_int_equal(settle(&c, &s, &err), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--allow-origin", "example.org"), 0);
	assert_int_equal(settle(&c, &s, &err), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--idle", "0"), 0);
	assert_int_equal(settle(&c, &s, &err), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "extra"), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--nonsense"), -1);
	config_done(&c);
}

static void lists_and_base_path_reach_the_settings(void **state _unused_)
{
	struct server_config c;
	struct bw_settings s;
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(READ(&c, &err, "--allow-origin", "https://a.example", "--allow-origin",
				 "http://b.example:81", "--allow-host", "a.example", "--base-path",
				 "/sh", "--trusted-proxy", "10.0.0.0/8"),
		0);
	assert_int_equal(settle(&c, &s, &err), 0);
	assert_string_equal(s.origins[1], "http://b.example:81");
	assert_string_equal(s.hosts[0], "a.example");
	assert_string_equal(s.proxies[0], "10.0.0.0/8");
	assert_string_equal(s.base_path, "/sh");
	assert_int_equal(s.idle_seconds, 1800);
	config_done(&c);
}

static void options_of_workspaces_are_checked_at_the_start(void **state _unused_)
{
	struct server_config c;
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(
		READ(&c, &err, "--workspace", "memory=512m", "--workspace", "network=bridge"), 0);
	assert_string_equal(c.workspace.items[0], "--memory=512m");
	assert_string_equal(c.workspace.items[1], "--network=bridge");
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--workspace", "owner=root"), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--workspace", "memory"), -1);
	assert_string_equal(
		err.msg, "workspace 'memory': expected NAME=VALUE, such as memory=512m");
	config_done(&c);
}

static void ini_lines_set_options_and_errors_name_the_line(void **state _unused_)
{
	struct server_config c = { 0 };
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(config_parse_ini(&c,
				 "[server]\nlisten = 127.0.0.1:99\ndemo = yes\nidle=60\n"
				 "allow-host = a\nallow-host = b\n",
				 "x.ini", &err),
		0);
	assert_string_equal(c.listen, "127.0.0.1:99");
	assert_true(c.demo);
	assert_int_equal(c.idle_seconds, 60);
	assert_int_equal(c.hosts.count, 2);
	assert_int_equal(config_parse_ini(&c, "[server]\n\nnonsense = 1\n", "x.ini", &err), -1);
	assert_string_equal(err.msg, "x.ini: line 3: unknown option 'nonsense'");
	assert_int_equal(config_parse_ini(&c, "[server]\ndemo = perhaps\n", "x.ini", &err), -1);
	assert_int_equal(config_parse_ini(&c, "demo = yes\n", "x.ini", &err), -1);
	assert_int_equal(config_parse_ini(&c, "[server]\nrole = web\n", "x.ini", &err), -1);
	assert_int_equal(config_parse_ini(&c, "[server\n", "x.ini", &err), -1);
	config_done(&c);
}

static void a_users_template_goes_before_the_groups_and_that_before_everybodys(
	void **state _unused_)
{
	struct server_config c;
	struct md_error err = MD_ERROR_INIT;

	assert_int_equal(
		READ(&c, &err, "--template=plain", "--template=@class=exam", "--template=carol=big",
			"--template=@class=later", "--group=class=alice, carol",
			"--group=class=dave", "--group=x=bob"),
		0);
	assert_string_equal(templates_find(&c.templates, &c.groups, "carol"), "big");
	assert_string_equal(templates_find(&c.templates, &c.groups, "alice"), "exam");
	assert_string_equal(templates_find(&c.templates, &c.groups, "dave"), "exam");
	assert_string_equal(templates_find(&c.templates, &c.groups, "bob"), "plain");
	assert_string_equal(templates_find(&c.templates, &c.groups, "ali"), "plain");
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--template=@class=exam"), -1);
	assert_non_null(strstr(err.msg, "no such group"));
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--template=alice="), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--group=class"), -1);
	config_done(&c);
	assert_int_equal(READ(&c, &err, "--listen=127.0.0.1:0"), 0);
	assert_null(templates_find(&c.templates, &c.groups, "alice"));
	config_done(&c);
}

static void public_addresses(void **state _unused_)
{
	static const char *const bad[] = { "", "shell.example", "ftp://a", "https://", "https:///x",
		"https://a:b", "https://a:1:2", "https://u@a", "https://a/x y", "https://a/../b",
		"https://a/x?y", "https://[::1", "https://a:99999" };
	static const struct {
		const char *text, *authority, *host, *port, *path;
	} good[] = {
		{ "https://a.example", "a.example", "a.example", "443", "" },
		{ "https://a.example:443/", "a.example", "a.example", "443", "" },
		{ "http://a:8080/x/y/", "a:8080", "a", "8080", "/x/y" },
		{ "http://[::1]:81/x", "[::1]:81", "::1", "81", "/x" },
		{ "http://[::1]", "[::1]", "::1", "80", "" },
	};
	struct md_error err = MD_ERROR_INIT;
	struct public_url u;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(public_url_parse(bad[i], &u, &err), -1);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(public_url_parse(good[i].text, &u, &err), 0);
		assert_string_equal(u.authority, good[i].authority);
		assert_string_equal(u.host, good[i].host);
		assert_string_equal(u.port, good[i].port);
		assert_string_equal(u.path, good[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listening_addresses),
		cmocka_unit_test(public_addresses),
		cmocka_unit_test(what_is_unsafe_is_refused_with_the_way_out),
		cmocka_unit_test(lists_and_base_path_reach_the_settings),
		cmocka_unit_test(options_of_workspaces_are_checked_at_the_start),
		cmocka_unit_test(
			a_users_template_goes_before_the_groups_and_that_before_everybodys),
		cmocka_unit_test(ini_lines_set_options_and_errors_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
