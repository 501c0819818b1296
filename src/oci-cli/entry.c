/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.c - where the kernel enters mdocker-runtime: before the C library.
 *
 * Whoever starts a process in a container must not be writable through /proc/PID/exe (runtime/protect.h), so it goes over to a read-only mount
 * of its file: by mapping itself anew from there, or else by executing itself again. That has to be before the C library starts: its variables would
 * be lost, or its start paid twice, which takes 0.3 ms where CPUID is emulated (any virtual machine). So it is done here, by bare system calls.
 * What doesn't work is left to protect_self(), which knows other ways.
 *
 * Nothing is set up yet: no thread-local storage (hence no stack protector), no relocation (hence no table of pointers), no errno.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

BARE long bare6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
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

BARE long bare6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "entry.c: write the entry for this architecture"
#endif

BARE long bare(long nr, long a, long b, long c, long d, long e)
{
	return bare6(nr, a, b, c, d, e, 0);
}

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

	if (!name)
		return -1;
	for (; *prefix; name++, prefix++) {
		if (*name != *prefix)
			return -1;
	}
	for (; *name >= '0' && *name <= '9' && fd < 1 << 20; name++)
		fd = fd * 10 + (*name - '0');
	/* 0 to 2 are what the caller closed, and to be filled otherwise. */
	return *name == '\0' && fd > 2 && is_readonly(fd) ? fd : -1;
}

/* Behind the environment lies the auxiliary vector. 0: it says nothing of that. */
BARE unsigned long auxiliary(char **envp, unsigned long type)
{
	const Elf64_auxv_t *at;

	while (*envp)
		envp++;
	for (at = (const Elf64_auxv_t *)(envp + 1); at->a_type != AT_NULL; at++) {
		if (at->a_type == type)
			return at->a_un.a_val;
	}
	return 0;
}

/* A loop that the compiler doesn't make a memset() of: that can't be called yet. */
BARE void clear(unsigned long from, unsigned long to)
{
	for (; from < to; from++)
		*(volatile char *)from = 0;
}

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* Where the program lies. The compiler must not know what is added to it: it would put the sums into memory, where nobody has relocated them yet. */
BARE unsigned long image_base(void)
{
	unsigned long base = (unsigned long)&__ehdr_start;

	__asm__ volatile("" : "+r"(base));
	return base;
}

/* Maps each segment once more from `exe`, in its place: what is there stays the same, but for variables, which are as they were in the
 * beginning; and nothing is left of the mount that the kernel mapped them from. */
BARE bool map_again(long exe, unsigned long page)
{
	unsigned long base = image_base();
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(base + head->e_phoff);

	for (int i = 0; i < head->e_phnum; i++, p++) {
		unsigned long begin = base + p->p_vaddr, end = begin + p->p_filesz;
		unsigned long first = begin & -page, behind = (end + page - 1) & -page;
		int access = (p->p_flags & PF_R ? PROT_READ : 0) |
			     (p->p_flags & PF_W ? PROT_WRITE : 0) |
			     (p->p_flags & PF_X ? PROT_EXEC : 0);

		if (p->p_type != PT_LOAD)
			continue;
		if (bare6(SYS_mmap, (long)first, (long)(behind - first), access,
			    MAP_PRIVATE | MAP_FIXED, exe,
			    (long)(p->p_offset & -page)) != (long)first)
			return false;
		if (p->p_memsz > p->p_filesz)
			clear(end, behind);
	}
	return true;
}

/* The process's executable is `exe` from now on. The call sets more at once: of that the heap's place and that of the arguments and the environment,
 * one behind the other as the kernel laid them, are what they were; the rest only has to be in order. */
BARE bool name_executable(long exe, char **argv, char **envp)
{
	unsigned long image = image_base();
	struct prctl_mm_map map;

	map.start_code = image;
	map.end_code = map.start_data = map.end_data = image + sizeof(Elf64_Ehdr);
	map.start_brk = map.brk = (uint64_t)bare(SYS_brk, 0, 0, 0, 0, 0);
	map.start_stack = (uint64_t)(argv - 1);
	map.arg_start = (uint64_t)argv[0];
	map.env_end = auxiliary(envp, AT_EXECFN);
	map.arg_end = map.env_start = envp[0] ? (uint64_t)envp[0] : map.env_end;
	map.auxv = NULL;
	map.auxv_size = 0;
	map.exe_fd = (uint32_t)exe;
	return bare(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof(map), 0) == 0;
}

/* Goes over to the mount `tree` without another execve, which takes longer. What fails leaves a program that can be executed. */
BARE bool move_to(long tree, char **argv, char **envp)
{
	char path[] = "/proc/self/fd/NN";
	char *digit = path + sizeof("/proc/self/fd/") - 1;
	bool moved;
	long exe;

	if (tree > 99)
		return false;
	if (tree > 9)
		*digit++ = (char)('0' + tree / 10);
	*digit++ = (char)('0' + tree % 10);
	*digit = '\0';
	exe = bare(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
	if (exe < 0)
		return false;
	moved = map_again(exe, auxiliary(envp, AT_PAGESZ)) && name_executable(exe, argv, envp);
	bare(SYS_close, exe, 0, 0, 0, 0);
	return moved;
}

/* The mount's descriptor stays open: closing it waits for all CPUs, which a `run` has time for only while the container runs. */
BARE void protect_early(long exe, char **argv, char **envp)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	long tree = bare(SYS_open_tree, exe, (long)"", OPEN_TREE_CLONE | AT_EMPTY_PATH, 0, 0);

	if (tree < 0)
		return;
	if (bare(SYS_mount_setattr, tree, (long)"", AT_EMPTY_PATH, (long)&readonly,
		    sizeof(readonly)) == 0) {
		if (tree > 2 && move_to(tree, argv, envp)) {
			protect_mount = (int)tree;
			return;
		}
		bare(SYS_execveat, tree, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH);
	}
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
	protect_mount = executed_fd((const char *)auxiliary(envp, AT_EXECFN));
	if (protect_mount >= 0)
		return;
	exe = bare(SYS_openat, AT_FDCWD, (long)"/proc/self/exe", O_RDONLY | O_CLOEXEC, 0, 0);
	if (exe < 0)
		return;
	if (!is_readonly(exe))
		protect_early(exe, argv, envp);
	bare(SYS_close, exe, 0, 0, 0, 0);
}
