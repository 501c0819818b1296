/* SPDX-License-Identifier: Apache-2.0 */
/* Things that the host has put out, each with a secret: nobody inside may reach one. */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum verdict absent(char *detail, const char *name)
{
	say(detail, "the host has put out no canary '%s'", name);
	return ABSENT;
}

/* A file of the host, by its path there, through a few doors. */
static enum verdict read_host_file(char *detail, long door)
{
	static const char *const doors[] = { "%s", "/proc/1/root%s", "/proc/self/cwd/../../../..%s",
		"/../../../../..%s", "/proc/self/fd/3/../../../..%s",
		"/dev/fd/7/../../../../..%s" };
	const char *file = canary("file");
	char path[1024];

	if (!file)
		return absent(detail, "file");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), doors[door], file);
#pragma GCC diagnostic pop
	say(detail, "%s", path);
	return judge(open(path, O_RDONLY | O_CLOEXEC));
}

/* The old way out: a root below the working directory, then up. */
static enum verdict leave_chroot(char *detail, long arg)
{
	const char *file = canary("file");

	(void)arg;
	if (!file)
		return absent(detail, "file");
	mkdir("/root/cage", 0700);
	if (chroot("/root/cage") < 0)
		return BLOCKED;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0)
		return BLOCKED;
	say(detail, "%s", file);
	return judge(open(file, O_RDONLY | O_CLOEXEC));
}

/* The secret stands in the environment of a process of the host and, maybe, of a neighbour. */
static enum verdict find_process(char *detail, long arg)
{
	const char *secret = canary("secret");
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	(void)arg;
	if (!secret)
		return absent(detail, "secret");
	while (dir && (entry = readdir(dir))) {
		static char environment[65536];
		char path[300];
		ssize_t n;
		int fd;

		if (atoi(entry->d_name) <= 0 || atoi(entry->d_name) == getpid() ||
			atoi(entry->d_name) == getppid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/environ", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, environment, sizeof(environment));
		if (fd >= 0)
			close(fd);
		if (n > 0 && memmem(environment, (size_t)n, secret, strlen(secret))) {
			say(detail, "process %s has it", entry->d_name);
			return LEAK;
		}
	}
	errno = 0;
	return dir ? BLOCKED : LEAK;
}

static enum verdict reach_port(char *detail, long arg)
{
	const char *port = canary("port");
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	if (!port)
		return absent(detail, "port");
	to.sin_port = htons((uint16_t)atoi(port));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return judge(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static enum verdict reach_abstract(char *detail, long arg)
{
	const char *name = canary("abstract");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len;

	(void)arg;
	if (!name)
		return absent(detail, "abstract");
	len = strnlen(name, sizeof(to.sun_path) - 1);
	memcpy(to.sun_path + 1, name, len);
	return judge(connect(fd, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)));
}

static enum verdict reach_shared_memory(char *detail, long arg)
{
	const char *key = canary("shm");

	(void)arg;
	if (!key)
		return absent(detail, "shm");
	return judge(shmget((key_t)atoi(key), 0, 0));
}

static const struct technique items[] = {
	{ "host-file", read_host_file, 0 },
	{ "host-file-by-root-of-1", read_host_file, 1 },
	{ "host-file-by-cwd", read_host_file, 2 },
	{ "host-file-by-dots", read_host_file, 3 },
	{ "host-file-by-fd-3", read_host_file, 4 },
	{ "host-file-by-fd-7", read_host_file, 5 },
	{ "host-file-by-chroot", leave_chroot, 0 },
	{ "host-process", find_process, 0 },
	{ "host-port", reach_port, 0 },
	{ "host-abstract-socket", reach_abstract, 0 },
	{ "host-shared-memory", reach_shared_memory, 0 },
};

const struct technique_list canary_techniques = { items, ARRAY_SIZE(items) };
