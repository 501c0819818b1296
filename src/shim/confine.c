/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "seccomp: which AUDIT_ARCH is this?"
#endif

int confine_identity(uid_t uid, struct md_error *err)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return md_fail_errno(err, "no core dumps");
	if (geteuid() == 0 && uid != 0) {
		if (setgroups(0, NULL) < 0 || setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) < 0 ||
			setresuid(uid, uid, uid) < 0)
			return md_fail_errno(err, "become user %u", uid);
	}
	/* Ends what capabilities a root without another uid would keep over its like. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return md_fail_errno(err, "not to be traced");
	return 0;
}

/* What serving needs; no way to signal anybody, since the holders of all workspaces may share a uid. A row for calls that one of the architectures doesn't have is left out there. */
static const unsigned short allowed[] = {
	__NR_read,
	__NR_write,
	__NR_readv,
	__NR_pread64,
	__NR_writev,
	__NR_close,
	__NR_ioctl,
	__NR_fcntl,
	__NR_fstat,
	__NR_lseek,
	__NR_dup,
	__NR_dup3,
	__NR_pipe2,
	__NR_fsync,
	__NR_ftruncate,
	__NR_epoll_pwait,
	__NR_epoll_ctl,
	__NR_epoll_create1,
	__NR_timerfd_create,
	__NR_timerfd_settime,
	__NR_accept4,
	__NR_listen,
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_sendto,
	__NR_recvfrom,
	__NR_getsockopt,
	__NR_setsockopt,
	__NR_shutdown,
	__NR_memfd_create,
	__NR_mmap,
	__NR_munmap,
	__NR_mremap,
	__NR_mprotect,
	__NR_madvise,
	__NR_brk,
	__NR_clock_gettime,
	__NR_gettimeofday,
	__NR_clock_nanosleep,
	__NR_getrandom,
	__NR_futex,
	__NR_getpid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_restart_syscall,
	__NR_exit,
	__NR_exit_group,
	__NR_sched_yield,
	__NR_rseq,
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
#ifdef __NR_newfstatat
	__NR_newfstatat,
#endif
#ifdef __NR_time
	__NR_time,
#endif
};

enum { ROWS = sizeof(allowed) / sizeof(allowed[0]) };

static int filter_calls(struct md_error *err)
{
	struct sock_filter code[5 + ROWS + 2];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	/* Each row jumps over the rest to the last instruction. */
	for (unsigned short i = 0; i < ROWS; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (unsigned char)(ROWS - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 && errno != EINVAL)
		return md_fail_errno(err, "seccomp");
	return 0;
}

/* Handles every right to files that the first version of Landlock knows, and grants none. */
static void forbid_files(void)
{
	const struct landlock_ruleset_attr all = { .handled_access_fs =
							   (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (fd < 0)
		return;
	syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
}

int confine(struct md_error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return md_fail_errno(err, "no new privileges");
	forbid_files();
	return filter_calls(err);
}
