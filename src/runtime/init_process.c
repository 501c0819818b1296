/* SPDX-License-Identifier: Apache-2.0 */
/* The child's last steps: what the process is allowed and who it is, then execve. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/init.h"
#include "runtime/passwd.h"
#include "runtime/seccomp.h"
#include "sys/kernel.h"
#include "sys/proc.h"
#include "base/poison.h"

/* ---- the program ---- */

static const char *env_value(const struct init_plan *p, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < p->env_count; i++) {
		if (strncmp(p->env[i], name, len) == 0 && p->env[i][len] == '=')
			return p->env[i] + len + 1;
	}
	return NULL;
}

/* Paths are relative to the directory that the process will be in. */
static void place_program(struct init *in, const char *folder, size_t len, const char *name)
{
	char part[PATH_MAX];
	bool absolute = (len ? folder[0] : name[0]) == '/';

	if (len >= sizeof(part))
		len = sizeof(part) - 1;
	memcpy(part, folder, len);
	part[len] = '\0';
	init_join_text(in->program, sizeof(in->program), absolute ? "" : in->plan->process->cwd,
		absolute ? "" : "/", part, len ? "/" : "", name, NULL);
}

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode) || !(st.st_mode & 0111)) {
		errno = EACCES;
		return false;
	}
	return true;
}

static void search_path(struct init *in, const char *name)
{
	const char *path = env_value(in->plan, "PATH");

	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (*name) {
		size_t len = strcspn(path, ":");

		if (len)
			place_program(in, path, len, name);
		else
			place_program(in, ".", 1, name);
		if (is_program(in->program))
			return;
		if (!path[len])
			break;
		path += len + 1;
	}
	init_fail_program(
		in, ENOENT, "exec: \"", name, "\": executable file not found in $PATH", NULL);
}

/* The wording is runc's: engines tell exit codes 126 and 127 by it. */
static void check_program(struct init *in, const char *name)
{
	struct stat st;

	place_program(in, "", 0, name);
	if (stat(in->program, &st) < 0)
		init_fail_program(in, -errno, "exec: \"", name, "\": stat ", name, NULL);
	if (!is_program(in->program))
		init_fail_program(in, -EACCES, "exec: \"", name, "\"", NULL);
}

/* HOME, as login(1) would have it; the file is the container's and may be anything. */
static void set_home(struct init *in)
{
	static char home[PATH_MAX];

	init_join_text(home, sizeof(home), "HOME=/", NULL);
	passwd_home(in->plan->process->user.uid, home + 5, sizeof(home) - 5);
	in->plan->env[in->plan->env_count] = home;
}

void init_step_find_program(struct init *in)
{
	const struct oci_process *p = in->plan->process;
	const char *name;

	if (!p->args.count)
		return;
	if (in->plan->need_home)
		set_home(in);
	name = p->args.items[0];
	if (strchr(name, '/'))
		check_program(in, name);
	else
		search_path(in, name);
}

/* ---- limits ---- */

/* Raising a hard limit takes a right that a nested host may lack. The container then has less than it asked for, never more. */
static void set_rlimit(struct init *in, const struct oci_rlimit *l)
{
	struct rlimit wanted = { .rlim_cur = l->soft, .rlim_max = l->hard };
	struct rlimit now;

	if (syscall(SYS_prlimit64, 0, l->resource, &wanted, NULL) == 0)
		return;
	if (errno != EPERM || syscall(SYS_prlimit64, 0, l->resource, NULL, &now) < 0)
		init_fail(in, errno, "set the limit ", l->name, NULL);
	if (wanted.rlim_max > now.rlim_max)
		wanted.rlim_max = now.rlim_max;
	if (wanted.rlim_cur > wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max;
	if (syscall(SYS_prlimit64, 0, l->resource, &wanted, NULL) < 0)
		init_fail(in, errno, "set the limit ", l->name, NULL);
	init_warn(in, EPERM, "raise the limit ", l->name, NULL);
}

/* A low one was raised for the runtime's own sake. */
static void restore_soft_files(struct init *in)
{
	struct rlimit files;

	if (!in->plan->soft_files || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = in->plan->soft_files;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		init_fail(in, errno, "restore the limit of descriptors", NULL);
}

static void set_scheduler(struct init *in, const struct oci_scheduler *s)
{
	struct sys_sched attr = {
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};

	if (s->set && sys_sched_setattr(0, &attr) < 0)
		init_fail(in, errno, "set the scheduler", NULL);
}

/* A container that was given CPUs has all of them, whatever our caller is tied to: since 6.2 the kernel doesn't let go of that by itself where a cpuset is
 * entered. So has an exec with an initial affinity, which the runtime has set on itself, and no final one. */
static void set_affinity(struct init *in)
{
	const struct oci_process *p = in->plan->process;
	struct oci_cpus cpus = p->cpus_final;
	bool asked = in->plan->exec && cpus.set;
	bool all = in->plan->spec->resources.cpu.cpus || (in->plan->exec && p->cpus_initial.set);

	if (!asked && !all)
		return;
	if (!asked)
		memset(cpus.mask, 0xff, sizeof(cpus.mask));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(cpus.mask), cpus.mask) < 0 && asked)
		init_fail(in, errno, "set the CPU affinity", NULL);
}

void init_step_limits(struct init *in)
{
	const struct oci_process *p = in->plan->process;
	const struct oci_spec *s = in->plan->spec;

	set_affinity(in);
	set_scheduler(in, &p->scheduler);
	if (p->io_priority.set && sys_ioprio_set((int)p->io_priority.value) < 0)
		init_fail(in, errno, "set the I/O priority", NULL);
	if (s->personality.set && personality((unsigned long)s->personality.value) < 0)
		init_fail(in, errno, "set the personality", NULL);
	restore_soft_files(in);
	for (size_t i = 0; i < p->rlimit_count; i++)
		set_rlimit(in, &p->rlimits[i]);
}

/* ---- files of proc ---- */

static int open_proc(struct init *in)
{
	if (in->proc >= 0)
		return in->proc;
	in->proc = proc_mount_private();
	if (in->proc >= 0)
		return in->proc;
	/* No new mount API, or a nested host that shows us no full proc: then the container's own, if it is one. */
	in->proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in->proc < 0)
		init_fail(in, errno, "open /proc", NULL);
	if (!proc_is_proc(in->proc))
		init_fail(in, EINVAL, "/proc in the container is no proc file system", NULL);
	return in->proc;
}

int init_open_proc(struct init *in, const char *path)
{
	const int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
	int proc = open_proc(in);
	int fd = sys_openat2(proc, path, flags, 0, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(proc, path, flags);
	if (fd >= 0 && !proc_is_proc(fd)) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}

static void write_label(struct init *in, const char *file)
{
	const struct init_plan *p = in->plan;
	_auto_close_ int fd = -1;
	char path[64];

	init_join_text(path, sizeof(path), "self/attr/", file, NULL);
	fd = init_open_proc(in, path);
	if (fd < 0 || write(fd, p->lsm_text, strlen(p->lsm_text)) < 0)
		init_fail(in, errno, "set ", p->lsm_name, NULL);
}

void init_step_lsm(struct init *in)
{
	if (in->plan->lsm_text)
		write_label(in, in->plan->lsm_file);
}

void init_label_keys(struct init *in)
{
	bool had = in->proc >= 0;

	if (!in->plan->lsm_labels_keys)
		return;
	write_label(in, "keycreate");
	/* Where there is no private one it is the host's, which the later steps must not take for the container's. */
	if (!had)
		fd_close(&in->proc);
}

/* ---- ids ---- */

/* The standard streams are the user's to open again (/dev/stderr), as far as we may say so. */
static void give_stdio(struct init *in)
{
	uid_t uid = in->plan->process->user.uid;
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &st) < 0 || st.st_uid == uid ||
			(S_ISCHR(st.st_mode) && st.st_rdev == in->plan->null_device))
			continue;
		(void)!fchown(fd, uid, (gid_t)-1);
	}
}

static void take_terminal(struct init *in)
{
	if (in->tty < 0) {
		if (in->plan->process->user.uid)
			give_stdio(in);
		return;
	}
	if (ioctl(in->tty, TIOCSCTTY, 0) < 0)
		init_fail(in, errno, "make it the controlling terminal", NULL);
	close(in->tty);
	in->tty = -1;
}

static void drop_bounding(struct init *in, uint64_t keep)
{
	for (unsigned int cap = 0; cap <= in->plan->last_cap; cap++) {
		if (!(keep & (1ULL << cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			init_fail(in, errno, "drop a capability of the bounding set", NULL);
	}
}

/* crun's annotation, which podman's --group-add keep-groups writes. */
bool init_keeps_groups(const struct init *in)
{
	const char *value = oci_annotation(in->plan->spec, "run.oci.keep_original_groups");

	return value && !str_eq(value, "0");
}

static void set_ids(struct init *in)
{
	const struct oci_user *u = &in->plan->process->user;
	char number[24];

	/* In a user namespace that an ordinary user mapped by himself nobody can set groups (user_namespaces(7)). */
	if (!init_keeps_groups(in) &&
		sys_setgroups(u->additional_gid_count, u->additional_gids) < 0) {
		if (errno != EPERM || !in->plan->in_userns)
			init_fail(in, errno, "set the additional groups", NULL);
		if (u->additional_gid_count)
			init_fail(
				in, EPERM, "set the additional groups (they need newgidmap)", NULL);
	}
	if (sys_setresgid(u->gid) < 0)
		init_fail(in, errno, "become group ", init_number(number, u->gid), NULL);
	if (sys_setresuid(u->uid) < 0)
		init_fail(in, errno, "become user ", init_number(number, u->uid), NULL);
	umask(u->umask.set ? (mode_t)u->umask.value : 0022);
}

static void load_seccomp(struct init *in)
{
	const struct init_plan *p = in->plan;
	int listener;

	if (!p->seccomp)
		return;
	listener = seccomp_install(p->seccomp, p->seccomp_len, p->seccomp_flags);
	if (listener < 0)
		init_fail(in, errno, "load the seccomp filter", NULL);
	if (listener > 0) {
		init_send(in, SYNC_LISTENER, 0, listener);
		init_await(in, SYNC_LISTENER_TAKEN, NULL, NULL);
		close(listener);
	}
}

/* The kernel takes as ambient only what is permitted and inheritable too; tools write lists that don't agree. */
static void set_ambient(struct init *in, uint64_t caps)
{
	for (unsigned int cap = 0; cap <= in->plan->last_cap; cap++) {
		if ((caps & (1ULL << cap)) &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			init_fail(in, errno, "raise an ambient capability", NULL);
	}
}

/* The kernel's "(unreachable)" means that the directory is outside of our root: a descriptor of the host was entered. */
static void check_directory(struct init *in)
{
	char path[PATH_MAX];

	if (sys_getcwd(path, sizeof(path)) < 0) {
		if (errno != ENOENT)
			init_fail(in, errno, "find the working directory", NULL);
		path[0] = '\0';
	}
	if (path[0] != '/')
		init_fail(in, EPERM,
			"the working directory is outside of the container's root: possible "
			"breakout "
			"refused",
			NULL);
}

/* With the runtime's rights, as the user may not be allowed to go there; if those don't do (NFS), `again` with the user's. */
static bool enter_directory(struct init *in, bool again)
{
	const char *cwd = in->plan->process->cwd;

	if (chdir(cwd) == 0)
		return true;
	if (!again && (errno == EACCES || errno == EPERM))
		return false;
	init_fail(in, errno, "chdir to cwd (\"", cwd, "\") set in config.json failed", NULL);
}

static void set_capabilities(struct init *in, const struct oci_caps *c)
{
	uint64_t known = in->plan->last_cap >= 63 ? ~0ULL : (1ULL << (in->plan->last_cap + 1)) - 1;
	uint64_t effective, permitted, inheritable;

	if (sys_capset(c->effective & known, c->permitted & known, c->inheritable & known) == 0) {
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
		set_ambient(in, c->ambient & c->permitted & c->inheritable & known);
		return;
	}
	/* What we don't have ourselves (a host with little privilege) we can't give. */
	if (errno != EPERM || sys_capget(&effective, &permitted, &inheritable) < 0)
		init_fail(in, errno, "set the capabilities", NULL);
	if (sys_capset(c->effective & permitted & known, c->permitted & permitted & known,
		    c->inheritable & permitted & known) < 0)
		init_fail(in, errno, "set the capabilities", NULL);
	init_warn(in, EPERM, "some capabilities are not the runtime's to give", NULL);
	set_ambient(in, c->ambient & permitted & c->inheritable & known);
}

void init_step_ids(struct init *in)
{
	const struct oci_process *p = in->plan->process;
	uint64_t effective, permitted, inheritable;
	bool entered;

	take_terminal(in);
	entered = enter_directory(in, false);
	drop_bounding(in, p->caps.bounding);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		init_fail(in, errno, "keep the capabilities", NULL);
	set_ids(in);
	if (!entered)
		enter_directory(in, true);
	check_directory(in);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	/* A filter may forbid to hear of it. */
	init_await_start(in);
	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		init_fail(in, errno, "set no_new_privs", NULL);
	/* Without no_new_privs loading a filter takes CAP_SYS_ADMIN, so it comes before the capabilities go. */
	if (in->plan->seccomp && !p->no_new_privileges) {
		if (sys_capget(&effective, &permitted, &inheritable) < 0 ||
			sys_capset(permitted, permitted, inheritable) < 0)
			init_fail(in, errno, "raise the capabilities for seccomp", NULL);
		load_seccomp(in);
	}
	set_capabilities(in, &p->caps);
}

void init_step_execute(struct init *in)
{
	const struct oci_process *p = in->plan->process;

	if (p->no_new_privileges)
		load_seccomp(in);
	if (in->plan->executes)
		*in->plan->executes = true;
	execve(in->program, p->args.items, in->plan->env);
	init_fail_program(in, -errno, "exec ", in->program, NULL);
}
