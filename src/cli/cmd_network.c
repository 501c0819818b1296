/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_network.c - `mdocker network`: what is connected, and the two verbs that the runtime's hooks
 * call. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/connect.h"
#include "json/json_read.h"
#include "network/network.h"
#include "base/poison.h"

enum { STATE_MAX = 1 << 20, DESCRIPTION_MAX = 16 << 20 };

static const struct args_option options[] = { ARGS_END };

static int inspect(struct engine *e, const char *name, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(DESCRIPTION_MAX);

	(void)name;
	if (network_describe(e->root, &text, err) < 0)
		return -1;
	puts(buf_str(&text));
	return 0;
}

static int print_row(struct engine *e, const struct json_node *item, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	const char *id = "", *address = "", *interface = "";
	struct md_error ignored = MD_ERROR_INIT;
	bool attached = false;

	if (json_get_string(item, "id", &id, err) < 0 ||
		json_get_string(item, "address", &address, err) < 0 ||
		json_get_string(item, "interface", &interface, err) < 0 ||
		json_get_bool(item, "attached", &attached, err) < 0)
		return -1;
	engine_find(e, id, &w, &ignored);
	printf("%-14s %-16s %-15s %-12s %-10s %s\n", id, w.name ? w.name : "", address, interface,
		attached ? "attached" : "-", w.egress ? w.egress : "");
	return 0;
}

static int list(struct engine *e, const char *name, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(DESCRIPTION_MAX);
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root, array, item;
	size_t count = 0;

	(void)name;
	if (network_describe(e->root, &text, err) < 0 ||
		json_parse(&doc, text.data, text.len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_array(&root, "workspaces", &array, &count, err) < 0)
		return -1;
	printf("%-14s %-16s %-15s %-12s %-10s %s\n", "WORKSPACE", "NAME", "ADDRESS", "INTERFACE",
		"STATE", "EGRESS");
	for (size_t i = 0; i < count; i++) {
		json_item(&array, i, &item);
		if (print_row(e, &item, err) < 0)
			return -1;
	}
	return 0;
}

static int reload(struct engine *e, const char *name, struct md_error *err)
{
	(void)name;
	return network_reload(e->root, err);
}

static int restore(struct engine *e, const char *name, struct md_error *err)
{
	(void)name;
	return network_restore(e->root, err);
}

static int remove_all(struct engine *e, const char *name, struct md_error *err)
{
	(void)name;
	return network_remove(e->root, err);
}

/* The network namespace of the container whose state (OCI runtime specification, "State") stands on
 * our input. */
static int open_netns(struct md_error *err)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_free_ char *text = NULL;
	struct json_node root;
	char path[64];
	int64_t pid = 0;
	size_t len;
	int fd;

	if (fd_read_to_end(STDIN_FILENO, STATE_MAX, &text, &len) < 0)
		return md_fail_errno(err, "read the container's state");
	if (json_parse(&doc, text, len, err) < 0 || json_root(&doc, &root, err) < 0 ||
		json_get_i64(&root, "pid", 1, INT32_MAX, &pid, err) < 0)
		return md_wrap(err, "the container's state");
	if (!pid)
		return md_fail(err, ESRCH, "the container's state names no process");
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? md_fail_errno(err, "'%s'", path) : fd;
}

static int attach(struct engine *e, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_close_ int netns = -1;

	if (engine_find(e, name, &w, err) < 0)
		return -1;
	netns = open_netns(err);
	return netns < 0 ? -1 : connect_attach(e, &w, netns, err);
}

static int detach(struct engine *e, const char *name, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;

	if (engine_find(e, name, &w, err) < 0)
		return -1;
	return connect_detach(e, &w, err);
}

static const struct verb {
	const char *name;
	bool needs_workspace;
	int (*run)(struct engine *e, const char *workspace, struct md_error *err);
} verbs[] = {
	{ "ls", false, list },
	{ "inspect", false, inspect },
	{ "reload", false, reload },
	{ "restore", false, restore },
	{ "rm", false, remove_all },
	{ "attach", true, attach },
	{ "detach", true, detach },
};

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	const struct verb *verb = NULL;
	struct md_error err = MD_ERROR_INIT;
	int count, none, code = cli_parse(c, &none, argc, argv, false, 1, 2, &count);

	if (code >= 0)
		return code;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (str_eq(verbs[i].name, argv[0]))
			verb = &verbs[i];
	}
	if (!verb)
		return cli_usage(c, "'%.40s' is no verb of `network`", argv[0]);
	if (verb->needs_workspace != (count == 2))
		return cli_usage(c, "`network %s` takes %s", verb->name,
			verb->needs_workspace ? "a workspace" : "nothing more");
	if (engine_open(&e, cli_engine_options(), &err) < 0 || verb->run(&e, argv[1], &err) < 0)
		return cli_fail(&err, 1);
	return 0;
}

const struct args_command cmd_network = {
	.name = "network",
	.summary = "Show and maintain the network of workspaces",
	.usage = "network ls | inspect | reload | restore | rm | attach WORKSPACE | detach "
		 "WORKSPACE",
	.verbs = "ls inspect reload restore rm attach detach",
	.text = "ls       addresses and policies\n"
		"inspect  the same and counters, as JSON\n"
		"reload   put our firewall rules back, as after a flush of the host's\n"
		"restore  the same if they are missing and needed: what the server does by itself\n"
		"rm       remove bridges and rules; no workspace may be attached\n"
		"attach and detach are called by the runtime, with the container's state as input.",
	.options = options,
	.run = run,
};
