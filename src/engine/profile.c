/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/profile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/idblock.h"
#include "base/poison.h"

static const char *const namespaces[] = {
	"user",
	"mount",
	"pid",
	"network",
	"ipc",
	"uts",
	"cgroup",
};

/* Bounding, permitted and effective; inheritable and ambient are always empty. */
static const char *const capabilities[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_SETFCAP",
	"CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT",
	"CAP_AUDIT_WRITE",
};

static const struct profile_rlimit {
	const char *type;
	uint64_t soft, hard;
} rlimits[] = {
	{ "RLIMIT_NOFILE", 1024, 16384 },
	{ "RLIMIT_CORE", 0, 0 },
	{ "RLIMIT_MEMLOCK", 8 << 20, 8 << 20 },
	{ "RLIMIT_MSGQUEUE", 819200, 819200 },
	{ "RLIMIT_SIGPENDING", 4096, 4096 },
	{ "RLIMIT_NICE", 0, 0 },
	{ "RLIMIT_RTPRIO", 0, 0 },
};

/* Every tmpfs has a size and a number of inodes: 200,000 empty files need no byte of the size. */
static const struct profile_mount {
	const char *target, *type, *source;
	const char *options; /* joined by commas */
} mounts[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,noexec,strictatime,mode=755,size=1m,nr_inodes=256" },
	{ "/dev/pts", "devpts", "devpts",
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5,max=64" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,nodev,noexec,mode=1777,size=64m,nr_inodes=4096" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
	{ "/tmp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777,size=64m,nr_inodes=8192" },
	{ "/run", "tmpfs", "tmpfs", "nosuid,nodev,mode=755,size=16m,nr_inodes=2048" },
	{ "/mytemp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777,size=64m,nr_inodes=8192" },
};

static const struct profile_mount host_sys = { "/sys", "bind", "/sys",
	"rbind,ro,nosuid,noexec,nodev,rprivate" };

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/key-users",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/kallsyms",
	"/proc/iomem",
	"/proc/ioports",
	"/proc/kpagecount",
	"/proc/kpageflags",
	"/proc/config.gz",
	"/proc/cmdline",
	"/proc/diskstats",
	"/proc/partitions",
	"/sys/firmware",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	"/sys/kernel/security",
	"/sys/kernel/notes",
	"/sys/kernel/vmcoreinfo",
	"/sys/kernel/btf",
	"/sys/fs/bpf",
	"/sys/fs/pstore",
	"/sys/hypervisor",
	"/sys/devices/virtual/powercap",
	"/sys/devices/virtual/dmi",
};

static const char *const readonly_paths[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

/* Written inside the container's namespaces. `kernel`: since when the namespace has its own and its
 * root may write it. */
static const struct profile_sysctl {
	const char *key, *value;
	int kernel;
	bool own_runtime_only; /* others refuse what they don't know to be namespaced */
} sysctls[] = {
	{ "net.ipv4.ping_group_range", "0 65535", 0, false },
	{ "kernel.msgmax", "8192", 519, false },
	{ "kernel.msgmnb", "16384", 519, false },
	{ "kernel.msgmni", "64", 519, false },
	{ "kernel.sem", "250 8000 32 64", 519, false },
	{ "kernel.shmall", "16384", 519, false },
	{ "kernel.shmmax", "67108864", 519, false },
	{ "kernel.shmmni", "64", 519, false },
	{ "kernel.pid_max", "32768", 614, true },
	{ "user.max_user_namespaces", "0", 0, true },
	{ "user.max_inotify_instances", "128", 0, true },
};

enum { OOM_SCORE_ADJ = 500, HOOK_TIMEOUT_S = 30 };

/* An unknown name is refused where documents are read; here it would be the default. */
static unsigned int traits_of(const struct workspace *ws)
{
	const struct profile_kind *kind = profile_kind_find(ws->profile, NULL);

	return kind ? kind->traits : 0;
}

static void write_strings(
	struct json_writer *w, const char *key, const char *const *items, size_t count)
{
	json_array_begin(w, key);
	for (size_t i = 0; i < count; i++)
		json_add_string(w, NULL, items[i]);
	json_array_end(w);
}

/* "a,b,c" as an array of strings. */
static void write_split(struct json_writer *w, const char *key, const char *joined)
{
	const char *at = joined;

	json_array_begin(w, key);
	while (*at) {
		size_t len = strcspn(at, ",");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		json_add_string(w, NULL, word);
		at += len + (at[len] == ',');
	}
	json_array_end(w);
}

static void write_mount(struct json_writer *w, const char *target, const char *type,
	const char *source, const char *options)
{
	json_object_begin(w, NULL);
	json_add_string(w, "destination", target);
	json_add_string(w, "type", type);
	json_add_string(w, "source", source);
	write_split(w, "options", options);
	json_object_end(w);
}

static bool on_bridge(const struct workspace *ws)
{
	return ws->network && str_eq(ws->network, "bridge");
}

static bool on_host_network(const struct workspace *ws)
{
	return ws->network && str_eq(ws->network, "host");
}

static void write_resolv_conf(struct json_writer *w, const struct profile_host *h)
{
	_auto_free_ char *source = str_format("%s/resolv.conf", h->bundle);

	if (!source)
		w->out->failed = true;
	else
		write_mount(w, "/etc/resolv.conf", "bind", source,
			"bind,ro,nosuid,nodev,noexec,rprivate");
}

static void write_mounts(
	struct json_writer *w, const struct workspace *ws, const struct profile_host *h)
{
	json_array_begin(w, "mounts");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		const struct profile_mount *m = &mounts[i];

		/* sysfs shows a network namespace, and only its owner may mount it. */
		if (on_host_network(ws) && str_eq(m->type, "sysfs"))
			m = &host_sys;
		write_mount(w, m->target, m->type, m->source, m->options);
	}
	if (on_bridge(ws))
		write_resolv_conf(w, h);
	write_mount(w, PROFILE_INIT_PATH, "bind", h->init, "bind,ro,nosuid,nodev,rprivate");
	for (size_t i = 0; i < ws->volumes.count; i++) {
		const struct volume *v = &ws->volumes.items[i];
		_auto_free_ char *source = str_format("%s/volumes/%zu", h->bundle, i);

		if (!source)
			w->out->failed = true;
		else
			write_mount(w, v->target, "bind", source,
				v->read_only ? "rbind,ro,nosuid,nodev,rprivate"
					     : "rbind,rw,nosuid,nodev,rprivate");
	}
	json_array_end(w);
}

static void write_capabilities(struct json_writer *w, unsigned int traits)
{
	size_t count = traits & PROFILE_NO_CAPABILITIES ? 0 : ARRAY_SIZE(capabilities);

	static const char *const full[] = { "bounding", "permitted", "effective" };
	static const char *const empty[] = { "inheritable", "ambient" };

	json_object_begin(w, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(full); i++)
		write_strings(w, full[i], capabilities, count);
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		write_strings(w, empty[i], NULL, 0);
	json_object_end(w);
}

static void write_rlimits(struct json_writer *w)
{
	json_array_begin(w, "rlimits");
	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
		json_object_begin(w, NULL);
		json_add_string(w, "type", rlimits[i].type);
		json_add_u64(w, "hard", rlimits[i].hard);
		json_add_u64(w, "soft", rlimits[i].soft);
		json_object_end(w);
	}
	json_array_end(w);
}

/* What every process of a workspace has in common, whether it is PID 1 or a terminal's. */
static void write_confinement(struct json_writer *w, unsigned int traits)
{
	write_capabilities(w, traits);
	write_rlimits(w);
	json_add_bool(w, "noNewPrivileges", !(traits & PROFILE_NEW_PRIVILEGES));
	json_add_i64(w, "oomScoreAdj", OOM_SCORE_ADJ);
}

static void write_user(struct json_writer *w, const struct user_ids *user)
{
	json_object_begin(w, "user");
	json_add_u64(w, "uid", user->uid);
	json_add_u64(w, "gid", user->gid);
	json_array_begin(w, "additionalGids");
	for (size_t i = 0; i < user->group_count; i++)
		json_add_u64(w, NULL, user->groups[i]);
	json_array_end(w);
	json_object_end(w);
}

static void write_env(struct json_writer *w, const struct strv *env, const char *home)
{
	_auto_free_ char *pair = str_format("HOME=%s", home);

	json_array_begin(w, "env");
	for (size_t i = 0; i < env->count; i++)
		json_add_string(w, NULL, env->items[i]);
	if (!strv_env_get(env, "HOME"))
		json_add_string(w, NULL, pair);
	json_array_end(w);
	if (!pair)
		w->out->failed = true;
}

static void write_init(struct json_writer *w, unsigned int traits)
{
	static char *const args[] = { (char *)PROFILE_INIT_PATH, NULL };
	static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	static const struct user_ids root = { .home = "/" };

	json_object_begin(w, "process");
	json_add_bool(w, "terminal", false);
	write_user(w, &root);
	json_add_strv(w, "args", args);
	json_add_strv(w, "env", env);
	json_add_string(w, "cwd", "/");
	write_confinement(w, traits);
	json_object_end(w);
}

void profile_write_process(const struct workspace *ws, const struct user_ids *user, struct buf *out)
{
	struct json_writer w = { .out = out };
	/* A person arrives at home, unless the image says where. */
	bool home = ws->kind == WORKSPACE_USER && str_eq(ws->cwd, "/") && user->home_exists;

	json_object_begin(&w, NULL);
	json_add_bool(&w, "terminal", ws->terminal);
	write_user(&w, user);
	json_add_strv(&w, "args", ws->args.items);
	write_env(&w, &ws->env, user->home);
	json_add_string(&w, "cwd", home ? user->home : ws->cwd);
	write_confinement(&w, traits_of(ws));
	json_object_end(&w);
	buf_add_char(out, '\n');
}

static void write_id_map(struct json_writer *w, const char *key, uint32_t base)
{
	json_array_begin(w, key);
	json_object_begin(w, NULL);
	json_add_u64(w, "containerID", 0);
	json_add_u64(w, "hostID", base);
	json_add_u64(w, "size", ID_BLOCK_SIZE);
	json_object_end(w);
	json_array_end(w);
}

static void write_huge_pages(struct json_writer *w, const struct strv *sizes)
{
	json_array_begin(w, "hugepageLimits");
	for (size_t i = 0; i < sizes->count; i++) {
		json_object_begin(w, NULL);
		json_add_string(w, "pageSize", sizes->items[i]);
		json_add_u64(w, "limit", 0);
		json_object_end(w);
	}
	json_array_end(w);
}

static void write_resources(
	const struct limits *l, const struct profile_host *h, struct json_writer *w)
{
	json_object_begin(w, "resources");
	profile_write_limits(l, &h->ground, w);
	/* Others look for the controller in v1 only, and fail on a hybrid host. */
	if (h->own_runtime && h->huge_pages.count)
		write_huge_pages(w, &h->huge_pages);
	json_array_begin(w, "devices");
	json_object_begin(w, NULL);
	json_add_bool(w, "allow", false);
	json_add_string(w, "access", "rwm");
	json_object_end(w);
	json_array_end(w);
	json_object_end(w);
}

/* Namespaces of each kind in a workspace that may make any. */
static void write_nested_limits(struct json_writer *w, const struct profile_host *h)
{
	static const char *const kinds[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };
	char key[48];

	for (size_t i = 0; h->own_runtime && i < ARRAY_SIZE(kinds); i++) {
		snprintf(key, sizeof(key), "user.max_%s_namespaces", kinds[i]);
		json_add_string(w, key, "64");
	}
}

static void write_sysctls(
	struct json_writer *w, const struct workspace *ws, const struct profile_host *h)
{
	json_object_begin(w, "sysctl");
	for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
		if (on_host_network(ws) && str_starts(sysctls[i].key, "net."))
			continue;
		if ((traits_of(ws) & PROFILE_NESTED_NAMESPACES) &&
			str_eq(sysctls[i].key, "user.max_user_namespaces")) {
			write_nested_limits(w, h);
			continue;
		}
		if (h->kernel < sysctls[i].kernel ||
			(sysctls[i].own_runtime_only && !h->own_runtime))
			continue;
		json_add_string(w, sysctls[i].key, sysctls[i].value);
	}
	json_object_end(w);
}

static void write_masked_paths(struct json_writer *w, int cpus)
{
	char path[80];

	json_array_begin(w, "maskedPaths");
	for (size_t i = 0; i < ARRAY_SIZE(masked_paths); i++)
		json_add_string(w, NULL, masked_paths[i]);
	for (int i = 0; i < cpus; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/thermal_throttle", i);
		json_add_string(w, NULL, path);
	}
	json_array_end(w);
}

static void write_linux(
	struct json_writer *w, const struct workspace *ws, const struct profile_host *h)
{
	_auto_free_ char *cgroup = str_format("%s/%s", PROFILE_CGROUP, ws->id);

	if (!cgroup)
		w->out->failed = true;
	json_object_begin(w, "linux");
	json_array_begin(w, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		if (on_host_network(ws) && str_eq(namespaces[i], "network"))
			continue;
		json_object_begin(w, NULL);
		json_add_string(w, "type", namespaces[i]);
		json_object_end(w);
	}
	json_array_end(w);
	write_id_map(w, "uidMappings", ws->id_base);
	write_id_map(w, "gidMappings", ws->id_base);
	json_add_string(w, "cgroupsPath", cgroup);
	write_resources(&ws->limits, h, w);
	write_sysctls(w, ws, h);
	write_masked_paths(w, h->cpus);
	write_strings(w, "readonlyPaths", readonly_paths, ARRAY_SIZE(readonly_paths));
	json_add_string(w, "rootfsPropagation", "private");
	profile_write_seccomp(w, "seccomp", traits_of(ws));
	json_object_end(w);
}

/* `mdocker network VERB ID`, with the container's state on its input. */
static void write_hook(struct json_writer *w, const char *kind, const char *verb,
	const struct workspace *ws, const struct profile_host *h)
{
	char *args[] = { (char *)"mdocker", (char *)"--root", (char *)h->root, (char *)"--state",
		(char *)h->state, (char *)"network", (char *)verb, (char *)ws->id, NULL };

	json_array_begin(w, kind);
	json_object_begin(w, NULL);
	json_add_string(w, "path", h->mdocker);
	json_add_strv(w, "args", args);
	json_add_i64(w, "timeout", HOOK_TIMEOUT_S);
	json_object_end(w);
	json_array_end(w);
}

/* The runtime makes the namespace; what is in it on a bridge is the engine's. */
static void write_hooks(
	struct json_writer *w, const struct workspace *ws, const struct profile_host *h)
{
	json_object_begin(w, "hooks");
	write_hook(w, "createRuntime", "attach", ws, h);
	write_hook(w, "poststop", "detach", ws, h);
	json_object_end(w);
}

void profile_write_config(const struct workspace *ws, const struct profile_host *h, struct buf *out)
{
	struct json_writer w = { .out = out };

	json_object_begin(&w, NULL);
	json_add_string(&w, "ociVersion", "1.0.2");
	write_init(&w, traits_of(ws));
	json_object_begin(&w, "root");
	json_add_string(&w, "path", "rootfs");
	json_add_bool(&w, "readonly", traits_of(ws) & PROFILE_READ_ONLY_ROOT);
	json_object_end(&w);
	json_add_string(&w, "hostname", ws->hostname);
	write_mounts(&w, ws, h);
	if (on_bridge(ws))
		write_hooks(&w, ws, h);
	write_linux(&w, ws, h);
	json_object_end(&w);
	buf_add_char(out, '\n');
}
