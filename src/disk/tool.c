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

int tool_run(const char *path, char *const *argv, const char *package, struct md_error *err)
{
	char *envp[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct spawn s = SPAWN_INIT;
	_auto_close_ int said_from = -1;
	_auto_close_ int said_to = -1;
	_auto_free_ char *said = NULL;
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
	if (fd_read_to_end(said_from, 65536, &said, NULL) < 0)
		said = NULL;
	if (spawn_wait(pid) != 0)
		return md_fail(err, EIO, "%s: %.*s", path, said ? (int)strcspn(said, "\n") : 0,
			said ? said : "");
	return 0;
}
