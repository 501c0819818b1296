/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sys/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/poison.h"

/* Names that the headers of an older C library miss; the numbers are the same on all architectures. */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

pid_t sys_clone(uint64_t flags, int cgroup_fd)
{
	struct clone_args args = {
		.flags = flags | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		/* With CLONE_PARENT it is that of the caller. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid >= 0 || (errno != ENOSYS && errno != EPERM))
		return (pid_t)pid;
	if (cgroup_fd >= 0 || (flags & CLONE_NEWTIME)) {
		errno = ENOSYS;
		return -1;
	}
	/* Without a stack the order of the further arguments does not matter. */
	return (pid_t)syscall(SYS_clone, (unsigned long)flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	/* EAGAIN: something was renamed meanwhile and the kernel could not vouch for the result. */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int64_t sys_mount_id(int fd)
{
	struct statx s;

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &s) < 0
		       ? -1
		       : (int64_t)s.stx_mnt_id;
}

int sys_close_range(unsigned int first, unsigned int last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* <linux/pidfd.h> as of 6.15, which older systems lack. */
struct pidfd_info {
	uint64_t mask, cgroup;
	uint32_t ids[11]; /* pid to fsgid */
	int32_t exit_code;
};

int sys_pidfd_exit_status(int pidfd, int *ret)
{
	enum { INFO_EXIT = 1 << 3 };
	struct pidfd_info info = { .mask = INFO_EXIT };

	if (ioctl(pidfd, _IOWR(0xFF, 11, struct pidfd_info), &info) < 0)
		return -1;
	if (!(info.mask & INFO_EXIT)) {
		errno = EAGAIN;
		return -1;
	}
	*ret = info.exit_code;
	return 0;
}

int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC);
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_fd, from, to_fd, to, flags);
}

int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

int sys_fsconfig_string(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

int sys_fsconfig_flag(int fs, const char *key)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, NULL, 0);
}

int sys_fsconfig_create(int fs)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int sys_fsmount(int fs, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
}

int sys_mount_setattr(
	int dirfd, const char *path, unsigned int flags, const struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attributes, sizeof(*attributes));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_setresuid(uid_t uid)
{
	return (int)syscall(SYS_setresuid, uid, uid, uid);
}

int sys_setresgid(gid_t gid)
{
	return (int)syscall(SYS_setresgid, gid, gid, gid);
}

int sys_setgroups(size_t count, const gid_t *gids)
{
	return (int)syscall(SYS_setgroups, count, gids);
}

int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return (int)syscall(SYS_capset, &header, data);
}

int sys_capget(uint64_t *ret_effective, uint64_t *ret_permitted, uint64_t *ret_inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*ret_effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	*ret_inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

int sys_ioprio_set(int value)
{
	return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, value);
}

int sys_sched_setattr(pid_t pid, const struct sys_sched *s)
{
	/* struct sched_attr of linux/sched/types.h, which clashes with the C library's sched.h. */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};

	return (int)syscall(SYS_sched_setattr, pid, &attr, 0);
}

long sys_join_session_keyring(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0);
}

int sys_keyring_allow_search(long serial)
{
	/* Possessor: all; user: view, read, search, as runc leaves it. */
	const unsigned int permissions = 0x3f000000 | 0x00080000 | 0x000b0000;

	return (int)syscall(SYS_keyctl, KEYCTL_SETPERM, serial, permissions, 0, 0);
}

int sys_getcwd(char *to, size_t size)
{
	return syscall(SYS_getcwd, to, size) < 0 ? -1 : 0;
}
