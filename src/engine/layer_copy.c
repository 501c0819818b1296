/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/layer_copy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "disk/tool.h"
#include "engine/idblock.h"
#include "base/poison.h"

enum { NOBODY = 65534, SET_IDS = S_ISUID | S_ISGID };

static const char capability[] = "security.capability";

/* Moved once: a file of several names is met several times. */
static uint32_t shifted(uint32_t id, uint32_t base)
{
	if (id < ID_BLOCK_SIZE)
		return base + id;
	return id >= base && id - base < ID_BLOCK_SIZE ? id : base + NOBODY;
}

/* In the words of the block's user namespace, whose root is `base`: only there they mean anything. */
static int restore_capabilities(
	const char *path, const struct vfs_ns_cap_data *was, size_t len, uint32_t base)
{
	struct vfs_ns_cap_data now = { 0 };
	uint32_t flags;

	if (len < XATTR_CAPS_SZ_2)
		return 0;
	memcpy(&now, was, XATTR_CAPS_SZ_2);
	flags = le32toh(now.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK;
	now.magic_etc = htole32(VFS_CAP_REVISION_3 | flags);
	now.rootid = htole32(base);
	return lsetxattr(path, capability, &now, XATTR_CAPS_SZ_3, 0);
}

/* A change of owner takes set-id bits and capabilities away. */
static int shift_file(const char *path, const struct stat *st, uint32_t base)
{
	uint32_t uid = shifted(st->st_uid, base), gid = shifted(st->st_gid, base);
	struct vfs_ns_cap_data caps;
	ssize_t len = -1;

	if (uid == st->st_uid && gid == st->st_gid)
		return 0;
	if (S_ISREG(st->st_mode))
		len = lgetxattr(path, capability, &caps, sizeof(caps));
	if (lchown(path, uid, gid) < 0)
		return -1;
	if (!S_ISLNK(st->st_mode) && (st->st_mode & SET_IDS) &&
		chmod(path, st->st_mode & 07777) < 0)
		return -1;
	return len > 0 ? restore_capabilities(path, &caps, (size_t)len, base) : 0;
}

static int shift_tree(const char *root, uint32_t base, struct md_error *err)
{
	char *const paths[] = { (char *)root, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int r = 0;

	if (!tree)
		return md_fail_errno(err, "copy of a layer: '%s'", root);
	while (r == 0 && (entry = fts_read(tree))) {
		if (entry->fts_info == FTS_DP)
			continue;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			entry->fts_info == FTS_NS) {
			errno = entry->fts_errno;
			r = md_fail_errno(err, "copy of a layer: '%s'", entry->fts_path);
		} else if (shift_file(entry->fts_accpath, entry->fts_statp, base) < 0) {
			r = md_fail_errno(err, "copy of a layer: '%s'", entry->fts_path);
		}
	}
	fts_close(tree);
	return r;
}

/* The new name must not be on the disk before what it names. */
static int write_out(const char *path, struct md_error *err)
{
	_auto_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? md_fail_errno(err, "copy of a layer: '%s'", path) : 0;
}

int layer_copy(const char *from, const char *to, uint32_t base, struct md_error *err)
{
	_auto_free_ char *half = str_format("%s.new", to);
	char *argv[] = { (char *)"cp", (char *)"-a", (char *)"--reflink=auto", (char *)"-T",
		(char *)"--", (char *)from, half, NULL };

	if (!half)
		return md_fail(err, ENOMEM, "copy of a layer");
	/* What a killed predecessor left. */
	if (file_remove_tree(AT_FDCWD, half) < 0)
		return md_fail_errno(err, "remove '%s'", half);
	if (tool_run("/bin/cp", argv, "coreutils", err) == 0 && shift_tree(half, base, err) == 0 &&
		write_out(half, err) == 0) {
		if (rename(half, to) == 0)
			return 0;
		md_fail_errno(err, "copy of a layer: '%s'", to);
	}
	file_remove_tree(AT_FDCWD, half);
	return -1;
}
