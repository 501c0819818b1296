/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/seccomp.h"
#include "sys/kernel.h"
#include "base/poison.h"

void plan_init(struct plan *p)
{
	*p = (struct plan){ .init = { .target_pidfd = -1,
				    .mounts_fd = -1,
				    .exec_root = -1,
				    .sock = -1,
				    .start_listener = -1,
				    .console_sock = -1 } };
	buf_init(&p->seccomp, SECCOMP_PROGRAM_CEILING);
	for (int i = 0; i < OCI_NS_KINDS; i++)
		p->init.ns_fds[i] = -1;
	for (int i = 0; i < OCI_HOOK_KINDS; i++)
		p->init.hook_state[i] = -1;
}

void plan_done(struct plan *p)
{
	for (int i = 0; i < OCI_NS_KINDS; i++)
		fd_close(&p->init.ns_fds[i]);
	for (int i = 0; i < OCI_HOOK_KINDS; i++)
		fd_close(&p->init.hook_state[i]);
	fd_close(&p->init.mounts_fd);
	fd_close(&p->init.exec_root);
	buf_done(&p->seccomp);
	arena_done(&p->arena);
}

/* ---- namespaces ---- */

static int open_namespace(struct plan *p, int kind, const char *path, struct md_error *err)
{
	const struct oci_ns_info *info = &oci_ns_info[kind];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return md_fail_errno(err, "open the %s namespace '%s'", info->name, path);
	p->init.ns_fds[kind] = fd;
	if (ioctl(fd, NS_GET_NSTYPE) != info->clone_flag)
		return md_fail(err, EINVAL, "'%s' is no %s namespace", path, info->name);
	return 0;
}

/* The child hides itself, and doesn't wait for those who help it. */
static bool may_look_into_child(void)
{
	uint64_t effective, permitted, inheritable;

	return sys_capget(&effective, &permitted, &inheritable) == 0 &&
	       (effective & (1ULL << CAP_SYS_PTRACE));
}

static int plan_namespaces(struct plan *p, const struct oci_spec *s, struct md_error *err)
{
	struct init_plan *in = &p->init;

	for (int k = 0; k < OCI_NS_KINDS; k++) {
		if (!s->ns[k].set)
			continue;
		if (!s->ns[k].path)
			in->new_ns[k] = true;
		else if (open_namespace(p, k, s->ns[k].path, err) < 0)
			return -1;
	}
	in->in_userns = s->ns[OCI_NS_USER].set;
	in->join_by_between = in->ns_fds[OCI_NS_USER] >= 0;
	in->await_map = in->new_ns[OCI_NS_USER];
	in->helped = !in->in_userns && !p->rootless && may_look_into_child();
	if (in->await_map && (!s->uid_maps.count || !s->gid_maps.count))
		return md_fail(err, EINVAL,
			"linux.uidMappings and gidMappings: a new user namespace needs both");
	return 0;
}

/* Its root is built in a mount namespace anyway, which the child leaves again (init_step_leave()). */
static int plan_leaving(struct plan *p, const struct oci_spec *s, struct md_error *err)
{
	if (s->ns[OCI_NS_MOUNT].set || s->ns[OCI_NS_USER].set)
		return 0;
	p->init.new_ns[OCI_NS_MOUNT] = true;
	p->init.mounts_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return p->init.mounts_fd < 0 ? md_fail_errno(err, "open the runtime's mount namespace") : 0;
}

/* ---- the process ---- */

static int plan_env(struct plan *p, const struct oci_process *process, struct md_error *err)
{
	struct init_plan *in = &p->init;
	size_t count = process->env.count;

	/* One for HOME, one for the end. */
	in->env = arena_new(&p->arena, char *, count + 2);
	if (!in->env)
		return md_fail_errno(err, "process.env");
	in->need_home = true;
	for (size_t i = 0; i < count; i++) {
		in->env[i] = process->env.items[i];
		if (str_starts(in->env[i], "HOME="))
			in->need_home = false;
	}
	in->env_count = count;
	return 0;
}

bool plan_selinux_off(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) < 0;
}

static bool apparmor_off(void)
{
	_auto_free_ char *enabled = NULL;
	size_t len;

	return file_read(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &enabled, &len) <
		       0 ||
	       enabled[0] != 'Y';
}

static int set_label(struct plan *p, const char *file, const char *before, const char *label,
	const char *name, const char *hint, struct md_error *err)
{
	_auto_free_ char *text = str_format("%s%s", before, label);
	_auto_free_ char *called = str_format("the %s '%s' (%s)", name, label, hint);
	struct init_plan *in = &p->init;

	in->lsm_file = file;
	in->lsm_text = text ? arena_str(&p->arena, text) : NULL;
	in->lsm_name = called ? arena_str(&p->arena, called) : NULL;
	return in->lsm_text && in->lsm_name ? 0 : md_fail_errno(err, "process: %s", name);
}

static int plan_label(struct plan *p, const struct oci_process *process, struct md_error *err)
{
	const char *label = process->selinux_label, *profile = process->apparmor_profile;

	if (label && label[0]) {
		if (plan_selinux_off())
			return md_fail(err, ENOTSUP,
				"process.selinuxLabel '%s': this host has no SELinux", label);
		p->init.lsm_labels_keys = true;
		return set_label(
			p, "exec", "", label, "SELinux label", "does the policy know it?", err);
	}
	if (!profile || !profile[0])
		return 0;
	if (apparmor_off())
		return md_fail(err, ENOTSUP,
			"process.apparmorProfile '%s': this host has no AppArmor", profile);
	return set_label(
		p, "apparmor/exec", "exec ", profile, "AppArmor profile", "is it loaded?", err);
}

/* The highest capability of this kernel: newer ones than our headers know are dropped as well. */
static uint64_t find_last_cap(void)
{
	int cap = oci_cap_count() - 1;

	while (cap > 0 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
		cap--;
	while (cap < 62 && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
		cap++;
	return (uint64_t)cap;
}

/* A container may be created without a process; `start` then refuses it. */
static const struct oci_process no_process = { .cwd = "/" };

int plan_process(struct plan *p, const struct oci_spec *spec, const struct oci_process *process,
	const char *seccomp_cache, struct md_error *err)
{
	struct init_plan *in = &p->init;

	if (!process)
		process = &no_process;
	in->spec = spec;
	in->process = process;
	in->last_cap = find_last_cap();
	in->null_device = makedev(1, 3);
	if (spec->seccomp.set) {
		if (seccomp_compile(&spec->seccomp, seccomp_cache, &p->seccomp, err) < 0)
			return -1;
		in->seccomp = p->seccomp.data;
		in->seccomp_len = p->seccomp.len;
		in->seccomp_flags = seccomp_load_flags(&spec->seccomp);
	}
	if (plan_env(p, process, err) < 0)
		return -1;
	return plan_label(p, process, err);
}

/* ---- all of it ---- */

static int plan_hooks(struct plan *p, const struct oci_spec *s, struct md_error *err)
{
	static const enum oci_hook_kind inside[] = { OCI_HOOK_CREATE_CONTAINER,
		OCI_HOOK_START_CONTAINER };

	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		int fd;

		if (!s->hooks[inside[i]].count)
			continue;
		fd = memfd_create("state", MFD_CLOEXEC);
		if (fd < 0)
			return md_fail_errno(
				err, "state of the %s hooks", oci_hook_kind_name(inside[i]));
		p->init.hook_state[inside[i]] = fd;
	}
	return 0;
}

int plan_keyring(struct plan *p, const char *id, struct md_error *err)
{
	char name[300];

	snprintf(name, sizeof(name), "_ses.%.255s", id);
	p->init.keyring_name = arena_str(&p->arena, name);
	return p->init.keyring_name ? 0 : md_fail_errno(err, "keyring");
}

int plan_container(struct plan *p, const struct plan_request *r, struct md_error *err)
{
	const struct oci_spec *s = r->spec;

	p->rootless = r->rootless;
	p->init.rootfs = r->rootfs;
	if (plan_keyring(p, r->id, err) < 0 || plan_namespaces(p, s, err) < 0 ||
		plan_leaving(p, s, err) < 0 ||
		plan_process(p, s, s->process, r->seccomp_cache, err) < 0 ||
		plan_hooks(p, s, err) < 0)
		return -1;
	/* A kernel without SELinux refuses labels; engines give them by habit. */
	if (s->mount_label && s->mount_label[0] && !plan_selinux_off())
		p->init.mount_label = s->mount_label;
	return plan_mounts(p, r, err);
}
