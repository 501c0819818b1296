/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_profile.c - `mdocker profile show`: what a running workspace really has, read from its first
 * process, not from what was asked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/cgroups.h"
#include "engine/host.h"
#include "engine/idblock.h"
#include "engine/profile.h"
#include "base/poison.h"

enum { PROC_FILE_MAX = 1 << 20 };

static const char *const namespaces[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };

/* Lines of /proc/PID/status that are of interest, and what they are called here. */
static const struct status_line {
	const char *key, *name;
	bool capabilities;
} status_lines[] = {
	{ "CapBnd", "bounding", true },
	{ "CapPrm", "permitted", true },
	{ "CapEff", "effective", true },
	{ "CapInh", "inheritable", true },
	{ "CapAmb", "ambient", true },
	{ "NoNewPrivs", "no_new_privs", false },
	{ "Seccomp_filters", "seccomp filters", false },
};

/* By number, linux/capability.h. */
static const char *const capability_names[] = { "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH",
	"FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
	"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT",
	"SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE" };

struct profile_options {
	const char *profile;
};

static const struct args_option options[] = {
	{ "profile", 0, ARGS_STRING, offsetof(struct profile_options, profile), "NAME",
		"the document of this one" },
	ARGS_END,
};

static char *read_proc(pid_t pid, const char *file, struct md_error *err)
{
	_auto_free_ char *path = str_format("/proc/%d/%s", (int)pid, file);
	char *text = NULL;
	size_t len;

	if (!path || file_read(AT_FDCWD, path, PROC_FILE_MAX, &text, &len) < 0) {
		md_fail_errno(err, "/proc/%d/%s", (int)pid, file);
		return NULL;
	}
	return text;
}

static void print_namespaces(pid_t pid)
{
	printf("%-18s", "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		char path[64], theirs[64] = "", ours[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, namespaces[i]);
		if (readlink(path, theirs, sizeof(theirs) - 1) < 0)
			theirs[0] = '\0';
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		if (readlink(path, ours, sizeof(ours) - 1) < 0)
			ours[0] = '\0';
		printf("%s%s", namespaces[i], str_eq(theirs, ours) ? " (THE HOST'S) " : " ");
	}
	putchar('\n');
}

static void print_capabilities(const char *hex)
{
	uint64_t set = strtoull(hex, NULL, 16);

	if (!set)
		printf("none");
	for (size_t i = 0; i < 64; i++) {
		if (!(set & (UINT64_C(1) << i)))
			continue;
		if (i < ARRAY_SIZE(capability_names))
			printf("%s ", capability_names[i]);
		else
			printf("%zu ", i);
	}
	putchar('\n');
}

static int print_status(pid_t pid, struct md_error *err)
{
	_auto_free_ char *text = read_proc(pid, "status", err);

	if (!text)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(status_lines); i++) {
		_auto_free_ char *start = str_format("\n%s:\t", status_lines[i].key);
		const char *at = start ? strstr(text, start) : NULL;

		if (!at)
			continue;
		at += strlen(start);
		printf("%-18s", status_lines[i].name);
		if (status_lines[i].capabilities)
			print_capabilities(at);
		else
			printf("%.*s\n", (int)strcspn(at, "\n"), at);
	}
	return 0;
}

static void print_one_line(const char *text)
{
	bool blank = true;

	for (const char *at = text; *at; at++) {
		bool space = strchr(" \t\n", *at) != NULL;

		if (!space || (!blank && at[1]))
			putchar(space ? ' ' : *at);
		blank = space;
	}
	putchar('\n');
}

/* A small file of one or a few lines, on one line here. */
static int print_file(pid_t pid, const char *file, const char *name, struct md_error *err)
{
	_auto_free_ char *text = read_proc(pid, file, err);

	if (!text)
		return -1;
	printf("%-18s", name);
	print_one_line(text);
	return 0;
}

static int print_lines(pid_t pid, const char *file, const char *name, struct md_error *err)
{
	_auto_free_ char *text = read_proc(pid, file, err);
	char *rest = text, *line;

	if (!text)
		return -1;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		printf("%-18s", name);
		cli_print_safe(line, 0);
		putchar('\n');
		name = "";
	}
	return 0;
}

/* What its groups allow, by the kernel's names; a limit that they don't have isn't shown. */
static int print_cgroup_limits(const char *id, struct md_error *err)
{
	static const char *const files[] = { "memory.max", "memory.swap.max",
		"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "pids.max", "cpu.max",
		"cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.weight", "cpu.shares", "cpuset.cpus",
		"io.max", "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device" };
	_auto_strv_ struct strv mounts = STRV_INIT;
	const char *name = "cgroup limits";

	if (cgroups_mounts(&mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < mounts.count * ARRAY_SIZE(files); i++) {
		const char *file = files[i % ARRAY_SIZE(files)];
		_auto_free_ char *path = str_format("%s%s/%s/%s",
			mounts.items[i / ARRAY_SIZE(files)], PROFILE_CGROUP, id, file);
		_auto_free_ char *text = NULL;
		size_t len;

		if (!path || file_read(AT_FDCWD, path, PROC_FILE_MAX, &text, &len) < 0 ||
			!text[strspn(text, "\n")])
			continue;
		printf("%-18s%s ", name, file);
		print_one_line(text);
		name = "";
	}
	return 0;
}

static void print_kind(const struct workspace *w)
{
	const struct profile_kind *kind = profile_kind_find(w->profile, NULL);

	if (!kind)
		return;
	printf("%-18s%s: %s\n", "profile", kind->name, kind->summary);
	for (size_t i = 0; i < ARRAY_SIZE(kind->gives_up) && kind->gives_up[i]; i++)
		printf("%-18s%s\n", "GIVES UP", kind->gives_up[i]);
}

static void list(void)
{
	for (size_t k = 0; k < profile_kind_count; k++) {
		const struct profile_kind *kind = &profile_kinds[k];

		printf("%-10s%s\n", kind->name, kind->summary);
		for (size_t i = 0; i < ARRAY_SIZE(kind->gives_up) && kind->gives_up[i]; i++)
			printf("%-10sgives up %s\n", "", kind->gives_up[i]);
	}
}

static int show(const char *name, struct md_error *err)
{
	_auto_engine_ struct engine e = ENGINE_INIT;
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };

	if (engine_open(&e, cli_engine_options(), err) < 0 || engine_find(&e, name, &w, err) < 0 ||
		workspace_status(&e, &w, &s, err) < 0)
		return -1;
	if (s.init_pid <= 0)
		return md_fail(err, ESRCH,
			"workspace '%s' is not running: what it really has shows then", w.name);
	print_kind(&w);
	print_namespaces(s.init_pid);
	if (print_file(s.init_pid, "uid_map", "user ids", err) < 0 ||
		print_file(s.init_pid, "gid_map", "group ids", err) < 0 ||
		print_status(s.init_pid, err) < 0 ||
		print_file(s.init_pid, "oom_score_adj", "oom_score_adj", err) < 0 ||
		print_lines(s.init_pid, "cgroup", "cgroups", err) < 0 ||
		print_lines(s.init_pid, "limits", "limits", err) < 0 ||
		print_cgroup_limits(w.id, err) < 0)
		return -1;
	return print_lines(s.init_pid, "mounts", "mounts, masks", err);
}

/* What a workspace made without another option asks for, as the runtime gets it. */
static int show_document(const char *profile, struct md_error *err)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	_auto_(host_done) struct profile_host host = { .init = "mdocker-init",
		.bundle = "BUNDLE",
		.mdocker = "mdocker",
		.own_runtime = true };
	_auto_buf_ struct buf text = BUF_INIT(PROC_FILE_MAX);

	w.id_base = ID_BLOCK_FIRST;
	snprintf(w.id, sizeof(w.id), "ID");
	if (!profile_kind_find(profile, err))
		return -1;
	if (workspace_set(&w.profile, profile) < 0 || workspace_set(&w.hostname, "container") < 0 ||
		workspace_set(&w.network, "none") < 0)
		return md_fail_errno(err, "profile");
	if (host_describe(&host, err) < 0)
		return -1;
	profile_write_config(&w, &host, &text);
	if (text.failed)
		return md_fail(err, ENOMEM, "profile");
	fputs(buf_str(&text), stdout);
	return 0;
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct md_error err = MD_ERROR_INIT;
	int count;
	struct profile_options o = { .profile = NULL };
	int code = cli_parse(c, &o, argc, argv, false, 1, 2, &count);

	if (code >= 0)
		return code;
	if (str_eq(argv[0], "ls") && count == 1) {
		list();
		return 0;
	}
	if (!str_eq(argv[0], "show") || (count == 2 && o.profile))
		return cli_usage(c, "it is `profile ls` or `profile show [WORKSPACE]`");
	if ((count == 2 ? show(argv[1], &err) : show_document(o.profile, &err)) < 0)
		return cli_fail(&err, 1);
	return 0;
}

const struct args_command cmd_profile = {
	.name = "profile",
	.summary = "Show how a running workspace is really confined",
	.usage = "profile ls | show [WORKSPACE | --profile NAME]",
	.verbs = "ls show",
	.text = "`ls` lists the profiles and what each looser one gives up. `show WORKSPACE` is "
		"read from its\n"
		"first process: namespaces, ids, capabilities, filter, limits, mounts and masks. "
		"Without a\n"
		"workspace: a profile as the runtime gets it, as JSON.",
	.options = options,
	.run = run,
};
