/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_compile.c - a profile into a program by libseccomp, and the cache of programs.
 *
 * A cache file is named by a hash of everything that the program depends on, and starts with that
 * hash and one of its contents: a file cut short or changed is not used but written anew.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/seccomp.h"

#include "base/poison.h"

/* FNV-1a, twice with different starts: no secret is guarded by it, the folder is root's alone. */
struct digest {
	uint64_t a, b;
};

static void digest_add(struct digest *d, const void *data, size_t len)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < len; i++) {
		d->a = (d->a ^ at[i]) * 0x100000001b3ULL;
		d->b = (d->b ^ at[i]) * 0x00000100000001b3ULL + 0x9e3779b97f4a7c15ULL;
	}
}

static void digest_number(struct digest *d, uint64_t n)
{
	digest_add(d, &n, sizeof(n));
}

/* The terminating NUL goes in too: "a","b" is not "ab". */
static void digest_str(struct digest *d, const char *s)
{
	digest_add(d, s, strlen(s) + 1);
}

static void digest_rule(struct digest *d, const struct oci_seccomp_rule *rule)
{
	digest_number(d, rule->names.count);
	for (size_t i = 0; i < rule->names.count; i++)
		digest_str(d, rule->names.items[i]);
	digest_number(d, rule->action);
	digest_number(d, rule->errno_ret);
	digest_number(d, rule->arg_count);
	for (size_t i = 0; i < rule->arg_count; i++) {
		digest_number(d, rule->args[i].index);
		digest_number(d, rule->args[i].value);
		digest_number(d, rule->args[i].value_two);
		digest_number(d, rule->args[i].op);
	}
}

static struct digest profile_digest(const struct oci_seccomp *s)
{
	struct digest d = { 0xcbf29ce484222325ULL, 0x84222325cbf29ce4ULL };
	const struct scmp_version *library = seccomp_version();
	struct utsname host;

	digest_str(&d, "minidocker-seccomp-2");
	digest_number(&d, library->major);
	digest_number(&d, library->minor);
	digest_number(&d, library->micro);
	if (uname(&host) == 0) {
		digest_str(&d, host.release);
		digest_str(&d, host.machine);
	}
	digest_number(&d, s->default_action);
	digest_number(&d, s->default_errno);
	digest_number(&d, s->architectures.count);
	for (size_t i = 0; i < s->architectures.count; i++)
		digest_str(&d, s->architectures.items[i]);
	digest_number(&d, s->rule_count);
	for (size_t i = 0; i < s->rule_count; i++)
		digest_rule(&d, &s->rules[i]);
	return d;
}

static uint32_t scmp_action(enum oci_seccomp_action action, uint32_t errno_ret)
{
	switch (action) {
	case OCI_SECCOMP_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	case OCI_SECCOMP_KILL_PROCESS:
		return SCMP_ACT_KILL_PROCESS;
	case OCI_SECCOMP_TRAP:
		return SCMP_ACT_TRAP;
	case OCI_SECCOMP_ERRNO:
		return SCMP_ACT_ERRNO(errno_ret);
	case OCI_SECCOMP_TRACE:
		return SCMP_ACT_TRACE(errno_ret);
	case OCI_SECCOMP_ALLOW:
		return SCMP_ACT_ALLOW;
	case OCI_SECCOMP_LOG:
		return SCMP_ACT_LOG;
	case OCI_SECCOMP_NOTIFY:
		return SCMP_ACT_NOTIFY;
	}
	return SCMP_ACT_KILL_PROCESS;
}

static enum scmp_compare scmp_op(enum oci_seccomp_op op)
{
	static const enum scmp_compare ops[] = {
		[OCI_SECCOMP_NE] = SCMP_CMP_NE,
		[OCI_SECCOMP_LT] = SCMP_CMP_LT,
		[OCI_SECCOMP_LE] = SCMP_CMP_LE,
		[OCI_SECCOMP_EQ] = SCMP_CMP_EQ,
		[OCI_SECCOMP_GE] = SCMP_CMP_GE,
		[OCI_SECCOMP_GT] = SCMP_CMP_GT,
		[OCI_SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};

	return ops[op];
}

static struct scmp_arg_cmp scmp_arg(const struct oci_seccomp_arg *a)
{
	struct scmp_arg_cmp c = { .arg = a->index, .op = scmp_op(a->op), .datum_a = a->value };

	if (a->op == OCI_SECCOMP_MASKED_EQ)
		c.datum_b = a->value_two;
	return c;
}

/* libseccomp takes one comparison an argument in a rule; more of them mean "or", as engines have
 * it. */
static bool has_repeated_argument(const struct oci_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->arg_count; i++) {
		if (seen & 1U << rule->args[i].index)
			return true;
		seen |= 1U << rule->args[i].index;
	}
	return false;
}

static int add_call(
	scmp_filter_ctx filter, const struct oci_seccomp_rule *rule, uint32_t action, int number)
{
	struct scmp_arg_cmp args[6];

	if (has_repeated_argument(rule)) {
		for (size_t i = 0; i < rule->arg_count; i++) {
			struct scmp_arg_cmp one = scmp_arg(&rule->args[i]);
			int r = seccomp_rule_add_array(filter, action, number, 1, &one);

			if (r < 0)
				return r;
		}
		return 0;
	}
	for (size_t i = 0; i < rule->arg_count; i++)
		args[i] = scmp_arg(&rule->args[i]);
	return seccomp_rule_add_array(filter, action, number, (unsigned int)rule->arg_count, args);
}

static int add_rules(scmp_filter_ctx filter, const struct oci_seccomp *s, uint32_t default_action,
	struct md_error *err)
{
	for (size_t i = 0; i < s->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &s->rules[i];
		uint32_t action = scmp_action(rule->action, rule->errno_ret);

		/* The library refuses a rule that says what happens anyway. */
		if (action == default_action)
			continue;
		for (size_t n = 0; n < rule->names.count; n++) {
			int number = seccomp_syscall_resolve_name(rule->names.items[n]);
			int r = number == __NR_SCMP_ERROR ? 0
							  : add_call(filter, rule, action, number);

			if (r < 0)
				return md_fail(err, -r, "linux.seccomp.syscalls[%zu]: %s: %s", i,
					rule->names.items[n], strerror(-r));
		}
	}
	return 0;
}

/* 0: no such architecture. */
static uint32_t arch_token(const char *given)
{
	char name[32];

	if (str_starts(given, "SCMP_ARCH_"))
		given += strlen("SCMP_ARCH_");
	snprintf(name, sizeof(name), "%s", given);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	return seccomp_arch_resolve_name(name);
}

static int add_architectures(
	scmp_filter_ctx filter, const struct oci_seccomp *s, struct md_error *err)
{
	for (size_t i = 0; i < s->architectures.count; i++) {
		uint32_t token = arch_token(s->architectures.items[i]);
		int r;

		if (token == 0)
			return md_fail(err, EINVAL,
				"linux.seccomp.architectures[%zu]: '%s' is not known", i,
				s->architectures.items[i]);
		r = seccomp_arch_add(filter, token);
		if (r < 0 && r != -EEXIST)
			return md_fail(err, -r, "linux.seccomp.architectures[%zu]: %s: %s", i,
				s->architectures.items[i], strerror(-r));
	}
	return 0;
}

/* The highest number that a rule names. */
static int newest_call(const struct oci_seccomp *s, uint32_t arch)
{
	int newest = -1;

	for (size_t i = 0; i < s->rule_count; i++) {
		const struct oci_strs *names = &s->rules[i].names;

		for (size_t n = 0; n < names->count; n++)
			newest = MD_MAX(
				newest, seccomp_syscall_resolve_name_arch(arch, names->items[n]));
	}
	return newest;
}

/* ENOSYS for what is newer than all that the rules name, before the filter is asked. */
static int add_newer(struct buf *program, const struct oci_seccomp *s, uint32_t arch)
{
	enum { X32_BIT = 0x40000000 /* another ABI: the filter's affair */ };
	int newest = newest_call(s, arch);
	const struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)newest, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	return newest < 0 ? 0 : buf_add(program, steps, sizeof(steps));
}

static int add_newer_of_all(struct buf *program, const struct oci_seccomp *s)
{
	if (s->default_action != OCI_SECCOMP_ERRNO || s->default_errno == ENOSYS)
		return 0;
	if (add_newer(program, s, seccomp_arch_native()) < 0)
		return -1;
	for (size_t i = 0; i < s->architectures.count; i++) {
		uint32_t token = arch_token(s->architectures.items[i]);

		if (token != seccomp_arch_native() && add_newer(program, s, token) < 0)
			return -1;
	}
	return 0;
}

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int export(scmp_filter_ctx filter, struct buf *ret, struct md_error *err)
{
	_auto_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	_auto_free_ char *data = NULL;
	size_t len;
	int r;

	if (fd < 0)
		return md_fail_errno(err, "linux.seccomp: memfd_create");
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return md_fail(err, -r, "linux.seccomp: %s", strerror(-r));
	if (lseek(fd, 0, SEEK_SET) < 0 ||
		fd_read_to_end(fd, SECCOMP_PROGRAM_CEILING, &data, &len) < 0)
		return md_fail_errno(err, "linux.seccomp: read the program");
	return buf_add(ret, data, len) < 0 ? md_fail(err, E2BIG, "linux.seccomp: too long") : 0;
}

static int compile(const struct oci_seccomp *s, struct buf *ret, struct md_error *err)
{
	uint32_t action = scmp_action(s->default_action, s->default_errno);
	_auto_(release) scmp_filter_ctx filter = seccomp_init(action);

	if (!filter)
		return md_fail(err, EINVAL, "linux.seccomp: cannot make a filter");
	/* The runtime decides on no_new_privs; a binary tree makes long lists quick. Both may be
	 * unknown to an old library. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (add_architectures(filter, s, err) < 0 || add_rules(filter, s, action, err) < 0)
		return -1;
	if (add_newer_of_all(ret, s) < 0)
		return md_fail(err, ENOMEM, "linux.seccomp");
	return export(filter, ret, err);
}

struct cache_header {
	char magic[8];
	struct digest profile, program;
};

static const char cache_magic[8] = "MDBPF01";

/* A file that somebody else could have written is not believed. */
static bool file_is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 0077) == 0;
}

static bool cache_read(int dirfd, const char *name, const struct digest *profile, struct buf *ret)
{
	_auto_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct digest program = { 1, 2 };
	_auto_free_ char *data = NULL;
	struct cache_header h;
	size_t len;

	if (fd < 0 || !file_is_ours(fd) ||
		fd_read_to_end(fd, SECCOMP_PROGRAM_CEILING, &data, &len) < 0 || len <= sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	len -= sizeof(h);
	digest_add(&program, data + sizeof(h), len);
	if (memcmp(h.magic, cache_magic, sizeof(h.magic)) != 0 ||
		memcmp(&h.profile, profile, sizeof(*profile)) != 0 ||
		memcmp(&h.program, &program, sizeof(program)) != 0 ||
		len % sizeof(struct sock_filter) != 0)
		return false;
	return buf_add(ret, data + sizeof(h), len) == 0;
}

/* Without fsync: a file that a power cut spoils fails its hash. */
static void cache_write(
	int dirfd, const char *name, const struct digest *profile, const struct buf *program)
{
	struct cache_header h = { .profile = *profile, .program = { 1, 2 } };
	_auto_close_ int fd = -1;
	char temporary[64];

	memcpy(h.magic, cache_magic, sizeof(h.magic));
	digest_add(&h.program, program->data, program->len);
	snprintf(temporary, sizeof(temporary), ".%.40s.%d", name, (int)getpid());
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (fd_write_all(fd, &h, sizeof(h)) < 0 ||
		fd_write_all(fd, program->data, program->len) < 0 ||
		renameat(dirfd, temporary, dirfd, name) < 0) {
		log_debug("seccomp cache: %s: %s", name, strerror(errno));
		unlinkat(dirfd, temporary, 0);
	}
}

int seccomp_compile(const struct oci_seccomp *s, const char *cache_dir, struct buf *ret_program,
	struct md_error *err)
{
	struct digest profile = profile_digest(s);
	_auto_close_ int dirfd = -1;
	char name[48];

	snprintf(name, sizeof(name), "%016llx%016llx", (unsigned long long)profile.a,
		(unsigned long long)profile.b);
	if (cache_dir) {
		if (mkdir(cache_dir, 0700) < 0 && errno != EEXIST)
			log_debug("seccomp cache: make %s: %s", cache_dir, strerror(errno));
		dirfd = open(cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (dirfd >= 0 && cache_read(dirfd, name, &profile, ret_program))
		return 0;
	if (compile(s, ret_program, err) < 0)
		return -1;
	if (dirfd >= 0)
		cache_write(dirfd, name, &profile, ret_program);
	return 0;
}

const char *const *seccomp_arch_names(void)
{
	static const struct {
		uint32_t token;
		const char *name;
	} all[] = {
		{ SCMP_ARCH_AARCH64, "SCMP_ARCH_AARCH64" },
		{ SCMP_ARCH_ARM, "SCMP_ARCH_ARM" },
		{ SCMP_ARCH_MIPS, "SCMP_ARCH_MIPS" },
		{ SCMP_ARCH_MIPS64, "SCMP_ARCH_MIPS64" },
		{ SCMP_ARCH_MIPS64N32, "SCMP_ARCH_MIPS64N32" },
		{ SCMP_ARCH_MIPSEL, "SCMP_ARCH_MIPSEL" },
		{ SCMP_ARCH_MIPSEL64, "SCMP_ARCH_MIPSEL64" },
		{ SCMP_ARCH_MIPSEL64N32, "SCMP_ARCH_MIPSEL64N32" },
		{ SCMP_ARCH_PARISC, "SCMP_ARCH_PARISC" },
		{ SCMP_ARCH_PARISC64, "SCMP_ARCH_PARISC64" },
		{ SCMP_ARCH_PPC, "SCMP_ARCH_PPC" },
		{ SCMP_ARCH_PPC64, "SCMP_ARCH_PPC64" },
		{ SCMP_ARCH_PPC64LE, "SCMP_ARCH_PPC64LE" },
		{ SCMP_ARCH_RISCV64, "SCMP_ARCH_RISCV64" },
		{ SCMP_ARCH_S390, "SCMP_ARCH_S390" },
		{ SCMP_ARCH_S390X, "SCMP_ARCH_S390X" },
		{ SCMP_ARCH_X32, "SCMP_ARCH_X32" },
		{ SCMP_ARCH_X86, "SCMP_ARCH_X86" },
		{ SCMP_ARCH_X86_64, "SCMP_ARCH_X86_64" },
	};
	static const char *names[ARRAY_SIZE(all) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		names[i] = all[i].name;
	return names;
}
