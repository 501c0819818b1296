/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/poison.h"

/* Newer Landlock than the headers of the oldest distribution that we build on. */
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP    (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif

struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* from ABI 4 */
	uint64_t scoped;             /* from ABI 6 */
};

enum {
	FS_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	SCOPE_ALL = 3, /* abstract unix sockets, signals */
};

/* What SQLite and the audit log do below the folder: read and write files, make and remove them, list. */
enum {
	FS_ALLOWED = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		     LANDLOCK_ACCESS_FS_MAKE_REG,
};

static int restrict_files(const struct sandbox *s, struct md_error *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { .handled_access_fs = FS_ABI_1 };
	size_t size = sizeof(r.handled_access_fs);
	_auto_close_ int fd = -1;

	if (abi < 1)
		return 0; /* chroot, the uid and seccomp stand alone then */
	r.handled_access_fs |= abi >= 2 ? FS_REFER : 0;
	r.handled_access_fs |= abi >= 3 ? FS_TRUNCATE : 0;
	r.handled_access_fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	if (abi >= 4) {
		r.handled_access_net =
			LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
		size += sizeof(r.handled_access_net);
	}
	if (abi >= 6) {
		r.scoped = SCOPE_ALL;
		size += sizeof(r.scoped);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return md_fail_errno(err, "make the Landlock rules");
	if (s->files) {
		_auto_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct landlock_path_beneath_attr below = {
			.allowed_access = FS_ALLOWED | (abi >= 3 ? FS_TRUNCATE : 0),
			.parent_fd = root,
		};

		if (root < 0 || syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
					&below, 0) < 0)
			return md_fail_errno(err, "make the Landlock rules");
	}
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return md_fail_errno(err, "enter the Landlock rules");
	return 0;
}

/* clang-format off */
static const int always[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(lseek),
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_create1),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(timerfd_settime), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(fstat), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(dup),
	SCMP_SYS(membarrier), SCMP_SYS(rseq), SCMP_SYS(set_robust_list),
};

static const int for_files[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(getcwd), SCMP_SYS(readlink), SCMP_SYS(getdents64), SCMP_SYS(fchmod), SCMP_SYS(fchown),
	SCMP_SYS(fstatfs), SCMP_SYS(utimensat), SCMP_SYS(umask), SCMP_SYS(mkdir), SCMP_SYS(rmdir),
};

static const int for_network[] = {
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt), SCMP_SYS(recvmmsg),
};

/* What may be set on a socket: nothing that outlives this process on the listener, which its successor gets (a packet filter). */
static const struct {
	int level, option;
} options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE }, { IPPROTO_TCP, TCP_NODELAY },
};

/* Libraries probe for files that don't matter (time zones, OpenSSL's configuration): told "no" instead of killed. */
static const int refused[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(getcwd), SCMP_SYS(socket), SCMP_SYS(statfs),
};
/* clang-format on */

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) < 0)
			return -1;
	}
	return 0;
}

/* No memory that can be executed: neither mapped so nor changed to it. fcntl but for owners and setting seals, ioctl for the two that
 * sockets need, threads but no processes. */
static int allow_some(scmp_filter_ctx filter, const struct sandbox *s)
{
	enum { FIONREAD_REQUEST = 0x541b, FIONBIO_REQUEST = 0x5421 };
	static const int control[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC, F_SETLK,
		F_SETLKW, F_GETLK, F_OFD_SETLK, F_OFD_GETLK, F_OFD_SETLKW, F_GET_SEALS };
	int r = 0;

	/* TCP "fast open" connects with the first bytes, and Landlock does not see it. */
	r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
		SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	for (int i = 0; i < 2; i++)
		r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW,
			i ? SCMP_SYS(mmap) : SCMP_SYS(mprotect), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; i < ARRAY_SIZE(control); i++)
		r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
			SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)control[i]));
	r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, FIONREAD_REQUEST));
	r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, FIONBIO_REQUEST));
	/* abort() of our own: a signal to this process only. */
	r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	r |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	if (s->threads) {
		r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS,
				CLONE_THREAD));
		/* Its flags lie in memory, where a filter can't look. */
		r |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	}
	return r < 0 ? -1 : 0;
}

/* Of its sockets web may end its own side only: shutting down the reading side of the listener would end it for all who share it. */
static int allow_sockets(scmp_filter_ctx filter)
{
	int r = allow_all(filter, for_network, ARRAY_SIZE(for_network));

	r |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(shutdown), 1, SCMP_A1(SCMP_CMP_EQ, SHUT_WR));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		r |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
			SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level),
			SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].option));
	return r < 0 ? -1 : 0;
}

static int restrict_calls(const struct sandbox *s, struct md_error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = -1;

	if (!filter)
		return md_fail(err, ENOMEM, "make the system call filter");
	if (allow_all(filter, always, ARRAY_SIZE(always)) < 0 || allow_some(filter, s) < 0)
		goto out;
	if (s->files && allow_all(filter, for_files, ARRAY_SIZE(for_files)) < 0)
		goto out;
	if (s->network && allow_sockets(filter) < 0)
		goto out;
	for (size_t i = 0; i < ARRAY_SIZE(refused) && !s->files; i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0) < 0)
			goto out;
	}
	/* The default is to end one thread, and a role that lacks one hangs. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		goto out;
	r = seccomp_load(filter);
out:
	seccomp_release(filter);
	if (r < 0)
		return md_fail(err, EINVAL, "load the system call filter");
	return 0;
}

static int drop_identity(const struct sandbox *s, struct md_error *err)
{
	cap_t none;
	int r;

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return md_fail_errno(err, "drop a capability");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
		setresuid(s->uid, s->uid, s->uid) < 0)
		return md_fail_errno(err, "become uid %u", s->uid);
	none = cap_init();
	r = none ? cap_set_proc(none) : -1;
	cap_free(none);
	if (r < 0)
		return md_fail_errno(err, "drop the capabilities");
	return 0;
}

int sandbox_enter(const struct sandbox *s, struct md_error *err)
{
	pid_t parent = getppid();
	struct rlimit no_core = { 0, 0 }, files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (chroot(s->root) < 0 || chdir("/") < 0)
		return md_fail_errno(err, "enter the folder '%s'", s->root);
	if (drop_identity(s, err) < 0)
		return -1;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return md_fail_errno(err, "give up privileges");
	/* After the change of uid, which clears it; a parent that died meanwhile is seen by the second look. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		return md_fail(err, ESRCH, "the broker is gone");
	if (restrict_files(s, err) < 0)
		return -1;
	return restrict_calls(s, err);
}
