/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of a workspace is: ids, capabilities, filter, descriptors, limits, groups. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT AUDIT_WRITE SETFCAP */
static const uint64_t allowed_caps = 1U << 0 | 1U << 1 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 |
				     1U << 7 | 1U << 8 | 1U << 10 | 1U << 18 | 1U << 29 | 1U << 31;

/* The value behind "NAME:" in /proc/self/status. */
static int status_value(const char *name, char *to, size_t size)
{
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(name);
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			snprintf(to, size, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
			to[strcspn(to, "\n")] = '\0';
			fclose(f);
			return 0;
		}
	}
	if (f)
		fclose(f);
	return -1;
}

static const char *const capability_sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };

static enum verdict check_capabilities(char *detail, long which)
{
	const char *set = capability_sets[which];
	uint64_t may = which == 0 || which == 4 ? 0 : allowed_caps, has;
	char value[64];

	if (status_value(set, value, sizeof(value)) < 0)
		return LEAK;
	has = strtoull(value, NULL, 16);
	say(detail, "%s %s", set, value);
	errno = 0;
	return has & ~may ? LEAK : BLOCKED;
}

static enum verdict check_no_new_privs(char *detail, long arg)
{
	(void)arg;
	errno = 0;
	say(detail, "no_new_privs %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? BLOCKED : LEAK;
}

static enum verdict check_filter(char *detail, long arg)
{
	char value[64] = "";

	(void)arg;
	status_value("Seccomp", value, sizeof(value));
	say(detail, "Seccomp %s", value);
	errno = 0;
	return strcmp(value, "2") == 0 ? BLOCKED : LEAK;
}

/* The descriptors that the probe was started with: 0, 1, 2 and nothing else (two are the runner's pipe, one this folder). */
static enum verdict check_descriptors(char *detail, long arg)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	(void)arg;
	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		char target[512] = "", path[64];

		if (entry->d_name[0] == '.' || fd <= 2 || fd == dirfd(dir))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
			strncmp(target, "pipe:", 5) == 0 && fd <= 4)
			continue;
		say(detail, "%d -> %s", fd, target);
		return LEAK;
	}
	errno = 0;
	return dir ? BLOCKED : LEAK;
}

/* One block of 65,536 ids whose first on the host is at least 1,000,000. */
static enum verdict check_id_map(char *detail, long arg)
{
	const char *path = arg ? "/proc/self/gid_map" : "/proc/self/uid_map";
	FILE *f = fopen(path, "re");
	unsigned long inside, outside, count;
	int n = 0;

	while (f && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		n++;
		if (inside != 0 || outside < 1000000 || count > 65536) {
			say(detail, "%s: %lu %lu %lu", path, inside, outside, count);
			return LEAK;
		}
	}
	errno = 0;
	say(detail, "%s", path);
	return n == 1 ? BLOCKED : LEAK;
}

static const struct {
	const char *name;
	int resource;
	rlim_t most;
} limits[] = {
	{ "nofile", RLIMIT_NOFILE, 16384 },
	{ "core", RLIMIT_CORE, 0 },
	{ "memlock", RLIMIT_MEMLOCK, 8 << 20 },
	{ "msgqueue", RLIMIT_MSGQUEUE, 819200 },
	{ "sigpending", RLIMIT_SIGPENDING, 4096 },
	{ "nice", RLIMIT_NICE, 0 },
	{ "rtprio", RLIMIT_RTPRIO, 0 },
};

static enum verdict check_limit(char *detail, long which)
{
	struct rlimit l;

	if (getrlimit((__rlimit_resource_t)limits[which].resource, &l) < 0)
		return LEAK;
	say(detail, "%s %" PRIu64, limits[which].name, (uint64_t)l.rlim_max);
	errno = 0;
	return l.rlim_max <= limits[which].most ? BLOCKED : LEAK;
}

static enum verdict raise_limit(char *detail, long which)
{
	struct rlimit l;

	(void)detail;
	getrlimit((__rlimit_resource_t)limits[which].resource, &l);
	l.rlim_max++;
	return judge(setrlimit((__rlimit_resource_t)limits[which].resource, &l));
}

static enum verdict lower_oom_score(char *detail, long arg)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)detail;
	(void)arg;
	return judge(fd < 0 ? -1 : write(fd, "-1000", 5));
}

/* Instances count for the user on the host: a workspace must not take them from another. */
static enum verdict check_inotify(char *detail, long arg)
{
	int n = 0;

	(void)arg;
	while (n < 1000 && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	say(detail, "%d instances", n);
	return n <= 128 ? BLOCKED : LEAK;
}

static enum verdict check_cgroup_path(char *detail, long arg)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512];

	(void)arg;
	while (f && fgets(line, sizeof(line), f)) {
		char *path = strrchr(line, ':');

		if (path && strncmp(path + 1, "/\n", 3) != 0 && strstr(path, "minidocker")) {
			line[strcspn(line, "\n")] = '\0';
			say(detail, "%s", line);
			return LEAK;
		}
	}
	errno = 0;
	return f ? BLOCKED : LEAK;
}

static enum verdict check_mlock(char *detail, long arg)
{
	size_t size = 16U << 20;
	void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)detail;
	(void)arg;
	return p == MAP_FAILED ? BLOCKED : judge(mlock(p, size));
}

static const struct technique items[] = {
	{ "caps-inheritable", check_capabilities, 0 },
	{ "caps-permitted", check_capabilities, 1 },
	{ "caps-effective", check_capabilities, 2 },
	{ "caps-bounding", check_capabilities, 3 },
	{ "caps-ambient", check_capabilities, 4 },
	{ "no_new_privs", check_no_new_privs, 0 },
	{ "seccomp-filter", check_filter, 0 },
	{ "descriptors", check_descriptors, 0 },
	{ "uid-map", check_id_map, 0 },
	{ "gid-map", check_id_map, 1 },
	{ "limit-nofile", check_limit, 0 },
	{ "limit-core", check_limit, 1 },
	{ "limit-memlock", check_limit, 2 },
	{ "limit-msgqueue", check_limit, 3 },
	{ "limit-sigpending", check_limit, 4 },
	{ "limit-nice", check_limit, 5 },
	{ "limit-rtprio", check_limit, 6 },
	{ "raise-nofile", raise_limit, 0 },
	{ "raise-memlock", raise_limit, 2 },
	{ "mlock-16m", check_mlock, 0 },
	{ "oom-score-below", lower_oom_score, 0 },
	{ "inotify-instances", check_inotify, 0 },
	{ "cgroup-path", check_cgroup_path, 0 },
};

const struct technique_list state_techniques = { items, ARRAY_SIZE(items) };
