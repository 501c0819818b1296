/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that no workspace needs, and the ways around a filter: other ABIs, high bits. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static enum verdict try_unshare(char *detail, long flags)
{
	(void)detail;
	return judge(unshare((int)flags));
}

static enum verdict try_clone(char *detail, long flags)
{
	long r = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	(void)detail;
	if (r == 0)
		_exit(0);
	return judge(r);
}

static enum verdict try_clone3(char *detail, long flags)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = { .flags = (uint64_t)flags, .exit_signal = SIGCHLD };
	long r = syscall(SYS_clone3, &args, sizeof(args));

	(void)detail;
	if (r == 0)
		_exit(0);
	return judge(r);
}

static enum verdict try_setns(char *detail, long arg)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY);

	(void)arg;
	if (fd < 0)
		return BLOCKED;
	say(detail, "setns");
	return judge(setns(fd, 0));
}

static enum verdict try_mount(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(mount("none", "/mnt", "tmpfs", 0, ""));
}

static enum verdict try_bind(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(mount("/etc", "/mnt", NULL, MS_BIND, NULL));
}

static enum verdict try_remount(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static enum verdict try_umount(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(umount2("/proc/kcore", MNT_DETACH));
}

/* A plain call with six zeros, or an invalid pointer where a pointer stands: a kernel that gets to read it answers
 * EFAULT, EINVAL or EBADF, which means that no filter and no capability stood before it. */
static enum verdict try_number(char *detail, long number)
{
	long r = syscall(number, 0, 0, 0, 0, 0, 0);

	if (r < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS))
		return BLOCKED;
	say(detail, "reached the kernel: %s", r < 0 ? strerror(errno) : "success");
	return LEAK;
}

static enum verdict try_socket(char *detail, long family)
{
	int fd = socket((int)family, SOCK_RAW, 0);

	if (fd < 0 && (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT))
		fd = socket((int)family, SOCK_SEQPACKET, 0);
	if (fd < 0 && (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT))
		fd = socket((int)family, SOCK_STREAM, 0);
	if (fd < 0 && errno == EAFNOSUPPORT) {
		say(detail, "the kernel has no family %ld", family);
		return ABSENT;
	}
	return judge(fd);
}

/* The family with a bit above 32 set: a filter that compares 64 bits lets it pass, the kernel takes an int. */
static enum verdict try_socket_high_bits(char *detail, long family)
{
	long r = syscall(SYS_socket, family | 1L << 32, SOCK_SEQPACKET, 0);

	if (r < 0 && errno == EAFNOSUPPORT) {
		say(detail, "the kernel has no family %ld", family);
		return ABSENT;
	}
	return judge(r);
}

static enum verdict try_raw_inet(char *detail, long family)
{
	(void)detail;
	return judge(socket((int)family, SOCK_RAW, IPPROTO_ICMP));
}

static enum verdict try_netlink(char *detail, long protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, (int)protocol);

	if (fd < 0 && errno == EPROTONOSUPPORT) {
		say(detail, "the kernel has no netlink protocol %ld", protocol);
		return ABSENT;
	}
	return judge(fd);
}

/* On a terminal of our own; bits above 32 as well. */
static enum verdict try_ioctl(char *detail, long request)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	char c = 'x';
	int zero = 0;
	void *arg = (unsigned int)request == TIOCSETD ? (void *)&zero : (void *)&c;

	if (fd < 0) {
		say(detail, "no /dev/ptmx: %s", strerror(errno));
		return LEAK;
	}
	return judge(syscall(SYS_ioctl, fd, request, arg));
}

static enum verdict try_keyring(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

static enum verdict try_open_by_handle(char *detail, long arg)
{
	struct {
		unsigned int bytes;
		int type;
		unsigned char handle[8];
	} root = { 8, 1, { 2 } }; /* inode 2 is the root of ext4 */
	int at = open("/etc/hostname", O_RDONLY);

	(void)detail;
	(void)arg;
	if (at < 0)
		at = open("/", O_RDONLY);
	return judge(syscall(SYS_open_by_handle_at, at, &root, O_RDONLY));
}

static enum verdict try_clock(char *detail, long arg)
{
	struct timespec now;

	(void)detail;
	(void)arg;
	clock_gettime(CLOCK_REALTIME, &now);
	return judge(clock_settime(CLOCK_REALTIME, &now));
}

static enum verdict try_syslog(char *detail, long arg)
{
	char text[64];

	(void)detail;
	(void)arg;
	return judge(klogctl(3, text, sizeof(text)));
}

static enum verdict try_hostname(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(sethostname("host", 4));
}

static enum verdict try_realtime(char *detail, long policy)
{
	struct sched_param p = { .sched_priority = 1 };

	(void)detail;
	return judge(sched_setscheduler(0, (int)policy, &p));
}

static enum verdict try_nice(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(setpriority(PRIO_PROCESS, 0, -1));
}

static enum verdict try_personality(char *detail, long persona)
{
	(void)detail;
	return judge(personality((unsigned long)persona));
}

#ifdef __x86_64__
/* The filter is for 64-bit calls: the other two ABIs of the processor must not be a way around it. */
static enum verdict try_x32(char *detail, long arg)
{
	(void)detail;
	(void)arg;
	return judge(syscall(0x40000000 | SYS_getpid));
}

static enum verdict try_i386(char *detail, long number)
{
	long r = number;

	(void)detail;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "cc");
	if (r < 0) {
		errno = (int)-r;
		return BLOCKED;
	}
	return LEAK;
}
#endif

static const struct technique items[] = {
	{ "unshare-user", try_unshare, CLONE_NEWUSER },
	{ "unshare-mount", try_unshare, CLONE_NEWNS },
	{ "unshare-pid", try_unshare, CLONE_NEWPID },
	{ "unshare-net", try_unshare, CLONE_NEWNET },
	{ "unshare-ipc", try_unshare, CLONE_NEWIPC },
	{ "unshare-uts", try_unshare, CLONE_NEWUTS },
	{ "unshare-cgroup", try_unshare, CLONE_NEWCGROUP },
	{ "unshare-time", try_unshare, CLONE_NEWTIME },
	{ "clone-user", try_clone, CLONE_NEWUSER },
	{ "clone-user-mount", try_clone, CLONE_NEWUSER | CLONE_NEWNS },
	{ "clone3-user", try_clone3, CLONE_NEWUSER },
	{ "setns", try_setns, 0 },
	{ "mount-tmpfs", try_mount, 0 },
	{ "mount-bind", try_bind, 0 },
	{ "remount-proc-sys", try_remount, 0 },
	{ "umount-mask", try_umount, 0 },
	{ "pivot_root", try_number, SYS_pivot_root },
	{ "fsopen", try_number, 430 },
	{ "fsmount", try_number, 432 },
	{ "fspick", try_number, 433 },
	{ "open_tree", try_number, 428 },
	{ "move_mount", try_number, 429 },
	{ "mount_setattr", try_number, 442 },
	{ "bpf", try_number, SYS_bpf },
	{ "perf_event_open", try_number, SYS_perf_event_open },
	{ "userfaultfd", try_number, SYS_userfaultfd },
	{ "io_uring_setup", try_number, 425 },
	{ "io_uring_enter", try_number, 426 },
	{ "io_uring_register", try_number, 427 },
	{ "add_key", try_number, SYS_add_key },
	{ "request_key", try_number, SYS_request_key },
	{ "keyctl", try_keyring, 0 },
	{ "fanotify_init", try_number, SYS_fanotify_init },
	{ "open_by_handle_at", try_open_by_handle, 0 },
	{ "kexec_load", try_number, SYS_kexec_load },
	{ "init_module", try_number, SYS_init_module },
	{ "finit_module", try_number, SYS_finit_module },
	{ "delete_module", try_number, SYS_delete_module },
	{ "reboot", try_number, SYS_reboot },
	{ "swapon", try_number, SYS_swapon },
	{ "acct", try_number, SYS_acct },
	{ "quotactl", try_number, SYS_quotactl },
	{ "kcmp", try_number, SYS_kcmp },
	{ "lookup_dcookie", try_number, 212 },
	{ "vhangup", try_number, SYS_vhangup },
	{ "a-number-nobody-has", try_number, 1000 },
	{ "socket-alg", try_socket, AF_ALG },
	{ "socket-alg-high-bits", try_socket_high_bits, AF_ALG },
	{ "socket-vsock", try_socket, AF_VSOCK },
	{ "socket-packet", try_socket, AF_PACKET },
	{ "socket-key", try_socket, AF_KEY },
	{ "socket-xdp", try_socket, 44 },
	{ "socket-bluetooth", try_socket, AF_BLUETOOTH },
	{ "socket-tipc", try_socket, AF_TIPC },
	{ "socket-can", try_socket, AF_CAN },
	{ "socket-raw-icmp", try_raw_inet, AF_INET },
	{ "netlink-netfilter", try_netlink, NETLINK_NETFILTER },
	{ "netlink-audit", try_netlink, NETLINK_AUDIT },
	{ "netlink-uevent", try_netlink, NETLINK_KOBJECT_UEVENT },
	{ "netlink-xfrm", try_netlink, NETLINK_XFRM },
	{ "ioctl-tiocsti", try_ioctl, TIOCSTI },
	{ "ioctl-tiocsti-high-bits", try_ioctl, TIOCSTI | 1L << 32 },
	{ "ioctl-tioclinux", try_ioctl, TIOCLINUX },
	{ "ioctl-tioclinux-high-bits", try_ioctl, TIOCLINUX | 1L << 32 },
	{ "ioctl-tiocsetd", try_ioctl, TIOCSETD },
	{ "clock_settime", try_clock, 0 },
	{ "syslog", try_syslog, 0 },
	{ "sethostname", try_hostname, 0 },
	{ "sched-fifo", try_realtime, SCHED_FIFO },
	{ "nice-below-zero", try_nice, 0 },
	{ "personality-no-randomize", try_personality, ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC },
#ifdef __x86_64__
	{ "abi-x32", try_x32, 0 },
	{ "abi-i386-getpid", try_i386, 20 },
	{ "iopl", try_number, SYS_iopl },
	{ "ioperm", try_number, SYS_ioperm },
#endif
};

const struct technique_list syscall_techniques = { items, ARRAY_SIZE(items) };
