/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/protect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/kernel.h"
#include "base/poison.h"

enum {
	ARGS_CEILING = 4 << 20,
	ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

/* A file that nobody can write through this descriptor's path: on a read-only mount, sealed, or another user's than ours. */
static bool is_safe(int exe)
{
	struct statvfs fs;
	struct stat st;
	int seals;

	if (fstatvfs(exe, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return true;
	if (geteuid() != 0 && fstat(exe, &st) == 0 && st.st_uid != geteuid() && !(st.st_mode & 022))
		return true;
	seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

/* A read-only mount of the file, attached nowhere. */
static int open_readonly_mount(int exe)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	_auto_close_ int tree = sys_open_tree(exe, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &readonly) < 0)
		return -1;
	return take_fd(&tree);
}

static int open_sealed_copy(int exe)
{
	_auto_close_ int copy = memfd_create("mdocker-runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	ssize_t n;

	if (copy < 0 || fstat(exe, &st) < 0)
		return -1;
	for (off_t done = 0; done < st.st_size;) {
		n = sendfile(copy, exe, &done, (size_t)(st.st_size - done));
		if (n <= 0)
			return -1;
	}
	if (fcntl(copy, F_ADD_SEALS, ALL_SEALS) < 0)
		return -1;
	return take_fd(&copy);
}

/* The arguments as the kernel has them: what main() was given, before anybody cut it up. */
static int read_args(struct buf *text, struct strv *args)
{
	_auto_close_ int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		void *to = buf_reserve(text, 4096);

		if (!to)
			return -1;
		n = read(fd, to, 4096);
		if (n < 0)
			return -1;
		buf_grew(text, (size_t)n);
	} while (n > 0);
	for (size_t at = 0; at < text->len; at += strlen(text->data + at) + 1) {
		if (strv_add(args, text->data + at) < 0)
			return -1;
	}
	return 0;
}

static int execute(int fd, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(ARGS_CEILING);
	_auto_strv_ struct strv args = STRV_INIT;

	if (read_args(&text, &args) < 0 || !args.count)
		return md_fail_errno(err, "read the runtime's own arguments");
	syscall(SYS_execveat, fd, "", args.items, environ, AT_EMPTY_PATH);
	return md_fail_errno(err, "execute the runtime from its protected copy");
}

int protect_mount = -1;

void protect_release(void)
{
	fd_close(&protect_mount);
}

int protect_self(struct md_error *err)
{
	_auto_close_ int exe = -1;
	_auto_close_ int fd = -1;

	if (protect_mount < 0)
		exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (protect_mount < 0 && exe < 0)
		return md_fail_errno(err, "open the runtime's own executable");
	if (protect_mount >= 0)
		fd_set_cloexec(protect_mount, true);
	if (protect_mount >= 0 || is_safe(exe)) {
		/* Executed by descriptor we would be called by its number. */
		prctl(PR_SET_NAME, "mdocker-runtime", 0, 0, 0);
		return 0;
	}
	fd = open_readonly_mount(exe);
	if (fd < 0)
		fd = open_sealed_copy(exe);
	if (fd < 0)
		return md_fail_errno(err, "protect the runtime's executable from the container");
	return execute(fd, err);
}
