/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masked and read-only paths. Done before the root is entered: the host's /dev/null, not the image's, is what covers files, and it
 * is looked at before it is used (an image whose /dev/null is a symlink has made other runtimes mount what it points to).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/init.h"
#include "sys/inroot.h"
#include "sys/kernel.h"
#include "base/poison.h"

struct masker {
	int null;   /* the host's /dev/null, verified; -1: not opened yet */
	int folder; /* an attached, empty, read-only tmpfs that the next ones are copies of; -1 */
};

static int open_null(struct init *in)
{
	int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		init_fail(in, errno, "open the host's /dev/null", NULL);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != in->plan->null_device)
		init_fail(in, ENODEV, "the host's /dev/null is not the device 1:3", NULL);
	return fd;
}

static int make_empty_folder(const char *label)
{
	_auto_close_ int fs = sys_fsopen("tmpfs");

	if (fs < 0 || sys_fsconfig_string(fs, "nr_inodes", "1") < 0 ||
		sys_fsconfig_string(fs, "mode", "555") < 0 ||
		(label && sys_fsconfig_string(fs, "context", label) < 0) ||
		sys_fsconfig_create(fs) < 0)
		return -1;
	return sys_fsmount(
		fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void mask_folder(struct init *in, struct masker *m, int place, const char *path)
{
	const char *label = in->plan->mount_label;
	_auto_close_ int tree =
		m->folder >= 0 ? init_clone_tree(m->folder, "", false) : make_empty_folder(label);
	char to[64], data[600];

	if (tree < 0 && errno == ENOSYS) {
		init_join_text(data, sizeof(data), "nr_inodes=1,mode=555",
			label ? ",context=\"" : NULL, label, "\"", NULL);
		if (mount("tmpfs", init_fd_path(to, place), "tmpfs",
			    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, data) < 0)
			init_fail(in, errno, "mask '", path, "'", NULL);
		return;
	}
	if (tree < 0)
		init_fail(in, errno, "mask '", path, "'", NULL);
	init_attach(in, tree, place, path);
	if (m->folder < 0)
		m->folder = take_fd(&tree);
}

/* For kernels before the new mount API. A user namespace that may not change the mount's flags doesn't own the node either. */
static int cover_old(struct init *in, int node, int place, const char *path)
{
	_auto_close_ int again = -1;
	char from[64], to[64];

	if (mount(init_fd_path(from, node), init_fd_path(to, place), NULL, MS_BIND, NULL) < 0)
		return -1;
	again = inroot_open(in->root, path, O_PATH | O_NOFOLLOW);
	if (again < 0)
		return -1;
	if (mount(NULL, init_fd_path(to, again), NULL,
		    MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) < 0 &&
		!(errno == EPERM && in->plan->in_userns))
		return -1;
	return 0;
}

int init_cover(struct init *in, int node, int place, const char *path)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
						   MOUNT_ATTR_NOEXEC };
	_auto_close_ int tree = init_clone_tree(node, "", false);

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &readonly) < 0)
		return errno == ENOSYS ? cover_old(in, node, place, path) : -1;
	return sys_move_mount(
		tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static void mask_file(struct init *in, struct masker *m, int place, const char *path)
{
	if (m->null < 0)
		m->null = open_null(in);
	if (init_cover(in, m->null, place, path) < 0)
		init_fail(in, errno, "mask '", path, "'", NULL);
}

/* What is not there needs no mask. Nor does the path "", which would be the root. */
static bool is_absent(int code)
{
	return code == ENOENT || code == ENOTDIR;
}

static void mask_path(struct init *in, struct masker *m, const char *path)
{
	_auto_close_ int place = inroot_open(in->root, path, O_PATH);
	struct stat st;

	if (!path[0] || (place < 0 && is_absent(errno)))
		return;
	if (place < 0 || fstat(place, &st) < 0)
		init_fail(in, errno, "mask '", path, "'", NULL);
	if (S_ISDIR(st.st_mode))
		mask_folder(in, m, place, path);
	else
		mask_file(in, m, place, path);
}

static void protect_old(struct init *in, int place, const char *path)
{
	_auto_close_ int again = -1;
	char name[64];

	init_fd_path(name, place);
	if (mount(name, name, NULL, MS_BIND | MS_REC, NULL) < 0)
		init_fail(in, errno, "make '", path, "' read-only", NULL);
	again = inroot_open(in->root, path, O_PATH);
	if (again < 0 ||
		mount(NULL, init_fd_path(name, again), NULL,
			MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			NULL) < 0)
		init_fail(in, errno, "make '", path, "' read-only", NULL);
}

static void protect_path(struct init *in, const char *path)
{
	_auto_close_ int place = inroot_open(in->root, path, O_PATH);
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	_auto_close_ int tree = -1;

	if (!path[0] || (place < 0 && is_absent(errno)))
		return;
	if (place < 0)
		init_fail(in, errno, "make '", path, "' read-only", NULL);
	tree = init_clone_tree(place, "", true);
	if (tree < 0 && errno != ENOSYS)
		init_fail(in, errno, "make '", path, "' read-only", NULL);
	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly) < 0) {
		if (errno != ENOSYS)
			init_fail(in, errno, "make '", path, "' read-only", NULL);
		protect_old(in, place, path);
		return;
	}
	init_attach(in, tree, place, path);
}

void init_step_mask(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;
	struct masker m = { .null = -1, .folder = -1 };

	if (!in->plan->new_ns[OCI_NS_MOUNT])
		return;
	for (size_t i = 0; i < s->readonly_paths.count; i++) {
		if (!oci_is_root(s->readonly_paths.items[i]))
			protect_path(in, s->readonly_paths.items[i]);
	}
	for (size_t i = 0; i < s->masked_paths.count; i++)
		mask_path(in, &m, s->masked_paths.items[i]);
	fd_close(&m.null);
	fd_close(&m.folder);
}
