/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's mounts. A mount is made detached, given its attributes, and only then attached to a descriptor of its target: at no moment
 * is there a wider mount than the wanted one, and no path is looked up twice. Kernels without the new mount
 * API get mount(2) on /proc/self/fd/N.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/init.h"
#include "runtime/init_copy.h"
#include "sys/inroot.h"
#include "sys/kernel.h"
#include "base/poison.h"

int init_clone_tree(int fd, const char *path, bool recursive)
{
	return sys_open_tree(fd, path,
		OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0) | (*path ? 0 : AT_EMPTY_PATH));
}

void init_attach(struct init *in, int tree, int target, const char *name)
{
	if (sys_move_mount(
		    tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		init_fail(in, errno, "mount on '", name, "'", NULL);
}

/* "mount 'proc' on '/proc'" */
static _noreturn_ void fail_mount(struct init *in, const struct init_mount *m, const char *why)
{
	const char *what = m->source ? m->source : m->type ? m->type : "none";

	init_fail(in, errno, "mount '", what, "' on '", m->target, "'",
		m->label ? " with the label '" : "", m->label ? m->label : "", m->label ? "'" : "",
		why ? ": " : "", why ? why : "", NULL);
}

/* ---- targets ---- */

/* procfs and sysfs must lie where their name says, or what later goes to /proc/self/... goes somewhere else. */
static void refuse_symlink(struct init *in, const struct init_mount *m)
{
	_auto_close_ int fd = -1;
	struct stat st;

	if (!m->type || (!str_eq(m->type, "proc") && !str_eq(m->type, "sysfs")))
		return;
	fd = inroot_open(in->root, m->target, O_PATH | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		fail_mount(in, m, "the target must be a folder, not a symlink");
	}
}

static int open_target(struct init *in, const struct init_mount *m, bool folder)
{
	int fd;

	refuse_symlink(in, m);
	fd = folder ? inroot_mkdirs(in->root, m->target, 0755)
		    : inroot_make_file(in->root, m->target, 0644);
	if (fd < 0)
		fail_mount(in, m, "make the target");
	return fd;
}

/* ---- attributes ---- */

static struct mount_attr to_attributes(uint64_t set, uint64_t clear)
{
	/* The times of access are one field of several bits: setting any means clearing all. */
	if ((set | clear) & (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME))
		clear |= MOUNT_ATTR__ATIME;
	return (struct mount_attr){ .attr_set = set, .attr_clr = clear };
}

static int set_attributes(int tree, uint64_t set, uint64_t clear, bool recursive)
{
	struct mount_attr a = to_attributes(set, clear);

	if (!set && !clear)
		return 0;
	return sys_mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a);
}

/* Those of the mount itself. How access times are kept is locked in mounts that come from outside of a user namespace; it is no matter of
 * isolation, so a refusal is no error. */
static int set_own_attributes(struct init *in, const struct init_mount *m, int tree)
{
	const uint64_t times = MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME;

	if (set_attributes(tree, m->attr_set, m->attr_clear, false) == 0)
		return 0;
	if (errno != EPERM || !((m->attr_set | m->attr_clear) & times))
		return -1;
	init_warn(in, errno, "the mode of access times of '", m->target, "' stays", NULL);
	return set_attributes(tree, m->attr_set & ~times, m->attr_clear & ~times, false);
}

static void set_propagation(struct init *in, const struct init_mount *m, int tree)
{
	unsigned int recursive = m->propagation & MS_REC ? AT_RECURSIVE : 0;
	struct mount_attr a = { .propagation = m->propagation & ~(unsigned long)MS_REC };
	char path[64];

	if (!m->propagation || sys_mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &a) == 0)
		return;
	if (errno != ENOSYS ||
		mount(NULL, init_fd_path(path, tree), NULL, m->propagation, NULL) < 0)
		fail_mount(in, m, "set its propagation");
}

/* A message queue is its namespace's, which had it labelled: only the folder can have another label, and only its owner gives it, which
 * in a user namespace we need not be. */
static void label_folder(struct init *in, const struct init_mount *m, int tree)
{
	char path[64];

	if (!m->label || !str_eq(m->type, "mqueue") ||
		setxattr(init_fd_path(path, tree), "security.selinux", m->label,
			strlen(m->label) + 1, 0) == 0)
		return;
	if (errno != EPERM || !in->plan->in_userns)
		fail_mount(in, m, NULL);
	init_warn(in, errno, "the label of '", m->target, "' stays", NULL);
}

/* ---- kernels before the new mount API ---- */

/* Flags of the existing mount that a user namespace may not take off. */
static unsigned long locked_flags(const char *path)
{
	struct statvfs s;

	if (statvfs(path, &s) < 0)
		return 0;
	return (s.f_flag & ST_RDONLY ? MS_RDONLY : 0) | (s.f_flag & ST_NOSUID ? MS_NOSUID : 0) |
	       (s.f_flag & ST_NODEV ? MS_NODEV : 0) | (s.f_flag & ST_NOEXEC ? MS_NOEXEC : 0) |
	       (s.f_flag & ST_NOATIME ? MS_NOATIME : 0) |
	       (s.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0);
}

/* What is mounted on the target by now: the descriptor of it is that of the folder below. */
static int reopen_target(struct init *in, const struct init_mount *m)
{
	int fd = inroot_open(in->root, m->target, O_PATH);

	if (fd < 0)
		fail_mount(in, m, "open it again");
	return fd;
}

static void remount_old(struct init *in, const struct init_mount *m)
{
	const unsigned long settable = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
				       MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME |
				       MS_NOSYMFOLLOW;
	_auto_close_ int fd = reopen_target(in, m);
	unsigned long flags = MS_BIND | MS_REMOUNT | (m->ms_flags & settable);
	char path[64];

	if (m->rec_set || m->rec_clear) {
		errno = ENOSYS;
		fail_mount(in, m, "recursive mount attributes need a newer kernel (5.12)");
	}
	init_fd_path(path, fd);
	if (m->attr_set || m->attr_clear) {
		if (mount(NULL, path, NULL, flags, NULL) < 0 &&
			mount(NULL, path, NULL, flags | locked_flags(path), NULL) < 0)
			fail_mount(in, m, "set its flags");
	}
	set_propagation(in, m, fd);
}

static void bind_old(struct init *in, const struct init_mount *m)
{
	_auto_close_ int target = -1;
	struct stat st;
	char path[64];

	if (stat(m->source, &st) < 0)
		fail_mount(in, m, NULL);
	target = open_target(in, m, S_ISDIR(st.st_mode));
	if (mount(m->source, init_fd_path(path, target), NULL,
		    MS_BIND | (m->recursive ? MS_REC : 0), NULL) < 0)
		fail_mount(in, m, NULL);
	remount_old(in, m);
}

static void new_old(struct init *in, const struct init_mount *m, int target)
{
	_auto_close_ int fd = -1;
	char path[64];

	if (mount(m->source ? m->source : "none", init_fd_path(path, target), m->type,
		    m->ms_flags & ~(unsigned long)(m->tmpcopyup ? MS_RDONLY : 0), m->data) < 0)
		fail_mount(in, m, NULL);
	if (m->tmpcopyup || m->label)
		fd = reopen_target(in, m);
	if (m->tmpcopyup && init_copy_tree(target, fd) < 0)
		fail_mount(in, m, "copy what was there");
	label_folder(in, m, fd);
	if (m->propagation || m->rec_set || m->rec_clear || (m->tmpcopyup && m->attr_set))
		remount_old(in, m);
}

/* ---- bind mounts ---- */

/* The source as a detached tree; from the runtime where we may not look or where it takes its rights (idmap). */
static int open_source(struct init *in, const struct init_mount *m)
{
	struct sync_message reply;
	int tree = -1;

	if (!m->from_runtime) {
		tree = sys_open_tree(AT_FDCWD, m->source,
			OPEN_TREE_CLONE | (m->recursive ? AT_RECURSIVE : 0) |
				(m->copy_symlink ? AT_SYMLINK_NOFOLLOW : 0));
		if (tree >= 0 || (errno != EACCES && !(errno == EPERM && in->plan->in_userns)))
			return tree;
	}
	init_send(in, SYNC_SOURCE, (int)(m - in->plan->mounts), -1);
	init_await(in, SYNC_SOURCE_FD, &reply, &tree);
	if (tree < 0) {
		errno = reply.code;
		fail_mount(in, m, reply.text[0] ? reply.text : NULL);
	}
	return tree;
}

static void mount_bind(struct init *in, const struct init_mount *m)
{
	_auto_close_ int tree = open_source(in, m);
	_auto_close_ int target = -1;
	struct stat st;

	if (tree < 0 && errno == ENOSYS) {
		bind_old(in, m);
		return;
	}
	if (tree < 0 || fstat(tree, &st) < 0)
		fail_mount(in, m, NULL);
	target = open_target(in, m, S_ISDIR(st.st_mode));
	if (set_own_attributes(in, m, tree) < 0 ||
		set_attributes(tree, m->rec_set, m->rec_clear, true) < 0) {
		if (errno != ENOSYS)
			fail_mount(in, m, "set its attributes");
		init_attach(in, tree, target, m->target);
		remount_old(in, m);
		return;
	}
	init_attach(in, tree, target, m->target);
	set_propagation(in, m, tree);
}

/* ---- new file systems ---- */

/* Cuts the first of comma-joined options off: its value (NULL: none), and the rest as the result. A value in quotes may have commas,
 * as SELinux has it for its labels. */
static char *cut_option(char *option, char **ret_value)
{
	char *end = option + strcspn(option, "=,");
	char *quote;

	*ret_value = NULL;
	if (*end == '=') {
		*end++ = '\0';
		*ret_value = end;
		quote = *end == '"' ? strchr(end + 1, '"') : NULL;
		if (quote) {
			++*ret_value;
			*quote = '\0';
			end = quote + 1;
		}
		end += strcspn(end, ",");
	}
	if (!*end)
		return end;
	*end = '\0';
	return end + 1;
}

/* Hands the options to the file system one by one. */
static int configure(int fs, char *data)
{
	while (data && *data) {
		char *option = data, *value;

		data = cut_option(option, &value);
		if (*option && (value ? sys_fsconfig_string(fs, option, value)
				      : sys_fsconfig_flag(fs, option)) < 0)
			return -1;
	}
	return 0;
}

static int configure_flags(int fs, const struct init_mount *m)
{
	static const struct {
		unsigned long flag;
		const char *key;
	} flags[] = { { MS_SYNCHRONOUS, "sync" }, { MS_DIRSYNC, "dirsync" },
		{ MS_LAZYTIME, "lazytime" }, { MS_MANDLOCK, "mand" } };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if ((m->ms_flags & flags[i].flag) && sys_fsconfig_flag(fs, flags[i].key) < 0)
			return -1;
	}
	return m->superblock_readonly ? sys_fsconfig_flag(fs, "ro") : 0;
}

/* The mode that the folder below had is the tmpfs's too, unless the options name one. */
static int configure_mode(struct init *in, int fs, const struct init_mount *m)
{
	_auto_close_ int below = -1;
	struct stat st;
	char octal[8];
	int n = 0;

	if (!str_eq(m->type, "tmpfs") || (m->data && strstr(m->data, "mode=")))
		return 0;
	below = inroot_open(in->root, m->target, O_PATH | O_DIRECTORY);
	if (below < 0 || fstat(below, &st) < 0)
		return 0;
	for (int shift = 9; shift >= 0; shift -= 3)
		octal[n++] = (char)('0' + ((st.st_mode >> shift) & 7));
	octal[n] = '\0';
	return sys_fsconfig_string(fs, "mode", octal);
}

/* The file system's own words about what is wrong ("e tmpfs: Unknown parameter 'x'"). */
static const char *fs_complaint(int fs, char *to, size_t size)
{
	ssize_t n = read(fs, to, size - 1);

	if (n <= 2)
		return NULL;
	to[n] = '\0';
	if (to[n - 1] == '\n')
		to[n - 1] = '\0';
	return to[1] == ' ' ? to + 2 : to;
}

/* The file system as a detached mount, or -1 with the reason in errno and *ret_why. */
static int make_fs(struct init *in, const struct init_mount *m, char *why, size_t size)
{
	_auto_close_ int fs = sys_fsopen(m->type);
	uint64_t attributes =
		m->tmpcopyup ? m->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY : m->attr_set;
	const char *complaint;
	int saved, tree = -1;

	why[0] = '\0';
	if (fs < 0)
		return -1;
	if ((!m->source || sys_fsconfig_string(fs, "source", m->source) == 0) &&
		configure_flags(fs, m) == 0 && configure_mode(in, fs, m) == 0 &&
		configure(fs, m->data) == 0 && sys_fsconfig_create(fs) == 0)
		tree = sys_fsmount(fs, (unsigned int)attributes);
	if (tree >= 0)
		return tree;
	saved = errno;
	complaint = fs_complaint(fs, why, size);
	if (complaint)
		memmove(why, complaint, strlen(complaint) + 1);
	errno = saved;
	return -1;
}

/* A user namespace that doesn't own its network namespace may not mount sysfs: then the host's, as it is there. */
static void bind_sysfs(struct init *in, const struct init_mount *m)
{
	struct init_mount bind = *m;

	bind.kind = INIT_MOUNT_BIND;
	bind.source = "/sys";
	bind.recursive = true;
	mount_bind(in, &bind);
}

static void mount_new(struct init *in, const struct init_mount *m)
{
	char why[256];
	_auto_close_ int target = -1;
	_auto_close_ int tree = make_fs(in, m, why, sizeof(why));

	if (tree < 0 && m->optional && errno != ENOSYS)
		return;
	if (tree < 0 && errno == EPERM && str_eq(m->type, "sysfs") && in->plan->in_userns) {
		bind_sysfs(in, m);
		return;
	}
	if (tree < 0 && errno != ENOSYS)
		fail_mount(in, m, why[0] ? why : NULL);
	target = open_target(in, m, true);
	if (tree < 0) {
		new_old(in, m, target);
		return;
	}
	if (m->tmpcopyup) {
		if (init_copy_tree(target, tree) < 0)
			fail_mount(in, m, "copy what was there");
		if (set_attributes(tree, m->attr_set, 0, false) < 0)
			fail_mount(in, m, "set its attributes");
	}
	if (set_attributes(tree, m->rec_set, m->rec_clear, true) < 0)
		fail_mount(in, m, "set its attributes");
	label_folder(in, m, tree);
	init_attach(in, tree, target, m->target);
	set_propagation(in, m, tree);
	if (m->holds_hierarchies) {
		fd_close(&in->hierarchies);
		in->hierarchies = take_fd(&tree);
	}
}

/* ---- the rest ---- */

int init_clone_hierarchy(const struct init_mount *m)
{
	struct mount_attr a = to_attributes(m->attr_set, m->attr_clear);
	_auto_close_ int tree = sys_open_tree(m->source_at, m->source_below, OPEN_TREE_CLONE);

	/* The runtime's mounts may be shared with the host. */
	a.propagation = MS_SLAVE;
	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &a) < 0)
		return -1;
	return take_fd(&tree);
}

/* The next of those that the runtime has made; -1: it makes none. */
static int take_hierarchy(struct init *in)
{
	if (!in->plan->helped)
		return -1;
	if (!in->hierarchies_told)
		init_await(in, SYNC_HIERARCHIES, NULL, NULL);
	if (in->hierarchies_used == in->hierarchy_fd_count)
		return -1;
	return in->hierarchy_fds[in->hierarchies_used++];
}

/* There is a dozen of them, and nobody else in the new tmpfs: nothing there needs to be looked up with care. */
static void mount_hierarchy(struct init *in, const struct init_mount *m)
{
	const char *name = strrchr(m->target, '/') + 1;
	_auto_close_ int tree = take_hierarchy(in);
	bool finished = tree >= 0;

	if (!finished && in->hierarchies >= 0)
		tree = sys_open_tree(AT_FDCWD, m->source, OPEN_TREE_CLONE);
	if (tree < 0 || in->hierarchies < 0 || mkdirat(in->hierarchies, name, 0755) < 0) {
		mount_bind(in, m); /* which has more ways, and the words for a failure */
		return;
	}
	if (!finished && set_own_attributes(in, m, tree) < 0)
		fail_mount(in, m, "set its attributes");
	if (sys_move_mount(tree, "", in->hierarchies, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail_mount(in, m, NULL);
}

static void mount_attr(struct init *in, const struct init_mount *m)
{
	_auto_close_ int tree = reopen_target(in, m);

	if (set_attributes(tree, m->attr_set, m->attr_clear, false) == 0)
		return;
	if (errno != ENOSYS)
		fail_mount(in, m, "set its attributes");
	remount_old(in, m);
}

static void make_symlink(struct init *in, const struct init_mount *m)
{
	char name[NAME_MAX + 1];
	_auto_close_ int folder = inroot_parent(in->root, m->target, 0755, name);

	if (folder < 0 || (symlinkat(m->source, folder, name) < 0 && errno != EEXIST))
		init_fail(in, errno, "make the symlink '", m->target, "'", NULL);
}

static void (*const mount_kinds[])(struct init *, const struct init_mount *) = {
	[INIT_MOUNT_NEW] = mount_new,
	[INIT_MOUNT_BIND] = mount_bind,
	[INIT_MOUNT_HIERARCHY] = mount_hierarchy,
	[INIT_MOUNT_ATTR] = mount_attr,
	[INIT_MOUNT_SYMLINK] = make_symlink,
};

static void run_mounts(struct init *in, size_t from, size_t to)
{
	const struct init_mount *m = in->plan->mounts;

	for (size_t i = from; i < to; i++) {
		if (m[i].in_cgroup)
			init_enter_cgroup(in);
		mount_kinds[m[i].kind](in, &m[i]);
	}
}

void init_step_late_mounts(struct init *in)
{
	run_mounts(in, in->plan->early_mounts, in->plan->mount_count);
}

void init_step_mounts(struct init *in)
{
	const struct init_plan *p = in->plan;

	run_mounts(in, 0, p->early_mounts);
	/* An image may name a working directory that it does not have. What can't be made is told when it is entered. */
	if (p->process && p->spec->root_path) {
		int fd = inroot_mkdirs(in->root, p->process->cwd, 0755);

		fd_close(&fd);
	}
}
