/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "server/guard.h"
#include "server/public_url.h"
#include "server/templates.h"
#include "base/poison.h"

enum { CONFIG_MAX_BYTES = 65536 };

#define OPTION(option, field, is, arg, text)                                                       \
	{                                                                                          \
		.name = (option), .kind = (is), .offset = offsetof(struct server_config, field),   \
		.argument = (arg), .help = (text)                                                  \
	}

/* clang-format off */
const struct args_option server_options[] = {
	OPTION("listen", listen, ARGS_STRING, "HOST:PORT", "where to listen (default 127.0.0.1:8080)"),
	OPTION("root", root, ARGS_STRING, "DIR", "what is kept (default /var/lib/minidocker)"),
	OPTION("state", state, ARGS_STRING, "DIR", "what ends with a reboot (default /run/minidocker)"),
	OPTION("assets", assets, ARGS_STRING, "DIR", "the built page (default: found beside this program)"),
	OPTION("mdocker", mdocker, ARGS_STRING, "PATH", "the mdocker program (default: found beside this program)"),
	OPTION("config", config_file, ARGS_STRING, "FILE", "read options from an ini file"),
	OPTION("demo", demo, ARGS_FLAG, NULL, "accounts alice/password, bob/password, admin/admin; loopback only"),
	OPTION("demo-anywhere", demo_anywhere, ARGS_FLAG, NULL, "let --demo listen beyond loopback"),
	OPTION("allow-origin", origins, ARGS_LIST, "ORIGIN", "a further origin that pages may come from"),
	OPTION("workspace", workspace, ARGS_LIST, "NAME=VALUE",
		"of a new workspace: image, network, memory... as the options of `mdocker workspace open`"),
	OPTION("template", templates, ARGS_LIST, "[WHOSE=]NAME", "of new workspaces, all or WHOSE (USER or @GROUP): `mdocker template`"),
	OPTION("group", groups, ARGS_LIST, "GROUP=USER,...", "users who share a template"),
	OPTION("allow-host", hosts, ARGS_LIST, "NAME", "a name under which this server is asked for"),
	OPTION("trusted-proxy", proxies, ARGS_LIST, "CIDR", "a proxy whose X-Forwarded-For and -Proto count"),
	OPTION("base-path", base_path, ARGS_STRING, "/PATH", "serve below this path"),
	OPTION("public-url", public_url, ARGS_STRING, "URL",
		"what people type: its name and origin are allowed, `mdocker doctor` tries it"),
	OPTION("tls-cert", tls_cert, ARGS_STRING, "FILE", "certificate chain (PEM); read again on SIGHUP"),
	OPTION("tls-key", tls_key, ARGS_STRING, "FILE", "its private key (PEM)"),
	OPTION("insecure-http", insecure_http, ARGS_FLAG, NULL, "plain http beyond loopback"),
	OPTION("allow-images", allow_images, ARGS_FLAG, NULL,
		"the page may show images of programs (sixel): lets it compile WebAssembly"),
	OPTION("all-processors", all_processors, ARGS_FLAG, NULL,
		"busy workspaces may use them all, also while others work"),
	OPTION("idle", idle_seconds, ARGS_INT, "SECONDS", "a login ends after so long without activity (1800)"),
	OPTION("max-session", absolute_seconds, ARGS_INT, "SECONDS", "a login ends after so long (43200)"),
	OPTION("max-connections", connections_per_address, ARGS_INT, "N",
		"connections of one address without a login (32)"),
	OPTION("web-user", web_user, ARGS_STRING, "NAME", "user of the network-facing process"),
	OPTION("auth-user", auth_user, ARGS_STRING, "NAME", "user of the process with the accounts"),
	OPTION("verify-audit", verify_audit, ARGS_FLAG, NULL, "check the audit log below --root and end"),
	OPTION("check-url", check_url, ARGS_FLAG, NULL, "ask for --public-url as a browser would, say what is wrong, and end"),
	OPTION("role", role, ARGS_STRING, "ROLE", "internal"),
	{ .name = "help", .letter = 'h', .kind = ARGS_FLAG, .offset = offsetof(struct server_config, help),
		.help = "this text" },
	OPTION("version", version, ARGS_FLAG, NULL, "the version"),
	ARGS_END,
};
/* clang-format on */

static const struct server_config defaults = {
	.listen = "127.0.0.1:8080",
	.root = "/var/lib/minidocker",
	.state = "/run/minidocker",
	.base_path = "",
	.web_user = "minidocker-web",
	.auth_user = "minidocker-auth",
	.idle_seconds = 1800,
	.absolute_seconds = 43200,
	.connections_per_address = 32,
};

void config_done(struct server_config *c)
{
	strv_done(&c->origins);
	strv_done(&c->hosts);
	strv_done(&c->proxies);
	strv_done(&c->workspace);
	strv_done(&c->templates);
	strv_done(&c->groups);
	strv_done(&c->kept);
}

struct ini_target {
	struct server_config *config;
	const char *file;
	struct md_error *err;
};

static const struct args_option *find_option(const char *name)
{
	for (const struct args_option *o = server_options; o->name; o++) {
		/* What makes sense on a command line only. */
		if (str_eq(name, o->name) && !str_eq(name, "config") && !str_eq(name, "role") &&
			!str_eq(name, "help") && !str_eq(name, "version") &&
			!str_eq(name, "verify-audit") && !str_eq(name, "check-url"))
			return o;
	}
	return NULL;
}

static int set_flag(bool *field, const char *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(value, words[i]) == 0) {
			*field = i & 1;
			return 0;
		}
	}
	return -1;
}

static int set_option(struct server_config *c, const struct args_option *o, const char *value)
{
	void *field = (char *)c + o->offset;

	switch (o->kind) {
	case ARGS_FLAG:
		return set_flag(field, value);
	case ARGS_STRING:
		if (strv_add(&c->kept, value) < 0)
			return -1;
		*(const char **)field = c->kept.items[c->kept.count - 1];
		return 0;
	case ARGS_LIST:
		return strv_add(field, value);
	case ARGS_INT:
		return str_to_i64(value, INT64_MIN, INT64_MAX, field);
	case ARGS_SIZE:
		return str_to_size(value, field);
	case ARGS_SETTING:
		break; /* none in this table */
	}
	return -1;
}

/* inih's callback: 1 goes on, 0 notes the line as an error. The first message stays. */
static int on_ini_value(void *data, const char *section, const char *name, const char *value)
{
	struct ini_target *t = data;
	const struct args_option *o = find_option(name);

	if (t->err->code)
		return 0;
	if (!str_eq(section, "server"))
		md_fail(t->err, EINVAL, "'%s' stands outside of the section [server]", name);
	else if (!o)
		md_fail(t->err, EINVAL, "unknown option '%s'", name);
	else if (set_option(t->config, o, value) < 0)
		md_fail(t->err, EINVAL, "'%s' can't be '%s'", name, value);
	return t->err->code == 0;
}

int config_parse_ini(
	struct server_config *c, const char *text, const char *name, struct md_error *err)
{
	struct md_error found = MD_ERROR_INIT;
	struct ini_target t = { .config = c, .file = name, .err = &found };
	int line = ini_parse_string(text, on_ini_value, &t);

	if (line == 0)
		return 0;
	if (line < 0 || !found.code)
		return md_fail(err, EINVAL, "%s: line %d can't be read", name, MD_MAX(line, 0));
	return md_fail(err, EINVAL, "%s: line %d: %s", name, line, found.msg);
}

static int read_file(struct server_config *c, const char *path, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(AT_FDCWD, path, CONFIG_MAX_BYTES, &text, &len) < 0)
		return md_fail_errno(err, "read the configuration '%s'", path);
	return config_parse_ini(c, text, path, err);
}

/* "memory=512m" becomes "--memory=512m"; what `mdocker workspace open` doesn't know is refused now, not at the first login. */
static int settle_workspace(struct strv *options, struct md_error *err)
{
	static const char *const known[] = { "image", "hostname", "profile", "template", "network",
		"egress", "memory", "memory-swap", "pids-limit", "cpus", "cpu-shares",
		"blkio-weight", "device-read-bps", "device-write-bps", "device-read-iops",
		"device-write-iops", "disk", "disk-inodes", "bandwidth", "record", "record-size",
		"record-total", "record-days", "ring", "scrollback" };

	if (options->count > CONFIG_MAX_WORKSPACE)
		return md_fail(
			err, E2BIG, "more than %d options of workspaces", CONFIG_MAX_WORKSPACE);
	for (size_t i = 0; i < options->count; i++) {
		const char *item = options->items[i];
		size_t len = strcspn(item, "="), k = 0;
		char *option;

		while (k < ARRAY_SIZE(known) &&
			(strlen(known[k]) != len || strncmp(known[k], item, len) != 0))
			k++;
		if (k == ARRAY_SIZE(known) || !item[len])
			return md_fail(err, EINVAL,
				"workspace '%s': expected NAME=VALUE, such as memory=512m", item);
		option = str_format("--%s", item);
		if (!option)
			return md_fail(err, ENOMEM, "no memory");
		free(options->items[i]);
		options->items[i] = option;
	}
	return 0;
}

/* Who comes by the public address names it in Host and Origin. */
static int settle_public_url(struct server_config *c, struct md_error *err)
{
	struct public_url u;

	if (!c->public_url || c->check_url)
		return 0;
	if (public_url_parse(c->public_url, &u, err) < 0)
		return md_wrap(err, "--public-url");
	if (strv_add(&c->hosts, u.authority) < 0 ||
		strv_addf(&c->origins, "%s://%s", u.tls ? "https" : "http", u.authority) < 0)
		return md_fail(err, ENOMEM, "no memory");
	return 0;
}

int config_read(struct server_config *c, int argc, char **argv, struct md_error *err)
{
	/* The command line is read twice: once for --config alone, then over what the file said. */
	struct server_config first = defaults;
	_auto_free_ char **copy = NULL;
	int operands = 0, r;

	*c = defaults;
	copy = calloc((size_t)argc + 1, sizeof(*copy));
	if (!copy)
		return md_fail(err, ENOMEM, "no memory");
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	r = args_parse(server_options, &first, argc, copy, false, &operands, err);
	config_done(&first);
	if (r < 0)
		return -1;
	if (operands)
		return md_fail(err, EINVAL, "'%s': mdockerd takes options only", copy[0]);
	if (first.config_file && read_file(c, first.config_file, err) < 0)
		return -1;
	if (args_parse(server_options, c, argc, argv, false, &operands, err) < 0)
		return -1;
	if (settle_public_url(c, err) < 0 || templates_check(&c->templates, &c->groups, err) < 0)
		return -1;
	return settle_workspace(&c->workspace, err);
}

int config_parse_listen(const char *text, struct listen_address *ret, struct md_error *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	struct listen_address at = { 0 };
	uint64_t port;

	if (!colon || len == 0 || str_to_u64(colon + 1, UINT16_MAX, &port) < 0)
		return md_fail(err, EINVAL, "--listen '%s': expected HOST:PORT", text);
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return md_fail(err, EINVAL, "--listen '%s': an IPv6 address wants brackets", text);
	}
	if (len == 0 || len >= sizeof(at.host))
		return md_fail(err, EINVAL, "--listen '%s': expected HOST:PORT", text);
	memcpy(at.host, text, len);
	at.port = (uint16_t)port;
	at.loopback = guard_host_is_loopback(at.host);
	*ret = at;
	return 0;
}

static int check_safety(
	const struct server_config *c, const struct listen_address *at, struct md_error *err)
{
	bool tls = c->tls_cert && c->tls_key;

	if (!c->tls_cert != !c->tls_key)
		return md_fail(err, EINVAL, "--tls-cert and --tls-key go together");
	if (!at->loopback && !tls && !c->insecure_http)
		return md_fail(err, EINVAL,
			"--listen %s is not loopback: passwords would cross the network in clear; "
			"give "
			"--tls-cert and --tls-key, or --insecure-http behind a proxy",
			c->listen);
	if (c->demo && !at->loopback && !c->demo_anywhere)
		return md_fail(err, EINVAL,
			"--demo has known passwords and listens on loopback only; --demo-anywhere "
			"overrides that");
	if (c->idle_seconds < 1 || c->absolute_seconds < c->idle_seconds ||
		c->absolute_seconds > 366 * 86400)
		return md_fail(err, EINVAL, "--idle and --max-session: from 1 second to a year");
	if (c->connections_per_address < 1 || c->connections_per_address > 100000)
		return md_fail(err, EINVAL, "--max-connections: from 1 to 100000");
	return 0;
}

/* Copies a list of patterns into the rows of a settings field; each must pass `valid`. */
static int put_list(const struct strv *from, char *rows, size_t row_size, const char *option,
	bool (*valid)(const char *), struct md_error *err)
{
	if (from->count > BW_MAX_PATTERNS)
		return md_fail(err, EINVAL, "--%s: at most %d of them", option, BW_MAX_PATTERNS);
	for (size_t i = 0; i < from->count; i++) {
		if (!valid(from->items[i]) || strlen(from->items[i]) >= row_size)
			return md_fail(
				err, EINVAL, "--%s '%s' can't be read", option, from->items[i]);
		broker_wire_put(rows + i * row_size, row_size, from->items[i]);
	}
	return 0;
}

int config_settle(const struct server_config *c, const struct listen_address *at,
	struct bw_settings *ret, struct md_error *err)
{
	struct bw_settings s = { .h.type = BW_SETTINGS };

	if (check_safety(c, at, err) < 0)
		return -1;
	if (!guard_base_path_valid(c->base_path) || strlen(c->base_path) >= sizeof(s.base_path))
		return md_fail(err, EINVAL, "--base-path '%s': expected /name", c->base_path);
	if (put_list(&c->origins, s.origins[0], sizeof(s.origins[0]), "allow-origin",
		    guard_origin_valid, err) < 0 ||
		put_list(&c->hosts, s.hosts[0], sizeof(s.hosts[0]), "allow-host", guard_host_valid,
			err) < 0 ||
		put_list(&c->proxies, s.proxies[0], sizeof(s.proxies[0]), "trusted-proxy",
			guard_cidr_valid, err) < 0)
		return -1;
	s.demo = c->demo;
	s.tls = c->tls_cert != NULL;
	s.loopback_only = at->loopback;
	s.images = c->allow_images;
	s.idle_seconds = (uint32_t)c->idle_seconds;
	s.absolute_seconds = (uint32_t)c->absolute_seconds;
	s.connections_per_address = (uint32_t)c->connections_per_address;
	BW_PUT(s.base_path, c->base_path);
	*ret = s;
	return 0;
}
