/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/forwarding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "network/others.h"
#include "base/poison.h"

#define FORWARDING "/proc/sys/net/ipv4/ip_forward"
#define RECORD     "forwarding"

enum { RECORD_MAX = 128 };

static char read_knob(const char *path)
{
	_auto_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char now = 0;

	return fd >= 0 && pread(fd, &now, 1, 0) == 1 ? now : 0;
}

static int write_knob(const char *path, const char *value, struct md_error *err)
{
	_auto_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, value, 1, 0) != 1)
		return md_fail_errno(err, "network: write %s to '%s'", value, path);
	return 0;
}

int forwarding_knob(const char *path, struct md_error *err)
{
	return read_knob(path) == '1' ? 0 : write_knob(path, "1", err);
}

int forwarding_try(struct md_error *err)
{
	return forwarding_knob(FORWARDING, err);
}

/* The namespace and its life: a reboot makes another of the same number. */
static int here(char to[RECORD_MAX], struct md_error *err)
{
	_auto_free_ char *boot = NULL;
	struct stat ns;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", RECORD_MAX, &boot, NULL) < 0 ||
		stat("/proc/thread-self/ns/net", &ns) < 0)
		return md_fail_errno(err, "network: name this network namespace");
	snprintf(to, RECORD_MAX, "%.*s %llu\n", (int)strcspn(boot, "\n"), boot,
		(unsigned long long)ns.st_ino);
	return 0;
}

int forwarding_need(int dir, struct md_error *err)
{
	char record[RECORD_MAX];

	if (read_knob(FORWARDING) == '1')
		return 0;
	/* Written down first: what was never switched on is off anyway. */
	if (here(record, err) < 0)
		return -1;
	if (file_write_atomic(dir, RECORD, record, strlen(record), 0600) < 0)
		return md_fail_errno(err, "network: write '" RECORD "'");
	return write_knob(FORWARDING, "1", err);
}

int forwarding_give_back(int dir, struct md_error *err)
{
	_auto_free_ char *record = NULL;
	struct network_others others;
	char now[RECORD_MAX];

	if (file_read(dir, RECORD, RECORD_MAX, &record, NULL) < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "network: read '" RECORD "'");
	if (here(now, err) < 0)
		return -1;
	if (str_eq(record, now)) {
		if (network_others(&others, err) < 0)
			return -1;
		if (others.forwards)
			log_info("net.ipv4.ip_forward stays 1: %s has rules about it", others.who);
		else if (write_knob(FORWARDING, "0", err) < 0)
			return -1;
	}
	if (unlinkat(dir, RECORD, 0) < 0 && errno != ENOENT)
		return md_fail_errno(err, "network: remove '" RECORD "'");
	return 0;
}
