/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "disk/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/poison.h"

/* Reads to the end, so that the program comes to its own, and keeps the beginning. */
static void read_said(int fd, char *to, size_t room)
{
	size_t len = 0;
	char rest[4096];

	for (;;) {
		size_t left = room - 1 - len;
		ssize_t n = left ? read(fd, to + len, left) : read(fd, rest, sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += left ? (size_t)n : 0;
	}
	to[len] = '\0';
}

/* The first line that begins with the program's name, as its messages do: before it some tell their version. Else the first. */
static const char *find_reason(const char *said, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = said; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && strncmp(line + len, ": ", 2) == 0)
			return line + len + 2;
	}
	return *said ? said : "failed without a word";
}

int tool_run(const char *path, char *const *argv, const char *package, struct md_error *err)
{
	char *envp[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct spawn s = SPAWN_INIT;
	_auto_close_ int said_from = -1;
	_auto_close_ int said_to = -1;
	char said[4096];
	const char *reason;
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return md_fail_errno(err, "run %s", path);
	said_from = pipes[0];
	said_to = pipes[1];
	s.path = path;
	s.argv = argv;
	s.envp = envp;
	s.std[2] = said_to;
	pid = spawn_start(&s, NULL);
	if (pid < 0)
		return md_fail_errno(err, "run %s (package %s)", path, package);
	fd_close(&said_to);
	read_said(said_from, said, sizeof(said));
	if (spawn_wait(pid) == 0)
		return 0;
	reason = find_reason(said, argv[0]);
	return md_fail(err, EIO, "%s: %.*s", path, (int)strcspn(reason, "\n"), reason);
}
