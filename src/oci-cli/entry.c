/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.c - where the kernel enters mdocker-runtime: before the C library.
 *
 * Whoever starts a process in a container must not be writable through /proc/PID/exe (runtime/protect.h), so it executes itself again
 * from a read-only mount. The C library's start takes half a millisecond where CPUID is emulated (any virtual machine), which would be paid twice;
 * so this is done here, by bare system calls. What doesn't work is left to protect_self(), which knows other ways.
 *
 * Nothing is set up yet: no thread-local storage (hence no stack protector), no relocation (hence no table of pointers), no errno.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/compiler.h"
#include "runtime/protect.h"
#include "sys/kernel.h"
#include "base/poison.h"

#define BARE static __attribute__((no_stack_protector))

#if defined(__x86_64__)

__asm__(".globl md_entry\n"
	".hidden md_entry\n"
	".type md_entry, @function\n"
	"md_entry:\n"
	"	endbr64\n"
	"	mov %rsp, %rbx\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call md_protect_early\n"
	"	mov %rbx, %rsp\n"
	"	xor %edx, %edx\n" /* no function for atexit(3) */
	"	jmp _start\n");

BARE long bare(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

__asm__(".globl md_entry\n"
	".hidden md_entry\n"
	".type md_entry, %function\n"
	"md_entry:\n"
	"	mov x19, sp\n"
	"	mov x0, sp\n"
	"	bl md_protect_early\n"
	"	mov sp, x19\n"
	"	mov x0, #0\n" /* no function for atexit(3) */
	"	b _start\n");

BARE long bare(long nr, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

#else
#error "entry.c: write the entry for this architecture"
#endif

BARE bool is_word(const char *arg, const char *word)
{
	while (*arg && *arg == *word) {
		arg++;
		word++;
	}
	return *arg == *word;
}

/* True if a process may be started in a container. A container of such a name only costs a little time. */
BARE bool starts_process(char **argv)
{
	for (; *argv; argv++) {
		if (is_word(*argv, "run") || is_word(*argv, "create") || is_word(*argv, "exec"))
			return true;
	}
	return false;
}

BARE bool is_readonly(long fd)
{
	struct statfs fs;

	return bare(SYS_fstatfs, fd, (long)&fs, 0, 0, 0) == 0 && (fs.f_flags & ST_RDONLY);
}

/* The descriptor that we were executed by and that is still open: the kernel calls such a program "/dev/fd/N". -1: none. */
BARE int executed_fd(const char *name)
{
	const char *prefix = "/dev/fd/";
	int fd = 0;

	for (; *prefix; name++, prefix++) {
		if (*name != *prefix)
			return -1;
	}
	for (; *name >= '0' && *name <= '9' && fd < 1 << 20; name++)
		fd = fd * 10 + (*name - '0');
	/* 0 to 2 are what the caller closed, and to be filled otherwise. */
	return *name == '\0' && fd > 2 && is_readonly(fd) ? fd : -1;
}

/* Behind the environment lies the auxiliary vector. */
BARE const char *executed_name(char **envp)
{
	const Elf64_auxv_t *at;

	while (*envp)
		envp++;
	for (at = (const Elf64_auxv_t *)(envp + 1); at->a_type != AT_NULL; at++) {
		if (at->a_type == AT_EXECFN)
			return (const char *)at->a_un.a_val;
	}
	return "";
}

/* The mount's descriptor stays open: closing it waits for all CPUs, which a `run` has time for only while the container runs. */
BARE void execute_readonly(long exe, char **argv, char **envp)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	long tree = bare(SYS_open_tree, exe, (long)"", OPEN_TREE_CLONE | AT_EMPTY_PATH, 0, 0);

	if (tree < 0)
		return;
	if (bare(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH, (long)&readonly,
		    sizeof(readonly)) == 0)
		bare(SYS_execveat, tree, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH);
	bare(SYS_close, tree, 0, 0, 0, 0);
}

/* The stack as the kernel made it: argc, argv, NULL, envp, NULL. */
__attribute__((no_stack_protector, used, visibility("hidden"))) void md_protect_early(long *stack);

void md_protect_early(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + stack[0] + 1;
	long exe;

	if (stack[0] < 2 || !starts_process(argv + 1))
		return;
	protect_mount = executed_fd(executed_name(envp));
	if (protect_mount >= 0)
		return;
	exe = bare(SYS_openat, AT_FDCWD, (long)"/proc/self/exe", O_RDONLY | O_CLOEXEC, 0, 0);
	if (exe < 0)
		return;
	if (!is_readonly(exe))
		execute_readonly(exe, argv, envp);
	bare(SYS_close, exe, 0, 0, 0, 0);
}
