/* SPDX-License-Identifier: Apache-2.0 */
/* The child's /dev: device nodes, the usual symlinks, the terminal. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/str.h"
#include "runtime/init.h"
#include "sys/inroot.h"
#include "sys/kernel.h"
#include "sys/pty.h"
#include "base/poison.h"

/* What each container has, by the specification's "Default Devices". */
static const struct oci_device default_devices[] = {
	{ "/dev/null", S_IFCHR, 0666, 1, 3, 0, 0 },
	{ "/dev/zero", S_IFCHR, 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR, 0666, 1, 7, 0, 0 },
	{ "/dev/random", S_IFCHR, 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR, 0666, 1, 9, 0, 0 },
	{ "/dev/tty", S_IFCHR, 0666, 5, 0, 0, 0 },
};

static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

static bool is_device(int folder, const char *name, const struct oci_device *d)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == d->type &&
	       (d->type == S_IFIFO || st.st_rdev == makedev(d->major, d->minor));
}

static _noreturn_ void fail_device(struct init *in, const struct oci_device *d)
{
	init_fail(in, errno, "make the device '", d->path, "'", NULL);
}

/* An empty file to mount on. What an image has there is looked at without following it; a symlink is refused. */
static int make_place(int folder, const char *name)
{
	int fd = openat(folder, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
	struct stat st;

	if (fd < 0 && errno != EEXIST)
		return -1;
	fd_close(&fd);
	fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))) {
		fd_close(&fd);
		errno = ELOOP;
	}
	return fd;
}

/* mount(2)'s way to mount one descriptor on another. */
static int bind_fds(int from, int to)
{
	char from_path[64], to_path[64], digits[24];

	init_join_text(
		from_path, sizeof(from_path), "/proc/self/fd/", init_number(digits, from), NULL);
	init_join_text(to_path, sizeof(to_path), "/proc/self/fd/", init_number(digits, to), NULL);
	return mount(from_path, to_path, NULL, MS_BIND, NULL);
}

/* The mount at `from` (O_PATH) again on `to`. */
static int bind_place(int from, int to)
{
	_auto_close_ int tree = init_clone_tree(from, "", false);

	if (tree < 0)
		return errno == ENOSYS ? bind_fds(from, to) : -1;
	return sys_move_mount(tree, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The node as the document wants it, with its owner, from the runtime; -1: it can't make any either, or it is one of the defaults. */
static int node_of_runtime(struct init *in, const struct oci_device *d)
{
	const struct oci_spec *s = in->plan->spec;
	struct sync_message reply;
	int node = -1;

	if (d < s->devices || d >= s->devices + s->device_count)
		return -1;
	init_send(in, SYNC_DEVICE, (int)(d - s->devices), -1);
	init_await(in, SYNC_SOURCE_FD, &reply, &node);
	return node;
}

/* The host's node, once it is seen to be the right one. */
static int node_of_host(struct init *in, const struct oci_device *d)
{
	int node = open(d->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (node < 0 || fstat(node, &st) < 0)
		fail_device(in, d);
	if ((st.st_mode & S_IFMT) != d->type || st.st_rdev != makedev(d->major, d->minor)) {
		errno = ENODEV;
		fail_device(in, d);
	}
	return node;
}

/* User namespaces may not make device nodes: one is mounted. */
static void bind_device(struct init *in, int folder, const char *name, const struct oci_device *d)
{
	_auto_close_ int made = node_of_runtime(in, d);
	_auto_close_ int host = made < 0 ? node_of_host(in, d) : -1;
	_auto_close_ int place = make_place(folder, name);

	if (place < 0 && errno == ELOOP && unlinkat(folder, name, 0) == 0)
		place = make_place(folder, name);
	if (place < 0)
		fail_device(in, d);
	if (made >= 0)
		init_attach(in, made, place, d->path);
	else if (init_cover(in, host, place, d->path) < 0)
		fail_device(in, d);
}

static void make_node(struct init *in, int folder, const char *name, const struct oci_device *d)
{
	int r;

	if (in->plan->in_userns && d->type != S_IFIFO) {
		if (!is_device(folder, name, d))
			bind_device(in, folder, name, d);
		return;
	}
	r = mknodat(folder, name, d->type | d->mode, makedev(d->major, d->minor));
	/* What an image put there is not to be trusted, and not followed. */
	if (r < 0 && errno == EEXIST && !is_device(folder, name, d)) {
		unlinkat(folder, name, 0);
		r = mknodat(folder, name, d->type | d->mode, makedev(d->major, d->minor));
	}
	if (r < 0 && errno == EPERM) {
		bind_device(in, folder, name, d);
		return;
	}
	if (r < 0 && errno != EEXIST)
		fail_device(in, d);
	if ((d->uid || d->gid) && fchownat(folder, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		fail_device(in, d);
}

/* `dev` is the folder that most of them are in. */
static void make_device(struct init *in, int dev, const struct oci_device *d)
{
	_auto_close_ int folder = -1;
	char name[NAME_MAX + 1];

	if (str_starts(d->path, "/dev/") && d->path[5] && !strchr(d->path + 5, '/') &&
		!str_eq(d->path + 5, ".") && !str_eq(d->path + 5, "..")) {
		make_node(in, dev, d->path + 5, d);
		return;
	}
	folder = inroot_parent(in->root, d->path, 0755, name);
	if (folder < 0)
		fail_device(in, d);
	make_node(in, folder, name, d);
}

static bool spec_has_device(const struct oci_spec *s, const char *path)
{
	for (size_t i = 0; i < s->device_count; i++) {
		if (str_eq(s->devices[i].path, path))
			return true;
	}
	return false;
}

/* A /dev that is mounted from elsewhere is the caller's own affair. */
static bool dev_is_bound(const struct oci_spec *s)
{
	for (size_t i = 0; i < s->mount_count; i++) {
		if ((s->mounts[i].flags & MS_BIND) &&
			(str_eq(s->mounts[i].destination, "/dev") ||
				str_eq(s->mounts[i].destination, "/dev/")))
			return true;
	}
	return false;
}

static void make_links(struct init *in, int dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(dev_links); i++) {
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0 && errno != EEXIST)
			init_fail(in, errno, "make /dev/", dev_links[i].name, NULL);
	}
	if (access("/proc/kcore", F_OK) == 0)
		(void)!symlinkat("/proc/kcore", dev, "core");
	/* The ptmx of the container's own devpts, whatever the image had. */
	if (symlinkat("pts/ptmx", dev, "ptmx") < 0 && errno == EEXIST &&
		(unlinkat(dev, "ptmx", 0) < 0 || symlinkat("pts/ptmx", dev, "ptmx") < 0))
		init_fail(in, errno, "make /dev/ptmx", NULL);
}

void init_step_devices(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;
	_auto_close_ int dev = -1;

	/* Without a root of its own (a joined mount namespace) or with a foreign /dev nothing is made. */
	if (!in->plan->new_ns[OCI_NS_MOUNT] || dev_is_bound(s))
		return;
	dev = inroot_mkdirs(in->root, "/dev", 0755);
	if (dev < 0)
		init_fail(in, errno, "open /dev", NULL);
	umask(0); /* the modes are meant as they stand */
	for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++) {
		if (!spec_has_device(s, default_devices[i].path))
			make_device(in, dev, &default_devices[i]);
	}
	for (size_t i = 0; i < s->device_count; i++)
		make_device(in, dev, &s->devices[i]);
	umask(0022);
	make_links(in, dev);
}

/* ---- the terminal ---- */

/* The container's devpts; nothing else that was put at its place. */
static int open_devpts(struct init *in)
{
	int pts = in->root >= 0 ? inroot_open(in->root, "/dev/pts", O_PATH | O_DIRECTORY)
				: open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs s;

	if (pts < 0)
		init_fail(in, errno, "open /dev/pts for a terminal", NULL);
	if (fstatfs(pts, &s) < 0 || s.f_type != DEVPTS_SUPER_MAGIC)
		init_fail(
			in, ENOTTY, "/dev/pts is no devpts: a terminal needs a mount of one", NULL);
	return pts;
}

/* The slave is mounted by its descriptor, never by its name. */
static void mount_console(struct init *in)
{
	_auto_close_ int dev = inroot_mkdirs(in->root, "/dev", 0755);
	_auto_close_ int place = dev < 0 ? -1 : make_place(dev, "console");

	if (place < 0 || bind_place(in->tty, place) < 0)
		init_fail(in, errno, "mount the terminal on /dev/console", NULL);
}

void init_step_console(struct init *in)
{
	const struct oci_process *p = in->plan->process;
	_auto_close_ int pts = -1;
	_auto_close_ int master = -1;

	if (!p || !p->terminal || in->plan->console_sock < 0)
		return;
	pts = open_devpts(in);
	if (pty_open(pts, &master, &in->tty) < 0)
		init_fail(in, errno, "open a terminal of the container's devpts", NULL);
	if (pty_set_size(in->tty, (unsigned int)p->console_height.value,
		    (unsigned int)p->console_width.value) < 0)
		init_fail(in, errno, "set the size of the terminal", NULL);
	if (fchown(in->tty, p->user.uid, (gid_t)-1) < 0)
		init_fail(in, errno, "give the terminal to the process's user", NULL);
	if (!in->plan->exec)
		mount_console(in);
	if (sock_send(in->plan->console_sock, "ptmx", 4, &master, 1) < 0)
		init_fail(in, errno, "send the terminal over the console socket", NULL);
	close(in->plan->console_sock);
	/* Now, not at `start`: containerd reads the output of `create` to its end, which would wait for us. */
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(in->tty, fd) < 0)
			init_fail(in, errno, "make the terminal the standard streams", NULL);
	}
}
