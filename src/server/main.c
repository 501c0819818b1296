/* SPDX-License-Identifier: Apache-2.0 */
/* mdockerd: reads the command line and becomes the broker, or the role that a broker started it as. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/audit.h"
#include "server/broker_main.h"
#include "server/config.h"
#include "server/probe.h"
#include "server/role.h"
#include "base/poison.h"

static int help(void)
{
	printf("Usage: mdockerd [OPTIONS]\n\n"
	       "Serves shells in isolated workspaces to browsers. Runs as root; what talks to the\n"
	       "network and what knows the passwords are processes of their own without "
	       "privileges.\n\n"
	       "Options:\n");
	args_help(server_options);
	printf("\nIn the file of --config the same names stand under [server], one `name = value` "
	       "a line.\n"
	       "SIGHUP reads the certificate again; SIGTERM stops the server, never the "
	       "workspaces.\n");
	return 0;
}

static int verify_audit(const char *root)
{
	_auto_free_ char *folder = str_format("%s/auth", root);
	struct md_error err = MD_ERROR_INIT;
	uint64_t lines = 0;

	if (!folder || audit_verify(folder, &lines, &err) < 0) {
		log_error("audit log of %s: %s", root, err.msg);
		return 1;
	}
	printf("The audit log is whole: %" PRIu64 " lines.\n", lines);
	return 0;
}

int main(int argc, char **argv)
{
	struct server_config config;
	struct md_error err = MD_ERROR_INIT;
	char *self = argv[0]; /* reading the options moves the words about */

	log_init("mdockerd");
	if (config_read(&config, argc, argv, &err) < 0) {
		log_error("%s", err.msg);
		config_done(&config);
		return 2;
	}
	if (config.help)
		return help();
	if (config.version) {
		printf("mdockerd version %s\n", MD_VERSION);
		return 0;
	}
	if (config.verify_audit)
		return verify_audit(config.root);
	if (config.check_url)
		return probe_main(config.public_url);
	if (config.role) {
		if (str_eq(config.role, "auth"))
			return auth_main();
		if (str_eq(config.role, "web"))
			return web_main();
		log_error("there is no role '%s'", config.role);
		return 2;
	}
	return broker_main(&config, self);
}
