/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/init_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

enum { COPY_DEPTH = 64 };

static int copy_folder(int from, int to, int depth);

static int copy_meta(int to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	/* The mode last: changing the owner takes the set-id bits away. */
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -1;
	return futimens(to, times);
}

static int copy_file(int from, int to_folder, const char *name, const struct stat *st)
{
	_auto_close_ int to =
		openat(to_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (to < 0)
		return -1;
	do {
		n = sendfile(to, from, NULL, 1 << 20);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : copy_meta(to, st);
}

static int copy_symlink(int folder, int to_folder, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	if (symlinkat(target, to_folder, name) < 0)
		return -1;
	return fchownat(to_folder, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_entry(int folder, int to_folder, const char *name, int depth)
{
	_auto_close_ int from = -1;
	_auto_close_ int to = -1;
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return copy_symlink(folder, to_folder, name, &st);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	from = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return -1;
	if (S_ISREG(st.st_mode))
		return copy_file(from, to_folder, name, &st);
	if (mkdirat(to_folder, name, 0700) < 0)
		return -1;
	to = openat(to_folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 || copy_folder(from, to, depth + 1) < 0)
		return -1;
	return copy_meta(to, &st);
}

struct linux_dirent64 {
	uint64_t ino;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* getdents64(2) itself: readdir(3) allocates. */
static int copy_folder(int from, int to, int depth)
{
	_Alignas(struct linux_dirent64) char entries[4096];
	long n;

	if (depth > COPY_DEPTH) {
		errno = ELOOP;
		return -1;
	}
	while ((n = syscall(SYS_getdents64, from, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < n;) {
			struct linux_dirent64 *e = (void *)(entries + at);
			const char *name = e->name;

			at += e->length;
			if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
				continue;
			if (copy_entry(from, to, name, depth) < 0)
				return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

int init_copy_tree(int from, int to)
{
	_auto_close_ int folder = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_auto_close_ int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (folder < 0 || target < 0 || fstat(folder, &st) < 0 ||
		copy_folder(folder, target, 0) < 0)
		return -1;
	return copy_meta(target, &st);
}
