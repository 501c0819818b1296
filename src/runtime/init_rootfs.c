/* SPDX-License-Identifier: Apache-2.0 */
/* The child's root: its own mount, entered by pivot_root(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/init.h"
#include "sys/inroot.h"
#include "sys/kernel.h"
#include "sys/proc.h"
#include "base/poison.h"

static const unsigned long propagation_bits = MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE;

/* What is mounted on top of a shared mount appears in its peers: on the host. So the mount that holds the root must be private;
 * it is the first of the folders upwards that is a mount point. */
static void make_parent_private(struct init *in, const char *rootfs)
{
	char path[PATH_MAX];

	init_join_text(path, sizeof(path), rootfs, NULL);
	for (;;) {
		char *slash;

		if (mount(NULL, path, NULL, MS_PRIVATE, NULL) == 0)
			return;
		slash = strrchr(path, '/');
		if (errno != EINVAL || !slash || path[1] == '\0')
			init_fail(in, errno, "make the mount of '", rootfs, "' private", NULL);
		slash[slash == path] = '\0';
	}
}

static void set_propagation(struct init *in)
{
	unsigned long wanted = in->plan->spec->rootfs_propagation;

	if (!wanted)
		wanted = MS_SLAVE | MS_REC;
	if (wanted & MS_UNBINDABLE) /* set at the end: the root must be bound before */
		wanted = MS_PRIVATE | (wanted & MS_REC);
	if (mount(NULL, "/", NULL, wanted, NULL) < 0)
		init_fail(in, errno, "set the propagation of the host's mounts", NULL);
	if (wanted & MS_SHARED)
		make_parent_private(in, in->plan->rootfs);
}

/* The root as a mount of its own, over itself. */
static int bind_root(struct init *in)
{
	const char *rootfs = in->plan->rootfs;
	_auto_close_ int tree = init_clone_tree(AT_FDCWD, rootfs, true);
	const char *place = rootfs;
	struct sync_message m;

	if (tree < 0 && errno == ENOSYS) {
		if (mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
			init_fail(in, errno, "bind the root '", rootfs, "'", NULL);
		return open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (tree < 0 && (errno == EACCES || errno == EPERM)) {
		/* The folders above are closed to the container's root: the runtime gets through, and where the mount
		 * hangs does not matter. */
		init_send(in, SYNC_SOURCE, INIT_SOURCE_ROOT, -1);
		init_await(in, SYNC_SOURCE_FD, &m, &tree);
		if (tree < 0)
			errno = m.code;
		place = "/";
	}
	if (tree < 0)
		init_fail(in, errno, "open the root '", rootfs, "'", NULL);
	if (sys_move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		init_fail(in, errno, "mount the root '", rootfs, "'", NULL);
	return take_fd(&tree);
}

void init_step_root(struct init *in)
{
	const struct init_plan *p = in->plan;

	if (p->new_ns[OCI_NS_MOUNT]) {
		set_propagation(in);
		in->root = bind_root(in);
	} else {
		in->root = open(p->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (in->root < 0)
		init_fail(in, errno, "open the root '", p->rootfs, "'", NULL);
}

/* The new root stacked on the old one, pivot_root(2) "." on "."; then the old is taken off. Made a slave
 * first, so that its going is not told to the host. */
static void pivot(struct init *in)
{
	_auto_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		init_fail(in, errno, "open the old root", NULL);
	if (sys_pivot_root(".", ".") < 0)
		init_fail(in, errno, "pivot_root to '", in->plan->rootfs, "'", NULL);
	if (fchdir(old) < 0 || mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		init_fail(in, errno, "cut the old root off the host", NULL);
	if (umount2(".", MNT_DETACH) < 0)
		init_fail(in, errno, "detach the old root", NULL);
}

/* Nothing of the file system of the old root may be seen from inside, even by who takes the new one off: an empty one between them. */
static void cover_old_root(struct init *in)
{
	if (mount("none", "/", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "size=4k,nr_inodes=1,mode=0") < 0)
		init_fail(in, errno, "cover the old root", NULL);
}

/* As much of the list of mounts as there is room for, lines only. */
static void read_mounts(struct init *in, int info, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char *end;

	if (lseek(info, 0, SEEK_SET) < 0)
		init_fail(in, errno, "read the mounts", NULL);
	while ((n = read(info, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	end = strrchr(text, '\n');
	if (end)
		end[1] = '\0';
}

/* Takes the mounts off that hang on the old root (the working directory, whose mount has the id `parent`). True if there may be more: the list
 * did not fit, or changed. What a user namespace may not take off stays. */
static bool take_off_mounts(struct init *in, int info, const char *parent)
{
	static char text[65536];
	char *rest = text, *line;
	bool some = false;

	read_mounts(in, info, text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		char *place = proc_mount_on(line, parent);

		if (!place)
			continue;
		str_unescape_octal(place);
		/* No more a peer of the host's, which would lose the mounts below. */
		(void)mount(NULL, place, NULL, MS_SLAVE | MS_REC, NULL);
		some |= umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
	}
	return some;
}

/* Without pivot_root (a root on the initial ramfs): the mount is moved onto "/". The old root can't be taken off below it, but
 * all that is mounted in it, and what it has itself is covered. */
static void move_root(struct init *in)
{
	_auto_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_auto_close_ int info = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char parent[24];
	int64_t id = -1;

	if (old < 0 || info < 0 || (id = sys_mount_id(old)) < 0)
		init_fail(in, errno, "look at the old root", NULL);
	init_number(parent, id);
	if (mount(NULL, "/", NULL, MS_SLAVE, NULL) < 0)
		init_fail(in, errno, "cut the old root off the host", NULL);
	cover_old_root(in);
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		init_fail(in, errno, "move '", in->plan->rootfs, "' to /", NULL);
	if (chroot(".") < 0 || fchdir(old) < 0)
		init_fail(in, errno, "chroot to '", in->plan->rootfs, "'", NULL);
	while (take_off_mounts(in, info, parent))
		;
}

void init_step_pivot(struct init *in)
{
	const struct init_plan *p = in->plan;

	if (p->ns_fds[OCI_NS_MOUNT] >= 0 && !p->spec->root_path)
		return;
	if (fchdir(in->root) < 0)
		init_fail(in, errno, "enter '", p->rootfs, "'", NULL);
	if (!p->new_ns[OCI_NS_MOUNT]) {
		if (chroot(".") < 0)
			init_fail(in, errno, "chroot to '", p->rootfs, "'", NULL);
	} else if (p->no_pivot) {
		move_root(in);
	} else {
		pivot(in);
	}
	if (chdir("/") < 0)
		init_fail(in, errno, "enter the new root", NULL);
	fd_close(&in->root);
}

/* mount(2) replaces all flags at once, so those that are set must be said again. */
static int remount_readonly(void)
{
	static const struct {
		unsigned long has, flag;
	} kept[] = { { ST_NOSUID, MS_NOSUID }, { ST_NODEV, MS_NODEV }, { ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME }, { ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME } };
	unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
	struct statvfs s;

	if (statvfs("/", &s) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (s.f_flag & kept[i].has)
			flags |= kept[i].flag;
	}
	return mount(NULL, "/", NULL, flags, NULL);
}

void init_step_finish_root(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };

	if (!in->plan->new_ns[OCI_NS_MOUNT])
		return;
	if (s->root_readonly && sys_mount_setattr(AT_FDCWD, "/", 0, &readonly) < 0 &&
		remount_readonly() < 0)
		init_fail(in, errno, "make the root read-only", NULL);
	if ((s->rootfs_propagation & propagation_bits) &&
		mount(NULL, "/", NULL, s->rootfs_propagation, NULL) < 0)
		init_fail(in, errno, "set the propagation of the root", NULL);
}

static void enter_tree(struct init *in, int tree)
{
	if (fchdir(tree) < 0 || chroot(".") < 0)
		init_fail(in, errno, "chroot to the container's root", NULL);
}

/* A container without a mount namespace of its own has the runtime's. Its root was built in one of the child's all the same, and goes along as a
 * tree that is attached nowhere: the host's table of mounts never has any of it, and it ends with the last process in it. There
 * is no ".." out of such a tree, which leads out of an ordinary chroot. */
void init_step_leave(struct init *in)
{
	_auto_close_ int tree = -1;

	if (in->plan->mounts_fd < 0)
		return;
	tree = init_clone_tree(AT_FDCWD, "/", true);
	if (tree < 0)
		init_fail(in, errno,
			"take the root along (without a mount namespace in linux.namespaces that "
			"needs Linux 5.2)",
			NULL);
	if (setns(in->plan->mounts_fd, CLONE_NEWNS) < 0)
		init_fail(in, errno, "join the runtime's mount namespace", NULL);
	enter_tree(in, tree);
}

void init_step_enter_root(struct init *in)
{
	if (in->plan->exec_root >= 0)
		enter_tree(in, in->plan->exec_root);
}

/* A knob below /proc/sys by our own proc, so that nothing of the image can stand there. "net.ipv4.ip_forward" and
 * "net/ipv4/conf/eth0.1/x" are both spelled by users. */
static void set_sysctl(struct init *in, const char *key, const char *value)
{
	_auto_close_ int fd = -1;
	char path[256];
	size_t len;

	init_join_text(path, sizeof(path), "sys/", key, NULL);
	len = strlen(path);
	if (!strchr(key, '/')) {
		for (size_t i = 4; i < len; i++) {
			if (path[i] == '.')
				path[i] = '/';
		}
	}
	if (strstr(path, "/../") || len == sizeof(path) - 1)
		init_fail(in, EINVAL, "sysctl '", key, "'", NULL);
	fd = init_open_proc(in, path);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		init_fail(in, errno, "set the sysctl '", key, "' to '", value, "'", NULL);
}

void init_step_sysctl(struct init *in)
{
	const struct oci_pairs *s = &in->plan->spec->sysctl;

	for (size_t i = 0; i < s->count; i++)
		set_sysctl(in, s->items[i].key, s->items[i].value);
}
