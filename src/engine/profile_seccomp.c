/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_seccomp.c - which system calls a workspace has. What stands in no table is EPERM; numbers
 * newer than the newest that stands in one (and that libseccomp knows) are ENOSYS by the runtime, so
 * that a C library falls back.
 *
 * Not here on purpose: bpf, perf_event_open, userfaultfd, io_uring_*, keyctl, add_key, request_key,
 * fanotify_init, open_by_handle_at, name_to_handle_at, the mount API, pivot_root, setns, kexec,
 * modules, reboot, swapon, quotactl, file_setattr, clock and host name setting, iopl. A debugger inside one's own
 * workspace is no danger: ptrace and its friends stay.
 */
#define _GNU_SOURCE
#include "engine/profile.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/poison.h"

/* Names, apart by blanks. */
static const char *const allowed[] = {
	/* files */
	"access chdir chmod chown chown32 chroot close close_range copy_file_range "
	"creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64 fallocate "
	"fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 "
	"fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 "
	"fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd "
	"getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init "
	"inotify_init1 inotify_rm_watch lchown lchown32 lgetxattr link linkat listxattr "
	"listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 "
	"mkdir mkdirat mknod mknodat newfstatat open openat openat2 pread64 preadv "
	"preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv "
	"removexattr removexattrat rename renameat renameat2 rmdir sendfile sendfile64 "
	"setxattr setxattrat splice stat stat64 statfs statfs64 statx symlink symlinkat "
	"sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat "
	"utime utimensat utimensat_time64 utimes vmsplice write writev",
	/* waiting */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
	"epoll_wait epoll_wait_old eventfd eventfd2 _newselect poll ppoll ppoll_time64 "
	"pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create "
	"timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
	/* memory */
	"brk cachestat get_mempolicy madvise map_shadow_stack mbind membarrier "
	"memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect "
	"mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free "
	"pkey_mprotect process_mrelease process_madvise remap_file_pages set_mempolicy "
	"set_mempolicy_home_node",
	/* processes */
	"arch_prctl capget capset execve execveat exit exit_group fork get_robust_list "
	"get_thread_area getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 "
	"getgroups getgroups32 getpgid getpgrp getpid getppid getpriority getresgid "
	"getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid "
	"getuid32 ioprio_get ioprio_set kill landlock_add_rule "
	"landlock_create_ruleset landlock_restrict_self modify_ldt pidfd_getfd "
	"pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv "
	"process_vm_writev ptrace rseq sched_get_priority_max sched_get_priority_min "
	"sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
	"sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity "
	"sched_setattr sched_setparam sched_setscheduler sched_yield seccomp "
	"set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid "
	"setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setpriority setregid "
	"setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 "
	"setrlimit setsid setuid setuid32 sysinfo times ugetrlimit uname vfork wait4 "
	"waitid waitpid",
	/* signals, time, locks */
	"alarm clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
	"clock_nanosleep clock_nanosleep_time64 futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake getitimer gettimeofday nanosleep pause "
	"restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
	"rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
	"rt_tgsigqueueinfo setitimer sigaltstack signal sigpending sigprocmask "
	"sigreturn sigsuspend tgkill time timer_create timer_delete timer_getoverrun "
	"timer_gettime timer_gettime64 timer_settime timer_settime64 tkill getrandom "
	"adjtimex clock_adjtime clock_adjtime64",
	/* talking */
	"accept accept4 bind connect getpeername getsockname getsockopt ipc listen "
	"mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
	"mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd pipe "
	"pipe2 recv recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop "
	"semtimedop semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat "
	"shmctl shmdt shmget shutdown socketpair io_cancel io_destroy io_getevents "
	"io_pgetevents io_pgetevents_time64 io_setup io_submit",
};

/* A C library that meets EPERM here gives up, with ENOSYS it takes clone(), whose flags a filter
 * can see. */
static const char *const absent[] = { "clone3" };

/* Of the allowed ones, those that a strict profile denies too: what few programs need and where holes
 * of the kernel were found: debugging, asynchronous I/O of old, System V and POSIX queues, keys of
 * memory, and handing descriptors of others around. */
static const char *const rare[] = {
	"ptrace process_vm_readv process_vm_writev pidfd_getfd process_madvise process_mrelease",
	"io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64",
	"ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat "
	"shmctl shmdt shmget mq_getsetattr mq_notify mq_open mq_timedreceive "
	"mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink",
	"memfd_secret pkey_alloc pkey_free pkey_mprotect map_shadow_stack mbind set_mempolicy "
	"set_mempolicy_home_node get_mempolicy remap_file_pages modify_ldt",
	"chroot vmsplice adjtimex clock_adjtime clock_adjtime64 "
	"cachestat seccomp",
};

/* What a profile with namespaces of its own adds; clone and unshare have no condition then. */
static const char *const nested[] = {
	"clone unshare setns mount umount umount2 pivot_root sethostname setdomainname",
};

enum {
	CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
};
#define CLONE_TIME                                                                                 \
	0x80u /* CLONE_NEWTIME: for unshare(2); in clone(2) the bit is part of the signal */

/* Numbers that the kernel cuts to 32 bits must be compared as such: the full value of a denied
 * number could be hidden in the upper half. Exact values of an allow-list are safe as they are. */
static const struct conditional {
	const char *name;
	unsigned int arg[2];
	const char *op[2]; /* NULL: no second */
	uint64_t value[2], value_two[2];
} conditional[] = {
	{ "clone", { 0 }, { "SCMP_CMP_MASKED_EQ" }, { CLONE_NAMESPACES }, { 0 } },
	{ "unshare", { 0 }, { "SCMP_CMP_MASKED_EQ" }, { CLONE_NAMESPACES | CLONE_TIME }, { 0 } },
	{ "socket", { 0 }, { "SCMP_CMP_EQ" }, { AF_UNIX } },
	{ "socket", { 0 }, { "SCMP_CMP_EQ" }, { AF_INET } },
	{ "socket", { 0 }, { "SCMP_CMP_EQ" }, { AF_INET6 } },
	{ "socket", { 0, 2 }, { "SCMP_CMP_EQ", "SCMP_CMP_EQ" }, { AF_NETLINK, NETLINK_ROUTE } },
	{ "socket", { 0, 2 }, { "SCMP_CMP_EQ", "SCMP_CMP_EQ" }, { AF_NETLINK, NETLINK_SOCK_DIAG } },
	/* Linux, Linux 32-bit uname, without address randomisation (debuggers), both; ask only */
	{ "personality", { 0 }, { "SCMP_CMP_EQ" }, { 0x0 } },
	{ "personality", { 0 }, { "SCMP_CMP_EQ" }, { 0x8 } },
	{ "personality", { 0 }, { "SCMP_CMP_EQ" }, { 0x40000 } },
	{ "personality", { 0 }, { "SCMP_CMP_EQ" }, { 0x40008 } },
	{ "personality", { 0 }, { "SCMP_CMP_EQ" }, { 0xffffffff } },
};

/* Typing into another's terminal, the console's selection buffer, and line disciplines. And what takes a
 * file out of the project that its disk's quota is about: its number, or the flag by which new files get
 * it, which FS_IOC_SETFLAGS changes among others; a filter can't see which. */
static const uint32_t denied_ioctls[] = { TIOCSTI, TIOCLINUX, TIOCSETD, FS_IOC_FSSETXATTR,
	(uint32_t)FS_IOC_SETFLAGS };

enum { PREFIX_ROOM = 128 };

size_t profile_all_but(
	const uint32_t *values, size_t count, struct profile_prefix *ret, size_t room)
{
	struct profile_prefix open[16], next[16];
	size_t open_count = 1, total = 0;

	open[0] = (struct profile_prefix){ 0, 0 };
	/* Walk down the bits: of each prefix that still holds a value both halves are looked at; a
	   half without any is part of the answer, one with some goes on. */
	for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1) {
		size_t next_count = 0;

		for (size_t i = 0; i < open_count * 2; i++) {
			struct profile_prefix half = { open[i / 2].mask | bit,
				open[i / 2].value | (i % 2 ? bit : 0) };
			bool holds = false;

			for (size_t k = 0; k < count; k++)
				holds = holds || (values[k] & half.mask) == half.value;
			if (holds && next_count < ARRAY_SIZE(next))
				next[next_count++] = half;
			else if (!holds && total < room)
				ret[total++] = half;
		}
		open_count = next_count;
		for (size_t i = 0; i < next_count; i++)
			open[i] = next[i];
	}
	return total;
}

static void write_arg(struct json_writer *w, unsigned int index, const char *op, uint64_t value,
	uint64_t value_two)
{
	json_object_begin(w, NULL);
	json_add_u64(w, "index", index);
	json_add_u64(w, "value", value);
	json_add_u64(w, "valueTwo", value_two);
	json_add_string(w, "op", op);
	json_object_end(w);
}

static void write_rule_head(struct json_writer *w, const char *name)
{
	json_object_begin(w, NULL);
	json_array_begin(w, "names");
	json_add_string(w, NULL, name);
	json_array_end(w);
	json_add_string(w, "action", "SCMP_ACT_ALLOW");
	json_array_begin(w, "args");
}

static void write_rule_end(struct json_writer *w)
{
	json_array_end(w);
	json_object_end(w);
}

static bool is_nested_call(const char *name)
{
	return str_eq(name, "clone") || str_eq(name, "unshare");
}

static void write_conditional(struct json_writer *w, unsigned int traits)
{
	for (size_t i = 0; i < ARRAY_SIZE(conditional); i++) {
		const struct conditional *c = &conditional[i];

		if ((traits & PROFILE_NESTED_NAMESPACES) && is_nested_call(c->name))
			continue;
		if ((traits & PROFILE_SMALL_FILTER) && str_eq(c->name, "socket") && c->op[1])
			continue; /* netlink */
		write_rule_head(w, c->name);
		for (size_t k = 0; k < 2 && c->op[k]; k++)
			write_arg(w, c->arg[k], c->op[k], c->value[k], c->value_two[k]);
		write_rule_end(w);
	}
}

/* "All but these", said as an allow-list: a rule that denies some values beside one that allows the
 * call would depend on which of the two a runtime takes first. */
static void write_ioctls(struct json_writer *w)
{
	struct profile_prefix prefixes[PREFIX_ROOM];
	size_t count =
		profile_all_but(denied_ioctls, ARRAY_SIZE(denied_ioctls), prefixes, PREFIX_ROOM);

	for (size_t i = 0; i < count; i++) {
		write_rule_head(w, "ioctl");
		write_arg(w, 1, "SCMP_CMP_MASKED_EQ", prefixes[i].mask, prefixes[i].value);
		write_rule_end(w);
	}
}

/* Is the word of `len` letters in one of the rows? */
static bool rows_have(const char *const *rows, size_t count, const char *word, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		for (const char *at = rows[i]; *at;) {
			size_t n = strcspn(at, " ");

			if (n == len && strncmp(at, word, len) == 0)
				return true;
			at += n + (at[n] == ' ');
		}
	}
	return false;
}

static void write_split(struct json_writer *w, const char *names, bool small)
{
	char name[48];

	while (*names) {
		size_t len = strcspn(names, " ");

		snprintf(name, sizeof(name), "%.*s", (int)len, names);
		if (!small || !rows_have(rare, ARRAY_SIZE(rare), names, len))
			json_add_string(w, NULL, name);
		names += len + (names[len] == ' ');
	}
}

static void write_names(struct json_writer *w, const char *const *groups, size_t count,
	const char *action, int code, bool small)
{
	json_object_begin(w, NULL);
	json_array_begin(w, "names");
	for (size_t i = 0; i < count; i++)
		write_split(w, groups[i], small);
	json_array_end(w);
	json_add_string(w, "action", action);
	if (code)
		json_add_i64(w, "errnoRet", code);
	json_object_end(w);
}

/* Native only: a 32-bit or x32 call would pass by every rule that names numbers of this
 * architecture. */
static const char *architecture(void)
{
#if defined(__x86_64__)
	return "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
	return "SCMP_ARCH_AARCH64";
#else
#error "no seccomp architecture for this machine"
#endif
}

void profile_write_seccomp(struct json_writer *w, const char *key, unsigned int traits)
{
	bool small = traits & PROFILE_SMALL_FILTER;

	json_object_begin(w, key);
	json_add_string(w, "defaultAction", "SCMP_ACT_ERRNO");
	json_add_i64(w, "defaultErrnoRet", EPERM);
	json_array_begin(w, "architectures");
	json_add_string(w, NULL, architecture());
	json_array_end(w);
	json_array_begin(w, "syscalls");
	write_names(w, allowed, ARRAY_SIZE(allowed), "SCMP_ACT_ALLOW", 0, small);
	if (traits & PROFILE_NESTED_NAMESPACES)
		write_names(w, nested, ARRAY_SIZE(nested), "SCMP_ACT_ALLOW", 0, false);
	write_names(w, absent, ARRAY_SIZE(absent), "SCMP_ACT_ERRNO", ENOSYS, false);
	write_conditional(w, traits);
	write_ioctls(w);
	json_array_end(w);
	json_object_end(w);
}
