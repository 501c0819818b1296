/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_devices.c - device rules: their order, and as a BPF program where the kernel has no list
 * of rules.
 *
 * The program (BPF_PROG_TYPE_CGROUP_DEVICE) tests the rules from the last to the first: the last
 * that matches decides, as with the list of old, where each rule changes what the earlier ones
 * left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

/* What every container may use whatever its rules say, and any node may be made (not opened). */
static const struct oci_device_rule defaults[] = {
	{ true, 'c', -1, -1, OCI_DEVICE_MKNOD }, { true, 'b', -1, -1, OCI_DEVICE_MKNOD },
	{ true, 'c', 1, 3, OCI_DEVICE_ALL },    /* null */
	{ true, 'c', 1, 8, OCI_DEVICE_ALL },    /* random */
	{ true, 'c', 1, 7, OCI_DEVICE_ALL },    /* full */
	{ true, 'c', 5, 0, OCI_DEVICE_ALL },    /* tty */
	{ true, 'c', 1, 5, OCI_DEVICE_ALL },    /* zero */
	{ true, 'c', 1, 9, OCI_DEVICE_ALL },    /* urandom */
	{ true, 'c', 136, -1, OCI_DEVICE_ALL }, /* pts */
	{ true, 'c', 5, 2, OCI_DEVICE_ALL },    /* ptmx */
};

static bool is_everything(const struct oci_device_rule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->access == OCI_DEVICE_ALL;
}

/* A rule for everything makes all before it void; with everything allowed at the end the defaults
 * are void too. */
int cgroup_device_rules(const struct oci_resources *r, struct oci_device_rule **ret,
	size_t *ret_count, struct md_error *err)
{
	static const struct oci_device_rule deny_all = { false, 'a', -1, -1, OCI_DEVICE_ALL };
	size_t from = 0, count = 0;
	struct oci_device_rule *rules;
	bool all = false;

	for (size_t i = 0; i < r->device_count; i++) {
		if (is_everything(&r->devices[i])) {
			from = i;
			all = r->devices[i].allow;
		} else if (!r->devices[i].allow) {
			all = false;
		}
	}
	rules = calloc(r->device_count - from + ARRAY_SIZE(defaults) + 1, sizeof(*rules));
	if (!rules)
		return md_fail(err, ENOMEM, "out of memory");
	if (from == r->device_count || !is_everything(&r->devices[from]))
		rules[count++] = deny_all;
	for (size_t i = from; i < r->device_count; i++)
		rules[count++] = r->devices[i];
	for (size_t i = 0; !all && i < ARRAY_SIZE(defaults); i++)
		rules[count++] = defaults[i];
	*ret = rules;
	*ret_count = count;
	return 0;
}

enum {
	INSNS_CEILING = 4096,
	REG_TYPE = BPF_REG_2,
	REG_ACCESS = BPF_REG_3,
	REG_MAJOR = BPF_REG_4,
	REG_MINOR = BPF_REG_5,
	REG_TEMP = BPF_REG_1,
};

struct program {
	struct bpf_insn insns[INSNS_CEILING];
	size_t count;
};

static void add(struct program *p, uint8_t code, int dst, int src, int16_t off, int32_t imm)
{
	if (p->count < INSNS_CEILING)
		p->insns[p->count] = (struct bpf_insn){ .code = code,
			.dst_reg = (uint8_t)dst & 0xf,
			.src_reg = (uint8_t)src & 0xf,
			.off = off,
			.imm = imm };
	p->count++;
}

/* The context has { access << 16 | type, major, minor }. */
static void add_prologue(struct program *p)
{
	enum { LOAD = BPF_LDX | BPF_MEM | BPF_W };

	add(p, LOAD, REG_TYPE, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	add(p, BPF_ALU | BPF_MOV | BPF_X, REG_ACCESS, REG_TYPE, 0, 0);
	add(p, BPF_ALU | BPF_AND | BPF_K, REG_TYPE, 0, 0, 0xffff);
	add(p, BPF_ALU | BPF_RSH | BPF_K, REG_ACCESS, 0, 0, 16);
	add(p, LOAD, REG_MAJOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	add(p, LOAD, REG_MINOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static void add_exit(struct program *p, bool allow)
{
	add(p, BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int32_t bpf_access(unsigned int access)
{
	return (access & OCI_DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (access & OCI_DEVICE_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & OCI_DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0);
}

static void add_rule(struct program *p, const struct oci_device_rule *d)
{
	enum { JNE = BPF_JMP | BPF_JNE | BPF_K };
	size_t jumps[4], jump_count = 0;

	if (d->type != 'a') {
		jumps[jump_count++] = p->count;
		add(p, JNE, REG_TYPE, 0, 0,
			d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	}
	if (d->access != OCI_DEVICE_ALL) {
		add(p, BPF_ALU | BPF_MOV | BPF_X, REG_TEMP, REG_ACCESS, 0, 0);
		/* Allowing: all that is asked must be in the rule. Denying: one of it is enough. */
		add(p, BPF_ALU | BPF_AND | BPF_K, REG_TEMP, 0, 0,
			d->allow ? ~bpf_access(d->access) & 7 : bpf_access(d->access));
		jumps[jump_count++] = p->count;
		add(p, d->allow ? JNE : BPF_JMP | BPF_JEQ | BPF_K, REG_TEMP, 0, 0, 0);
	}
	if (d->major >= 0) {
		jumps[jump_count++] = p->count;
		add(p, JNE, REG_MAJOR, 0, 0, (int32_t)d->major);
	}
	if (d->minor >= 0) {
		jumps[jump_count++] = p->count;
		add(p, JNE, REG_MINOR, 0, 0, (int32_t)d->minor);
	}
	add_exit(p, d->allow);
	for (size_t i = 0; i < jump_count && p->count <= INSNS_CEILING; i++)
		p->insns[jumps[i]].off = (int16_t)(p->count - jumps[i] - 1);
}

static int bpf(int command, union bpf_attr *attr, size_t size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

static int load(const struct program *p)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)p->insns;
	attr.insn_cnt = (uint32_t)p->count;
	attr.license = (uintptr_t) "Apache-2.0";
	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

enum { OLD_PROGRAMS = 16 };

/* Programs attached to the group already: an update takes their place. */
static uint32_t old_programs(int group_fd, uint32_t *ids)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)group_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = OLD_PROGRAMS;
	return bpf(BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? 0 : attr.query.prog_cnt;
}

static void detach(int group_fd, uint32_t id)
{
	_auto_close_ int fd = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)group_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	bpf(BPF_PROG_DETACH, &attr, sizeof(attr));
}

static int attach(int group_fd, int program_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)group_fd;
	attr.attach_bpf_fd = (uint32_t)program_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
}

int cgroup_attach_devices(
	int group_fd, const struct oci_device_rule *rules, size_t count, struct md_error *err)
{
	_auto_free_ struct program *p = calloc(1, sizeof(*p));
	uint32_t ids[OLD_PROGRAMS], old;
	_auto_close_ int fd = -1;

	if (!p)
		return md_fail(err, ENOMEM, "out of memory");
	add_prologue(p);
	for (size_t i = count; i-- > 0;) {
		add_rule(p, &rules[i]);
		if (is_everything(&rules[i]))
			break;
	}
	/* Dead code is refused by the verifier: nothing may follow a rule that always matches. */
	if (!count || !is_everything(&rules[0]))
		add_exit(p, false);
	if (p->count > INSNS_CEILING)
		return md_fail(err, E2BIG, "linux.resources.devices: too many rules (%zu)", count);
	fd = load(p);
	if (fd < 0)
		return md_fail_errno(err, "linux.resources.devices: load the BPF program");
	old = old_programs(group_fd, ids);
	if (attach(group_fd, fd) < 0)
		return md_fail_errno(err, "linux.resources.devices: attach the BPF program");
	for (uint32_t i = 0; i < MD_MIN(old, (uint32_t)OLD_PROGRAMS); i++)
		detach(group_fd, ids[i]);
	return 0;
}
