/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's and the host's files: knobs that must not be written, contents that must not be read. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *const unwritable[] = {
	"/proc/sys/kernel/core_pattern",
	"/proc/sys/kernel/modprobe",
	"/proc/sys/kernel/hostname",
	"/proc/sys/kernel/randomize_va_space",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/vm/overcommit_memory",
	"/proc/sys/vm/drop_caches",
	"/proc/sys/fs/binfmt_misc/register",
	"/proc/sys/net/ipv4/ip_forward",
	"/proc/sys/user/max_user_namespaces",
	"/proc/sysrq-trigger",
	"/proc/irq/default_smp_affinity",
	"/proc/1/exe",
	"/proc/self/exe",
	"/sys/kernel/uevent_helper",
	"/sys/kernel/mm/transparent_hugepage/enabled",
	"/sys/module/kernel/parameters/panic",
	"/sys/fs/cgroup/memory/release_agent",
	"/sys/fs/cgroup/memory/memory.limit_in_bytes",
	"/sys/fs/cgroup/memory/cgroup.procs",
	"/sys/fs/cgroup/pids/pids.max",
	"/sys/fs/cgroup/devices/devices.allow",
	"/sys/fs/cgroup/memory.max",
	"/sys/fs/cgroup/pids.max",
	"/sys/fs/cgroup/cgroup.procs",
	"/sys/fs/cgroup/unified/cgroup.procs",
};

static const char *const unreadable[] = {
	"/proc/kcore",
	"/proc/kallsyms",
	"/proc/keys",
	"/proc/key-users",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/latency_stats",
	"/proc/interrupts",
	"/proc/iomem",
	"/proc/ioports",
	"/proc/kpagecount",
	"/proc/kpageflags",
	"/proc/config.gz",
	"/proc/cmdline",
	"/proc/diskstats",
	"/proc/partitions",
	"/proc/kmsg",
	"/sys/kernel/notes",
	"/sys/kernel/vmcoreinfo",
	"/dev/mem",
	"/dev/kmsg",
	"/dev/vda",
	"/dev/sda",
	"/dev/kvm",
	"/dev/fuse",
	"/dev/net/tun",
	"/dev/loop-control",
};

static const char *const empty_folders[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	"/sys/kernel/security",
	"/sys/kernel/btf",
	"/sys/fs/bpf",
	"/sys/fs/pstore",
	"/sys/hypervisor",
	"/sys/devices/virtual/powercap",
	"/sys/devices/virtual/dmi",
};

static enum verdict try_writing(char *detail, long which)
{
	const char *path = unwritable[which];
	int fd;

	say(detail, "%s", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ABSENT : BLOCKED;
	/* Opening may be allowed and each write refused; nothing is written that would do harm. */
	if (write(fd, "", 0) < 0)
		return BLOCKED;
	say(detail, "%s can be opened for writing", path);
	return LEAK;
}

static enum verdict try_reading(char *detail, long which)
{
	const char *path = unreadable[which];
	char byte;
	int fd;
	ssize_t n;

	say(detail, "%s", path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ABSENT : BLOCKED;
	n = read(fd, &byte, 1);
	if (n <= 0)
		return BLOCKED;
	say(detail, "%s can be read", path);
	return LEAK;
}

static enum verdict try_listing(char *detail, long which)
{
	const char *path = empty_folders[which];
	struct dirent *entry;
	DIR *dir = opendir(path);

	say(detail, "%s", path);
	if (!dir)
		return errno == ENOENT ? ABSENT : BLOCKED;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.') {
			say(detail, "%s holds %s", path, entry->d_name);
			return LEAK;
		}
	}
	errno = 0;
	return BLOCKED;
}

/* A device made by ourselves: even where mknod(2) is let through, it must not open. */
static enum verdict try_device(char *detail, long device)
{
	const char *path = "/root/probe-device";
	mode_t kind = device == (long)makedev(1, 1) ? S_IFCHR : S_IFBLK;
	int fd;

	unlink(path);
	if (mknod(path, kind | 0600, (dev_t)device) < 0)
		return BLOCKED;
	fd = open(path, O_RDONLY | O_NONBLOCK);
	unlink(path);
	say(detail, "mknod worked, open %s", fd < 0 ? "did not" : "too");
	return fd < 0 ? BLOCKED : LEAK;
}

/* Nothing stands in /dev but what the profile lists. */
static enum verdict try_dev_contents(char *detail, long arg)
{
	static const char *const allowed[] = { "null", "zero", "full", "random", "urandom", "tty",
		"ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "console",
		"core", ".", ".." };
	struct dirent *entry;
	DIR *dir = opendir("/dev");

	(void)arg;
	while (dir && (entry = readdir(dir))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(allowed) && strcmp(allowed[i], entry->d_name) != 0)
			i++;
		if (i == ARRAY_SIZE(allowed)) {
			say(detail, "/dev/%s", entry->d_name);
			return LEAK;
		}
	}
	errno = 0;
	return dir ? BLOCKED : LEAK;
}

/* Every tmpfs has a size and a number of inodes that a workspace can't eat the host with. */
static enum verdict try_tmpfs(char *detail, long arg)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096];

	(void)arg;
	if (!mounts)
		return LEAK;
	while (fgets(line, sizeof(line), mounts)) {
		char point[1024], type[64];
		struct statfs fs;

		if (sscanf(line, "%*s %1023s %63s", point, type) != 2 || strcmp(type, "tmpfs") != 0)
			continue;
		/* The empty ones that mask a folder take nothing. */
		if (statfs(point, &fs) < 0 || (fs.f_flags & ST_RDONLY))
			continue;
		if (fs.f_blocks == 0 || fs.f_blocks * (unsigned long)fs.f_bsize > 512UL << 20 ||
			fs.f_files == 0 || fs.f_files > 65536) {
			say(detail, "%s has %llu bytes and %llu inodes", point,
				(unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize,
				(unsigned long long)fs.f_files);
			return LEAK;
		}
	}
	errno = 0;
	return BLOCKED;
}

/* A folder of our own, for which project quotas would no longer hold if one of these worked. */
enum { OTHER_PROJECT, OTHER_INHERITANCE, OTHER_FLAGS, OTHER_BY_NAME };

static const char *const project_ways[] = { "other-id", "not-inherited", "not-inherited-by-flags",
	"other-id-by-name" };

#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

/* file_setattr(2), of Linux 6.17: what FS_IOC_FSSETXATTR does, and for files that can't be opened, too. */
static long set_by_name(const char *path, const struct fsxattr *attr)
{
	struct {
		uint64_t xflags;
		uint32_t extsize, nextents, project, cowextsize;
	} a = { attr->fsx_xflags, attr->fsx_extsize, 0, attr->fsx_projid, attr->fsx_cowextsize };

	return syscall(SYS_file_setattr, AT_FDCWD, path, &a, sizeof(a), 0);
}

static long leave_project(const char *folder, int fd, long way, struct fsxattr *attr)
{
	unsigned int flags = 0;

	switch (way) {
	case OTHER_FLAGS:
		ioctl(fd, FS_IOC_GETFLAGS, &flags);
		flags ^= FS_PROJINHERIT_FL;
		return ioctl(fd, FS_IOC_SETFLAGS, &flags);
	case OTHER_INHERITANCE:
		attr->fsx_xflags ^= FS_XFLAG_PROJINHERIT;
		return ioctl(fd, FS_IOC_FSSETXATTR, attr);
	default:
		attr->fsx_projid++;
		return way == OTHER_PROJECT ? ioctl(fd, FS_IOC_FSSETXATTR, attr)
					    : set_by_name(folder, attr);
	}
}

static enum verdict try_project(char *detail, long way)
{
	const char *folder = "/probe-project";
	struct fsxattr attr = { 0 };
	long r;
	int fd;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return BLOCKED;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return BLOCKED;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) == 0)
		say(detail, "project %u%s", attr.fsx_projid,
			attr.fsx_xflags & FS_XFLAG_PROJINHERIT ? " inherited" : "");
	r = leave_project(folder, fd, way, &attr);
	if (r < 0 && (errno == ENOTTY || errno == EOPNOTSUPP)) {
		say(detail, "no projects on this file system");
		return ABSENT;
	}
	return judge(r);
}

static struct technique items[ARRAY_SIZE(unwritable) + ARRAY_SIZE(unreadable) +
			      ARRAY_SIZE(empty_folders) + ARRAY_SIZE(project_ways) + 8];

static size_t add(
	size_t at, const char *verb, const char *path, enum verdict (*fn)(char *, long), long arg)
{
	static char names[ARRAY_SIZE(items)][96];

	snprintf(names[at], sizeof(names[at]), "%s:%s", verb, path);
	items[at] = (struct technique){ names[at], fn, arg };
	return at + 1;
}

struct technique_list list_file_techniques(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(unwritable); i++)
		n = add(n, "write", unwritable[i], try_writing, (long)i);
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++)
		n = add(n, "read", unreadable[i], try_reading, (long)i);
	for (size_t i = 0; i < ARRAY_SIZE(empty_folders); i++)
		n = add(n, "list", empty_folders[i], try_listing, (long)i);
	n = add(n, "mknod", "memory", try_device, (long)makedev(1, 1));
	n = add(n, "mknod", "disk-8:0", try_device, (long)makedev(8, 0));
	n = add(n, "mknod", "disk-254:0", try_device, (long)makedev(254, 0));
	n = add(n, "list", "/dev", try_dev_contents, 0);
	n = add(n, "limits", "tmpfs", try_tmpfs, 0);
	for (size_t i = 0; i < ARRAY_SIZE(project_ways); i++)
		n = add(n, "project", project_ways[i], try_project, (long)i);
	return (struct technique_list){ items, n };
}
