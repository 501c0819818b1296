/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - system calls that the C library lacks (or wraps too richly for a forked child): no memory, no stdio, no
 * locks, so all of them are fit for the child between clone and execve. -1 and errno.
 */
#ifndef MD_SYS_KERNEL_H
#define MD_SYS_KERNEL_H

#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

/* fork(2) with CLONE_* `flags`; the child is born in the cgroup of `cgroup_fd` (-1: in the caller's). clone3(2), and
 * clone(2) where there is none; then a `cgroup_fd` is ENOSYS, as is CLONE_NEWTIME. No fork handlers run. */
pid_t sys_clone(uint64_t flags, int cgroup_fd);

/* openat2(2): path resolution with RESOLVE_* rules. ENOSYS before 5.6. */
int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);

/* The id by which /proc/self/mountinfo calls the mount that `fd` lies on. */
int64_t sys_mount_id(int fd);

/* close_range(2), both ends included. ENOSYS before 5.9. */
int sys_close_range(unsigned int first, unsigned int last);

int sys_pidfd_open(pid_t pid);
int sys_pidfd_send_signal(int pidfd, int sig);
/* What its parent has heard, as waitpid(2) has it: also when we aren't it. EAGAIN: it hasn't yet; ENOTTY: this kernel (before
 * 6.15) doesn't tell. */
int sys_pidfd_exit_status(int pidfd, int *ret);

/* The mount API by descriptors, mount_namespaces(7) and its man pages. */
int sys_open_tree(int dirfd, const char *path, unsigned int flags);
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
int sys_fsopen(const char *type);
int sys_fsconfig_string(int fs, const char *key, const char *value);
int sys_fsconfig_flag(int fs, const char *key);
int sys_fsconfig_create(int fs);
int sys_fsmount(int fs, unsigned int attributes);
int sys_mount_setattr(
	int dirfd, const char *path, unsigned int flags, const struct mount_attr *attributes);
int sys_pivot_root(const char *new_root, const char *put_old);

/* Of the calling thread only: the C library would signal all threads. */
int sys_setresuid(uid_t uid);
int sys_setresgid(gid_t gid);
int sys_setgroups(size_t count, const gid_t *gids);

/* All of the capability sets of capset(2), bit N is capability N. */
int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int sys_capget(uint64_t *ret_effective, uint64_t *ret_permitted, uint64_t *ret_inheritable);

int sys_ioprio_set(int value);

struct sys_sched {
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
/* sched_setattr(2) of the process `pid`, 0: the caller. */
int sys_sched_setattr(pid_t pid, const struct sys_sched *s);

/* A new session keyring called `name` (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING): its serial number. */
long sys_join_session_keyring(const char *name);
/* Grants the possessor and the user search, as a container's keyring has it. */
int sys_keyring_allow_search(long serial);

/* getcwd(2) itself: the C library hides what "(unreachable)" means. */
int sys_getcwd(char *to, size_t size);

#endif
