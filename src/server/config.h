/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what mdockerd was told: command line over configuration file over defaults. One table names the
 * options for both; in the file (ini) they stand as `name = value` in the section [server], lists one value a line.
 */
#ifndef MD_SERVER_CONFIG_H
#define MD_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/args.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/broker_wire.h"

enum { CONFIG_MAX_WORKSPACE = 32 };

struct server_config {
	const char *listen, *root, *state, *assets, *mdocker, *base_path, *tls_cert, *tls_key,
		*public_url;
	const char *web_user, *auth_user, *config_file, *role;
	struct strv origins, hosts, proxies;
	struct strv workspace;         /* "--memory=512m": for `mdocker workspace open` */
	struct strv templates, groups; /* templates.h */
	bool demo, demo_anywhere, insecure_http, allow_images, all_processors, verify_audit,
		check_url, help, version;
	int64_t idle_seconds, absolute_seconds, connections_per_address;
	struct strv kept; /* owns the strings that came from the file */
};

/* Where --listen points. `host` has no brackets. */
struct listen_address {
	char host[BW_TEXT_SIZE];
	uint16_t port;
	bool loopback;
};

extern const struct args_option server_options[];

/* Reads argv, and the file that --config names. The struct keeps pointers into argv. 0; or -1 with what is wrong and where. */
int config_read(struct server_config *c, int argc, char **argv, struct md_error *err);
void config_done(struct server_config *c);

/* Puts the lines of an ini file into *c. Pure but for memory; `name` is for messages. */
int config_parse_ini(
	struct server_config *c, const char *text, const char *name, struct md_error *err);

/* "127.0.0.1:8080", "[::1]:0", "localhost:80". */
int config_parse_listen(const char *text, struct listen_address *ret, struct md_error *err);

/* What contradicts itself or is unsafe (plain http beyond loopback, --demo beyond it, half a certificate), and the
 * fields of the settings that the other roles get. Ids, port and folders are the broker's to fill. */
int config_settle(const struct server_config *c, const struct listen_address *at,
	struct bw_settings *ret, struct md_error *err);

#endif
