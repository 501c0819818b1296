/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "engine/idblock.h"
#include "base/poison.h"

/* A child in the new namespace that does nothing but wait to be killed. Raw clone: fork handlers
 * have no part in it. */
static pid_t park_child(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static int write_maps(pid_t pid, uint32_t base)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char path[64], map[64];

	snprintf(map, sizeof(map), "0 %u %u\n", base, ID_BLOCK_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		if (file_write_knob(AT_FDCWD, path, map) < 0)
			return -1;
	}
	return 0;
}

int idmap_userns(uint32_t base, struct md_error *err)
{
	_auto_close_ int fd = -1;
	char path[64];
	pid_t pid = park_child();

	if (pid < 0)
		return md_fail_errno(err, "a user namespace for the workspace's ids");
	if (write_maps(pid, base) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		md_fail_errno(err, "mapping ids from %u in a user namespace", base);
	kill(pid, SIGKILL);
	spawn_wait(pid);
	return take_fd(&fd);
}

int idmap_clone(const char *path, int userns_fd, bool recursive)
{
	unsigned int deep = recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns_fd,
	};
	_auto_close_ int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH | deep, &attr, sizeof(attr)) < 0)
		return -1;
	return take_fd(&fd);
}
