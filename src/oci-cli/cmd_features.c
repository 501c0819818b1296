/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_features.c - features.md of the specification: what this build knows, whatever the host has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "json/json_write.h"
#include "oci-cli/cli.h"
#include "oci/spec.h"
#include "runtime/seccomp.h"

#include "base/poison.h"

static const struct args_option options[] = { ARGS_END };

static void add_names(struct json_writer *w, const char *key, const char *const *names)
{
	json_add_strv(w, key, (char *const *)names);
}

static void add_enabled(struct json_writer *w, const char *key)
{
	json_object_begin(w, key);
	json_add_bool(w, "enabled", true);
	json_object_end(w);
}

static void add_cgroup(struct json_writer *w)
{
	json_object_begin(w, "cgroup");
	json_add_bool(w, "v1", true);
	json_add_bool(w, "v2", true);
	json_add_bool(w, "systemd", true);
	json_add_bool(w, "systemdUser", true);
	json_add_bool(w, "rdma", true);
	json_object_end(w);
}

static void add_seccomp(struct json_writer *w)
{
	json_object_begin(w, "seccomp");
	json_add_bool(w, "enabled", true);
	add_names(w, "actions", seccomp_action_names());
	add_names(w, "operators", seccomp_operator_names());
	add_names(w, "archs", seccomp_arch_names());
	add_names(w, "knownFlags", seccomp_flag_names(false));
	add_names(w, "supportedFlags", seccomp_flag_names(true));
	json_object_end(w);
}

static void add_linux(struct json_writer *w)
{
	json_object_begin(w, "linux");
	json_array_begin(w, "namespaces");
	for (int i = 0; i < OCI_NS_KINDS; i++)
		json_add_string(w, NULL, oci_ns_info[i].name);
	json_array_end(w);
	json_array_begin(w, "capabilities");
	for (int i = 0; i < oci_cap_count(); i++)
		json_add_string(w, NULL, oci_cap_name(i));
	json_array_end(w);
	add_cgroup(w);
	add_seccomp(w);
	add_enabled(w, "apparmor");
	add_enabled(w, "selinux");
	add_enabled(w, "intelRdt");
	json_object_begin(w, "mountExtensions");
	add_enabled(w, "idmap");
	json_object_end(w);
	add_enabled(w, "netDevices");
	json_object_end(w);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	_auto_buf_ struct buf text = BUF_INIT(64 * 1024);
	struct json_writer w = { .out = &text };
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	if (cli_parse_done(c, NULL, argc, argv, 0, 0, false, &count, &code))
		return code;
	json_object_begin(&w, NULL);
	json_add_string(&w, "ociVersionMin", "1.0.0");
	json_add_string(&w, "ociVersionMax", OCI_SPEC_VERSION);
	json_array_begin(&w, "hooks");
	for (int i = 0; i < OCI_HOOK_KINDS; i++)
		json_add_string(&w, NULL, oci_hook_kind_name((enum oci_hook_kind)i));
	json_array_end(&w);
	add_names(&w, "mountOptions", oci_mount_option_names());
	add_linux(&w);
	json_object_begin(&w, "annotations");
	json_add_string(&w, "io.github.minidocker.runtime.version", MD_VERSION);
	json_object_end(&w);
	json_add_strv(&w, "potentiallyUnsafeConfigAnnotations", NULL);
	json_object_end(&w);
	if (text.failed) {
		md_fail(&err, ENOMEM, "out of memory");
		return cli_fail(&err);
	}
	puts(buf_str(&text));
	return 0;
}

const struct args_command cmd_features = {
	.name = "features",
	.summary = "print what this runtime knows, as JSON",
	.usage = "features",
	.options = options,
	.run = run,
};
