/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_checks.c - the checks of `mdocker doctor`. None changes the host; a probe that needs a
 * process or a mount has it in a child with namespaces of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "disk/quota.h"
#include "engine/cgroups.h"
#include "engine/doctor.h"
#include "engine/idblock.h"
#include "engine/idmap.h"
#include "engine/reserve.h"
#include "base/poison.h"

enum { LINE_BYTES = 4096, LOW_SPACE_MB = 1024 };

/* The first line of a small file, without its end; "" if it can't be read. */
static void first_line(const char *path, char *to, size_t room)
{
	_auto_free_ char *text = NULL;
	size_t len;

	to[0] = '\0';
	if (file_read(AT_FDCWD, path, 1 << 20, &text, &len) == 0)
		snprintf(to, room, "%.*s", (int)strcspn(text, "\n"), text);
}

int doctor_in_child(int (*probe)(void *data), void *data)
{
	pid_t pid = fork();
	int code;

	if (pid == 0)
		_exit(probe(data) < 0 ? MD_MIN(errno, 255) : 0);
	code = pid < 0 ? -1 : spawn_wait(pid);
	return code < 0 ? errno : code;
}

static void check_kernel(struct engine *e, struct doctor_result *r)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
		doctor_weaker(r, "unknown", "the kernel's version can't be read");
	else if (major * 100 + minor < 510)
		doctor_weaker(r, u.release, "untested: Linux 5.10 or newer is known to do");
	else
		doctor_ok(r, "Linux %s", u.release);
}

static int probe_namespaces(void *data)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		       CLONE_NEWUTS | CLONE_NEWCGROUP);
}

static void check_namespaces(struct engine *e, struct doctor_result *r)
{
	int failed = doctor_in_child(probe_namespaces, NULL);

	if (failed)
		doctor_broken(r, strerror(failed),
			"user, mount, pid, net, ipc, uts and cgroup namespaces are needed: see "
			"/proc/sys/user/max_*_namespaces and the kernel's configuration");
	else
		doctor_ok(r, "user mount pid net ipc uts cgroup");
}

/* An overlay of two idmapped layers on the file system of ROOT, as each start makes it. */
static int probe_rootfs(void *data)
{
	const struct engine *e = data;
	struct md_error ignored = MD_ERROR_INIT;
	int userns = idmap_userns(ID_BLOCK_FIRST, &ignored);
	int tree = userns < 0 ? -1 : idmap_clone(e->root, userns, false);

	if (userns < 0)
		errno = ignored.code;
	return tree;
}

static void check_idmap(struct engine *e, struct doctor_result *r)
{
	int failed = doctor_in_child(probe_rootfs, e);

	if (failed)
		doctor_weaker(r, strerror(failed),
			"each workspace gets a copy of the image of its own at its first start: "
			"slower, and it "
			"takes its size on the disk. Linux 5.12 with --root on ext4, xfs, btrfs or "
			"tmpfs has them");
	else
		doctor_ok(r, "idmapped mounts on %s", e->root);
}

static void check_overlay(struct engine *e, struct doctor_result *r)
{
	_auto_free_ char *text = NULL;
	struct statfs fs;
	size_t len;

	if (file_read(AT_FDCWD, "/proc/filesystems", 1 << 16, &text, &len) < 0 ||
		!strstr(text, "\toverlay\n"))
		doctor_broken(r, "none", "overlayfs is needed: modprobe overlay");
	else if (statfs(e->root, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC)
		doctor_broken(
			r, "--root is on an overlay", "put --root on ext4, xfs, btrfs or tmpfs");
	else
		doctor_ok(r, "overlayfs");
}

struct controller {
	const char *name;
	bool needed;
	const char *cost;
};

static const struct controller controllers[] = {
	{ "memory", true, "no limit of memory" },
	{ "pids", true, "no limit of processes" },
	{ "cpu", false, "--cpus is refused" },
	{ "devices", false, "no second barrier before devices (v1 only)" },
	{ "freezer", false, "a workspace can't be frozen (v1 only)" },
	{ "blkio", false, "no limit of disk traffic (io on v2)" },
	{ "cpuset", false, "no processor is kept free of busy workspaces" },
};

static void judge_controllers(const struct cgroups_host *h, struct doctor_result *r)
{
	char advice[240] = "", found[160];
	bool broken = false;
	size_t len = 0;

	snprintf(found, sizeof(found), "%s:", h->layout);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		const struct controller *c = &controllers[i];

		if (cgroups_host_has(h, c->name)) {
			strncat(found, " ", sizeof(found) - strlen(found) - 1);
			strncat(found, c->name, sizeof(found) - strlen(found) - 1);
			continue;
		}
		broken = broken || c->needed;
		if (len < sizeof(advice))
			len += (size_t)snprintf(advice + len, sizeof(advice) - len, "%s%s: %s",
				len ? "; " : "no ", c->name, c->cost);
	}
	if (broken)
		doctor_broken(r, found, advice);
	else if (len)
		doctor_weaker(r, found, advice);
	else if (!h->counts_swap)
		doctor_weaker(r, found,
			"swap is not counted: a workspace may use swap beyond its memory limit; "
			"boot with swapaccount=1");
	else
		doctor_ok(r, "%s", found);
}

static void check_cgroups(struct engine *e, struct doctor_result *r)
{
	_auto_cgroups_host_ struct cgroups_host h = { .layout = "" };
	struct md_error err = MD_ERROR_INIT;

	if (cgroups_describe(&h, &err) < 0)
		doctor_broken(r, err.msg,
			"no limit can be set: mount the cgroups, as an init system does");
	else
		judge_controllers(&h, r);
}

static void check_seccomp(struct engine *e, struct doctor_result *r)
{
	char actions[256];

	first_line("/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions));
	if (!*actions)
		doctor_broken(r, "none", "the kernel has no seccomp filters");
	else
		doctor_ok(r, "%.150s", actions);
}

/* System calls with a fallback: without them it works, slower or with a small race. */
static void check_calls(struct engine *e, struct doctor_result *r)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = { { "openat2", SYS_openat2 }, { "pidfd_open", SYS_pidfd_open },
		{ "close_range", SYS_close_range }, { "mount_setattr", SYS_mount_setattr } };
	char missing[120] = "";

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		/* Arguments that no call takes: all but ENOSYS means that it is there. */
		if (syscall(calls[i].number, -1, NULL, NULL, 0, 0) < 0 && errno == ENOSYS)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				" %s", calls[i].name);
	}
	if (*missing)
		doctor_weaker(r, "some are missing", missing + 1);
	else
		doctor_ok(r, "openat2 pidfd_open close_range mount_setattr");
}

static const struct host_sysctl {
	const char *path;
	const char *safe; /* the values that are good, one character each */
	const char *advice;
} host_sysctls[] = {
	{ "/proc/sys/dev/tty/legacy_tiocsti", "0", "legacy_tiocsti=0" },
	{ "/proc/sys/kernel/dmesg_restrict", "1", "dmesg_restrict=1" },
	{ "/proc/sys/kernel/kptr_restrict", "12", "kptr_restrict=1" },
	{ "/proc/sys/kernel/unprivileged_bpf_disabled", "12", "unprivileged_bpf_disabled=1" },
	{ "/proc/sys/fs/protected_symlinks", "1", "protected_symlinks=1" },
	{ "/proc/sys/fs/protected_hardlinks", "1", "protected_hardlinks=1" },
	{ "/proc/sys/fs/protected_fifos", "12", "protected_fifos=1" },
	{ "/proc/sys/fs/suid_dumpable", "02", "suid_dumpable=0" },
};

static void check_sysctls(struct engine *e, struct doctor_result *r)
{
	char advice[240] = "", value[32];
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(host_sysctls); i++) {
		const struct host_sysctl *s = &host_sysctls[i];

		first_line(s->path, value, sizeof(value));
		if (!*value || strchr(s->safe, value[0]))
			continue;
		if (len < sizeof(advice))
			len += (size_t)snprintf(advice + len, sizeof(advice) - len, "%s%s",
				len ? ", " : "hardening that the host leaves out: ", s->advice);
	}
	if (len)
		doctor_weaker(r, "some are open", advice);
	else
		doctor_ok(r, "hardened");
}

static void check_core_pattern(struct engine *e, struct doctor_result *r)
{
	char pattern[256];

	first_line("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	if (pattern[0] == '|')
		doctor_weaker(r, pattern,
			"a program of the host runs as root for a crash in a workspace; their core "
			"size "
			"limit is 0, which it may not heed");
	else
		doctor_ok(r, "core dumps go to files, and workspaces make none");
}

static void check_ids(struct engine *e, struct doctor_result *r)
{
	_auto_workspaces_ struct workspaces l = { NULL, 0 };
	struct md_error err = MD_ERROR_INIT;
	size_t total = (ID_BLOCK_END - ID_BLOCK_FIRST) / ID_BLOCK_SIZE;

	if (engine_list(e, &l, &err) < 0)
		doctor_broken(r, err.msg, "the workspaces can't be read");
	else
		doctor_ok(r, "%zu of %zu blocks of 65,536 ids in use, from %u on", l.count, total,
			ID_BLOCK_FIRST);
}

static void check_disk(struct engine *e, struct doctor_result *r)
{
	struct statvfs fs;
	char found[120];
	uint64_t free_mb;

	if (statvfs(e->root, &fs) < 0) {
		doctor_broken(r, strerror(errno), "the file system of --root can't be asked");
		return;
	}
	free_mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	snprintf(found, sizeof(found), "%llu MB free, %llu files", (unsigned long long)free_mb,
		(unsigned long long)fs.f_favail);
	if (free_mb < LOW_SPACE_MB)
		doctor_weaker(r, found, "little room is left for what workspaces write");
	else
		doctor_ok(r, "%s", found);
}

static void check_quota(struct engine *e, struct doctor_result *r)
{
	bool loops = access("/dev/loop-control", R_OK | W_OK) == 0;
	bool mkfs =
		access("/sbin/mkfs.ext4", X_OK) == 0 || access("/usr/sbin/mkfs.ext4", X_OK) == 0;

	if (quota_enforced(e->root))
		doctor_ok(r, "the project quota of the file system of --root");
	else if (!loops)
		doctor_weaker(r, "no project quota and no loop devices",
			"no --disk limit: a workspace can fill the host's disk");
	else if (!mkfs)
		doctor_weaker(r, "no project quota and no mkfs.ext4",
			"no --disk limit: install e2fsprogs");
	else
		doctor_ok(r, "an ext4 image on a loop device for each workspace with --disk: the "
			     "file system of --root has no project quota on");
}

static void check_programs(struct engine *e, struct doctor_result *r)
{
	static const char *const programs[] = { "mdocker-runtime", "mdocker-shim", "mdocker-init" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_auto_free_ char *path = file_sibling_program(programs[i]);

		if (!path) {
			doctor_broken(
				r, programs[i], "this program is not installed beside mdocker");
			return;
		}
	}
	doctor_ok(r, "mdocker-runtime mdocker-shim mdocker-init");
}

static void check_image(struct engine *e, struct doctor_result *r)
{
	_auto_image_ struct image image = IMAGE_INIT;
	_auto_free_ char *tar = NULL;
	struct md_error err = MD_ERROR_INIT;

	if (image_find(&e->images, IMAGE_DEFAULT_NAME, &image, &err) == 0) {
		doctor_ok(r, "imported, %llu MB", (unsigned long long)(image.size >> 20));
		return;
	}
	tar = image_default_tar();
	if (tar)
		doctor_ok(r, "%s, imported at the first need", tar);
	else
		doctor_weaker(r, "none",
			"`make image` makes one, `mdocker import FILE default` takes yours");
}

static void check_reserve(struct engine *e, struct doctor_result *r)
{
	uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	doctor_ok(r, "all workspaces together may use %llu of %llu MB",
		(unsigned long long)(reserve_memory_limit(total) >> 20),
		(unsigned long long)(total >> 20));
}

static void check_pressure(struct engine *e, struct doctor_result *r)
{
	if (access("/proc/pressure/cpu", W_OK) == 0)
		doctor_ok(r, "busy workspaces give way to the others");
	else
		doctor_weaker(r, "/proc/pressure/cpu is missing",
			"busy workspaces slow the others down: a kernel with CONFIG_PSI, started "
			"with psi=1");
}

static void check_oom(struct engine *e, struct doctor_result *r)
{
	enum { CAP_SYS_RESOURCE_BIT = 24 };

	if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE_BIT) == 1)
		doctor_ok(r, "CAP_SYS_RESOURCE: the server can be kept from the OOM killer");
	else
		doctor_weaker(r, "no CAP_SYS_RESOURCE",
			"the server's oom_score_adj can't be lowered; workspaces' is raised "
			"instead");
}

static const struct doctor_check checks[] = {
	{ "kernel", check_kernel },
	{ "namespaces", check_namespaces },
	{ "overlay", check_overlay },
	{ "idmapped mounts", check_idmap },
	{ "cgroups", check_cgroups },
	{ "seccomp", check_seccomp },
	{ "system calls", check_calls },
	{ "host's sysctls", check_sysctls },
	{ "core dumps", check_core_pattern },
	{ "capabilities", check_oom },
	{ "pressure", check_pressure },
	{ "user ids", check_ids },
	{ "memory reserve", check_reserve },
	{ "disk space", check_disk },
	{ "disk limits", check_quota },
	{ "network", doctor_check_network },
	{ "host's firewall", doctor_check_firewall },
	{ "programs", check_programs },
	{ "default image", check_image },
};

const struct doctor_check *doctor_checks(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(checks);
	return checks;
}
