/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/kernel.h"
#include "base/poison.h"

/* From the field `from` to `to`, which are separated by spaces. NULL: there are fewer. */
static const char *skip_fields(const char *at, int from, int to)
{
	for (; at && from < to; from++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

int proc_parse_stat(const char *text, struct proc_stat *ret)
{
	const char *at = strrchr(text, ')');
	struct proc_stat s;
	char *end;

	if (!at || at[1] != ' ' || !at[2] || at[3] != ' ')
		goto invalid;
	s.state = at[2];
	at = skip_fields(at + 2, 3, 22);
	if (!at)
		goto invalid;
	s.start_time = strtoull(at, &end, 10);
	if (end == at)
		goto invalid;
	at = skip_fields(at, 22, 39);
	s.cpu = at ? atoi(at) : -1;
	*ret = s;
	return 0;
invalid:
	errno = EINVAL;
	return -1;
}

/* "36 35 98:0 / /proc rw ..." */
char *proc_mount_on(char *line, const char *parent)
{
	char *rest = line, *on;

	strsep(&rest, " ");
	on = strsep(&rest, " ");
	if (!on || strcmp(on, parent) != 0)
		return NULL;
	for (int i = 0; i < 2 && rest; i++)
		strsep(&rest, " ");
	line = strsep(&rest, " ");
	return line && line[0] == '/' && line[1] ? line + 1 : NULL;
}

int proc_read_stat(pid_t pid, struct proc_stat *ret)
{
	_auto_close_ int fd = -1;
	char text[1024];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return proc_parse_stat(text, ret);
}

bool proc_alive(pid_t pid, uint64_t start_time)
{
	struct proc_stat s;

	return pid > 0 && proc_read_stat(pid, &s) == 0 && s.start_time == start_time &&
	       s.state != 'Z' && s.state != 'X';
}

int proc_open_pidfd(pid_t pid, uint64_t start_time)
{
	_auto_close_ int fd = sys_pidfd_open(pid);

	if (fd < 0)
		return -1;
	/* Looked at after opening: what lives now under this pid is what the pidfd holds. */
	if (!proc_alive(pid, start_time)) {
		errno = ESRCH;
		return -1;
	}
	return take_fd(&fd);
}

int proc_signal(pid_t pid, uint64_t start_time, int sig)
{
	_auto_close_ int fd = proc_open_pidfd(pid, start_time);

	if (fd >= 0)
		return sys_pidfd_send_signal(fd, sig);
	if (errno != ENOSYS)
		return -1;
	if (!proc_alive(pid, start_time)) {
		errno = ESRCH;
		return -1;
	}
	return kill(pid, sig);
}

/* Without pidfds there is nothing to wait for but the clock. */
static int wait_gone_by_looking(pid_t pid, uint64_t start_time, int timeout_ms)
{
	const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };

	for (int64_t waited = 0; timeout_ms < 0 || waited <= timeout_ms; waited += 5) {
		if (!proc_alive(pid, start_time))
			return 0;
		nanosleep(&step, NULL);
	}
	errno = ETIMEDOUT;
	return -1;
}

int proc_wait_gone(pid_t pid, uint64_t start_time, int timeout_ms)
{
	_auto_close_ int fd = proc_open_pidfd(pid, start_time);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	if (fd < 0) {
		if (errno == ENOSYS)
			return wait_gone_by_looking(pid, start_time, timeout_ms);
		return errno == ESRCH ? 0 : -1;
	}
	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 ? 0 : -1;
}

bool proc_is_proc(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 && s.f_type == PROC_SUPER_MAGIC;
}

int proc_mount_private(void)
{
	_auto_close_ int fs = sys_fsopen("proc");

	if (fs < 0 || sys_fsconfig_create(fs) < 0)
		return -1;
	return sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}
