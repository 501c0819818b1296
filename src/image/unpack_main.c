/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mdocker-unpack MAX_BYTES MAX_ENTRIES - the program behind unpacker.h. Started by
 * image/ only.
 *
 * Before the first byte of the archive is read: the folder is the root and no descriptor leads out
 * of it, the capabilities are those for making files of any owner, and the filter below leaves the
 * system calls for just that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <locale.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/unpacker.h"
#include "base/poison.h"

/* Memory for the largest dictionary of xz that its own tools make, and ours; a bomb's is refused by
 * malloc. */
enum { MEMORY_MAX = 1 << 30 };

static const int capabilities[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
	CAP_SETFCAP };

static const int system_calls[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(lseek),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(getdents64),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknodat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchownat),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(utimensat),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int drop_capabilities(struct md_error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		data[capabilities[i] / 32].permitted |= 1U << capabilities[i] % 32;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return md_fail_errno(err, "mdocker-unpack: capabilities");
	return 0;
}

static int load_filter(struct md_error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(system_calls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, system_calls[i], 0);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r == 0 ? 0 : md_fail(err, -r, "mdocker-unpack: system call filter");
}

static int enter_cage(struct md_error *err)
{
	struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

#ifdef __SANITIZE_ADDRESS__
	memory.rlim_cur = memory.rlim_max = RLIM_INFINITY; /* its shadow has 20 TB of addresses */
#endif
	umask(0);
	if (fchdir(UNPACKER_ROOT_FD) < 0 || chroot(".") < 0)
		return md_fail_errno(err, "mdocker-unpack: enter the folder");
	if (setrlimit(RLIMIT_AS, &memory) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return md_fail_errno(err, "mdocker-unpack: limits");
	if (drop_capabilities(err) < 0)
		return -1;
	return load_filter(err);
}

static int unpack(char **argv, struct unpack_result *ret, struct md_error *err)
{
	struct unpack_options o = { .max_bytes = 0 };
	/* Read from the host's files before they are out of reach. */
	locale_t names = unpack_locale();

	if (str_to_u64(argv[1], UINT64_MAX, &o.max_bytes) < 0 ||
		str_to_u64(argv[2], UINT64_MAX, &o.max_entries) < 0)
		return md_fail(err, EINVAL, "mdocker-unpack: bad limits");
	if (!names)
		return md_fail_errno(err, "mdocker-unpack: locale C.UTF-8");
	o.locale = names;
	if (enter_cage(err) < 0)
		return -1;
	return unpack_tar(STDIN_FILENO, UNPACKER_ROOT_FD, &o, ret, err);
}

int main(int argc, char **argv)
{
	struct unpacker_outcome outcome = { 0 };

	if (argc != 3) {
		fprintf(stderr, "mdocker-unpack is started by mdocker\n");
		return 125;
	}
	unpack(argv, &outcome.result, &outcome.error);
	if (fd_write_all(UNPACKER_OUTCOME_FD, &outcome, sizeof(outcome)) < 0)
		_exit(1);
	_exit(outcome.error.code ? 1 : 0);
}
