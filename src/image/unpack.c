/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of an entry: its parent is opened (and made), what stands in its place goes away, it is
 * made new and never through an existing name (O_EXCL), then owner, mode, attributes and times are
 * set, in this order, since a change of owner clears the set-user-id bits and the file's
 * capabilities.
 */
#define _GNU_SOURCE
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "image/inroot.h"
#include "base/poison.h"

enum {
	READ_SIZE = 256 << 10,
	TRAILING_MAX = 16 << 20, /* what may follow the archive's end mark */
	FOLDER_TIMES_MAX = 32 << 20,
	ID_MAX = 65535,
};

struct unpacker {
	int source_fd;
	int root_fd;
	const struct unpack_options *options;
	struct unpack_result result;
	struct archive *archive;
	crypto_hash_sha256_state hash;
	char *chunk;             /* READ_SIZE bytes of the stream */
	struct buf folder_times; /* struct folder_time and the path, NUL-terminated; applied at the
				    end */
	struct md_error *err;
};

/* Where an entry goes. */
struct place {
	int parent_fd;
	const char *name;      /* its last component, borrowed from `path` */
	const char *printable; /* for messages */
	struct strv path;
};

struct folder_time {
	struct timespec times[2];
};

/* The archive's names end on somebody's terminal: what could be a control sequence there becomes
 * '?'. */
static const char *printable(const char *name, char to[256])
{
	size_t i;

	for (i = 0; i < 255 && name[i]; i++)
		to[i] = name[i] < 0x20 || name[i] > 0x7e ? '?' : name[i];
	to[i] = '\0';
	return to;
}

static ssize_t read_source(struct archive *a, void *data, const void **ret)
{
	struct unpacker *u = data;
	ssize_t n;

	do {
		n = read(u->source_fd, u->chunk, READ_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(a, errno, "read the archive");
		return -1;
	}
	crypto_hash_sha256_update(&u->hash, (const unsigned char *)u->chunk, (size_t)n);
	*ret = u->chunk;
	return n;
}

static int archive_fail(struct unpacker *u)
{
	const char *text = archive_error_string(u->archive);
	int code = archive_errno(u->archive);
	char clean[256];

	return md_fail(u->err, code > 0 ? code : EINVAL, "not a usable archive: %s",
		text ? printable(text, clean) : "unknown format");
}

static int open_archive(struct unpacker *u)
{
	struct archive *a = u->archive = archive_read_new();

	if (!a)
		return md_fail(u->err, ENOMEM, "unpack: out of memory");
	archive_read_support_format_tar(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	if (archive_read_open(a, u, NULL, read_source, NULL) != ARCHIVE_OK)
		return archive_fail(u);
	return 0;
}

/* Adds to the names made so far: folders that the archive only implies take an inode, too. */
static int count_entries(struct unpacker *u, uint64_t more)
{
	u->result.entries += more;
	if (u->result.entries > u->options->max_entries)
		return md_fail(u->err, EFBIG, "more than %llu entries unpacked",
			(unsigned long long)u->options->max_entries);
	return 0;
}

/* Adds to the bytes unpacked so far. */
static int count_bytes(struct unpacker *u, uint64_t more)
{
	if (more > u->options->max_bytes - u->result.bytes)
		return md_fail(u->err, EFBIG, "more than %llu bytes unpacked",
			(unsigned long long)u->options->max_bytes);
	u->result.bytes += more;
	return 0;
}

static int write_contents(struct unpacker *u, struct archive_entry *e, int fd, const char *name)
{
	int64_t size = archive_entry_size(e), at;
	const void *block;
	size_t len;
	int r;

	if (size < 0 || count_bytes(u, (uint64_t)size) < 0)
		return size < 0 ? md_fail(u->err, EINVAL, "unpack '%s': bad size", name) : -1;
	while ((r = archive_read_data_block(u->archive, &block, &len, &at)) == ARCHIVE_OK) {
		if (at < 0 || at > size || len > (uint64_t)(size - at))
			return md_fail(u->err, EINVAL, "unpack '%s': data past its end", name);
		if (lseek(fd, at, SEEK_SET) < 0 || fd_write_all(fd, block, len) < 0)
			return md_fail_errno(u->err, "unpack '%s'", name);
	}
	if (r != ARCHIVE_EOF)
		return archive_fail(u);
	if (ftruncate(fd, size) < 0)
		return md_fail_errno(u->err, "unpack '%s'", name);
	return 0;
}

static bool xattr_wanted(const char *name)
{
	if (str_eq(name, "security.capability"))
		return true;
	return str_starts(name, "user.") && !str_starts(name, "user.overlay.");
}

static int set_xattrs(struct unpacker *u, struct archive_entry *e, int fd, const char *name)
{
	const char *key;
	const void *value;
	size_t len;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &key, &value, &len) == ARCHIVE_OK) {
		if (!key || !xattr_wanted(key))
			continue;
		if (count_bytes(u, len) < 0)
			return -1;
		/* tmpfs has no user attributes before Linux 6.6: a file without them beats none. */
		if (fsetxattr(fd, key, value, len, 0) < 0 && errno != EOPNOTSUPP)
			return md_fail_errno(u->err, "unpack '%s': attribute", name);
	}
	return 0;
}

static void entry_times(struct archive_entry *e, struct timespec times[2])
{
	times[0].tv_sec = archive_entry_atime_is_set(e) ? archive_entry_atime(e) : 0;
	times[0].tv_nsec = archive_entry_atime_is_set(e) ? archive_entry_atime_nsec(e) : UTIME_NOW;
	times[1].tv_sec = archive_entry_mtime_is_set(e) ? archive_entry_mtime(e) : 0;
	times[1].tv_nsec = archive_entry_mtime_is_set(e) ? archive_entry_mtime_nsec(e) : UTIME_NOW;
}

/* Owner and mode by name, for what can't be opened (FIFOs, symlinks); it was just made by us. */
static int set_owner(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	if (uid < 0 || uid > ID_MAX || gid < 0 || gid > ID_MAX)
		return md_fail(u->err, EINVAL,
			"unpack '%s': its owner %lld:%lld is outside 0..%d and can't be mapped",
			p->printable, (long long)uid, (long long)gid, ID_MAX);
	if (fchownat(p->parent_fd, p->name, (uid_t)uid, (gid_t)gid,
		    AT_SYMLINK_NOFOLLOW | (*p->name ? 0 : AT_EMPTY_PATH)) < 0)
		return md_fail_errno(u->err, "unpack '%s': owner", p->printable);
	return 0;
}

static int set_times(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	struct timespec times[2];

	entry_times(e, times);
	if (utimensat(p->parent_fd, p->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return md_fail_errno(u->err, "unpack '%s': times", p->printable);
	return 0;
}

/* Owner, mode and attributes of an open file or folder. */
static int set_metadata(struct unpacker *u, struct archive_entry *e, const struct place *p, int fd)
{
	if (set_owner(u, e, p) < 0)
		return -1;
	if (fchmod(fd, archive_entry_perm(e) & 07777) < 0)
		return md_fail_errno(u->err, "unpack '%s': mode", p->printable);
	return set_xattrs(u, e, fd, p->printable);
}

static int make_file(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	_auto_close_ int fd = openat(
		p->parent_fd, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return md_fail_errno(u->err, "unpack '%s'", p->printable);
	if (write_contents(u, e, fd, p->printable) < 0 || set_metadata(u, e, p, fd) < 0)
		return -1;
	return set_times(u, e, p);
}

/* The times of a folder are set when nothing more is put into it. Past the ceiling they are left as
 * they are. */
static void remember_times(struct unpacker *u, struct archive_entry *e, const struct strv *path)
{
	struct folder_time t;
	size_t before = u->folder_times.len;

	if (!archive_entry_mtime_is_set(e) || u->folder_times.failed)
		return;
	entry_times(e, t.times);
	buf_add(&u->folder_times, &t, sizeof(t));
	for (size_t i = 0; i < path->count; i++)
		buf_addf(&u->folder_times, "/%s", path->items[i]);
	buf_add_char(&u->folder_times, '\0');
	if (u->folder_times.failed)
		u->folder_times.len = before;
}

static void apply_times(struct unpacker *u)
{
	size_t at = 0;

	while (at < u->folder_times.len) {
		const char *path = u->folder_times.data + at + sizeof(struct folder_time);
		_auto_close_ int fd =
			inroot_open(u->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		struct folder_time t;

		memcpy(&t, u->folder_times.data + at, sizeof(t));
		if (fd >= 0)
			futimens(fd, t.times);
		at += sizeof(t) + strlen(path) + 1;
	}
}

static int make_folder(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	_auto_close_ int fd = -1;

	if (*p->name && mkdirat(p->parent_fd, p->name, 0700) < 0 && errno != EEXIST)
		return md_fail_errno(u->err, "unpack '%s'", p->printable);
	fd = *p->name ? openat(p->parent_fd, p->name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
		      : fcntl(u->root_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return md_fail_errno(u->err, "unpack '%s'", p->printable);
	if (set_metadata(u, e, p, fd) < 0)
		return -1;
	remember_times(u, e, &p->path);
	return 0;
}

static int make_symlink(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	const char *target = archive_entry_symlink(e);

	if (!target || !*target || strlen(target) > UNPACK_PATH_MAX)
		return md_fail(u->err, EINVAL, "unpack '%s': bad target", p->printable);
	if (symlinkat(target, p->parent_fd, p->name) < 0)
		return md_fail_errno(u->err, "unpack '%s'", p->printable);
	return set_owner(u, e, p) < 0 ? -1 : set_times(u, e, p);
}

static int make_fifo(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	if (mkfifoat(p->parent_fd, p->name, 0600) < 0)
		return md_fail_errno(u->err, "unpack '%s'", p->printable);
	if (set_owner(u, e, p) < 0)
		return -1;
	if (fchmodat(p->parent_fd, p->name, archive_entry_perm(e) & 07777, 0) < 0)
		return md_fail_errno(u->err, "unpack '%s': mode", p->printable);
	return set_times(u, e, p);
}

static int split_name(struct unpacker *u, const char *path, const char *shown, struct strv *ret)
{
	if (inroot_split(path, ret) == 0)
		return 0;
	switch (errno) {
	case EINVAL:
		return md_fail(u->err, EINVAL, "unpack '%s': '..' in a name is refused", shown);
	case ELOOP:
		return md_fail(u->err, EFBIG, "unpack '%s': more than %d folders deep", shown,
			UNPACK_DEPTH_MAX);
	default:
		return md_fail_errno(u->err, "unpack '%s'", shown);
	}
}

/* A second name of a file that came before. The target is an archive's name too: found inside the
 * root only. */
static int make_link(struct unpacker *u, const char *target, const struct place *p)
{
	_auto_strv_ struct strv path = STRV_INIT;
	_auto_close_ int parent = -1;
	uint64_t made = 0;
	char shown[256];

	if (split_name(u, target, printable(target, shown), &path) < 0)
		return -1;
	if (path.count == 0)
		return md_fail(u->err, EINVAL, "unpack '%s': a link to the root", p->printable);
	parent = inroot_open_parent(u->root_fd, &path, path.count - 1, &made);
	if (parent < 0 || linkat(parent, path.items[path.count - 1], p->parent_fd, p->name, 0) < 0)
		return md_fail_errno(u->err, "unpack '%s': link to '%s'", p->printable,
			printable(target, shown));
	return 0;
}

/* What stands at the entry's name goes, except a folder that stays a folder. */
static int clear_place(struct unpacker *u, const struct place *p, bool folder)
{
	struct stat st;

	if (fstatat(p->parent_fd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : md_fail_errno(u->err, "unpack '%s'", p->printable);
	if (folder && S_ISDIR(st.st_mode))
		return 0;
	if (file_remove_tree(p->parent_fd, p->name) < 0)
		return md_fail_errno(u->err, "unpack '%s': replace", p->printable);
	return 0;
}

static int make_entry(struct unpacker *u, struct archive_entry *e, const struct place *p)
{
	static const struct {
		mode_t type;
		int (*make)(struct unpacker *, struct archive_entry *, const struct place *);
	} makers[] = {
		{ S_IFREG, make_file },
		{ S_IFDIR, make_folder },
		{ S_IFLNK, make_symlink },
		{ S_IFIFO, make_fifo },
	};
	const char *link = archive_entry_hardlink(e);
	mode_t type = archive_entry_filetype(e);

	if (!*p->name) /* the root itself */
		return type == S_IFDIR
			       ? make_folder(u, e, p)
			       : md_fail(u->err, EINVAL, "unpack '%s': the root must be a folder",
					 p->printable);
	if (clear_place(u, p, !link && type == S_IFDIR) < 0)
		return -1;
	if (link)
		return make_link(u, link, p);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (makers[i].type == type)
			return makers[i].make(u, e, p);
	}
	u->result.left_out++;
	return 0;
}

static int unpack_entry(struct unpacker *u, struct archive_entry *e)
{
	const char *path = archive_entry_pathname(e);
	_auto_strv_ struct strv parts = STRV_INIT;
	_auto_close_ int parent = -1;
	uint64_t made = 0;
	char shown[256];
	struct place p;

	if (count_entries(u, 1) < 0)
		return -1;
	if (!path || !*path)
		return md_fail(u->err, EINVAL, "unpack: an entry without a name");
	if (split_name(u, path, printable(path, shown), &parts) < 0)
		return -1;
	parent = inroot_open_parent(u->root_fd, &parts, parts.count ? parts.count - 1 : 0, &made);
	if (parent < 0)
		return md_fail_errno(u->err, "unpack '%s': its folder", shown);
	if (count_entries(u, made) < 0)
		return -1;
	p = (struct place){ .parent_fd = parent,
		.name = parts.count ? parts.items[parts.count - 1] : "",
		.printable = shown,
		.path = parts };
	return make_entry(u, e, &p);
}

static int unpack_entries(struct unpacker *u)
{
	struct archive_entry *e;
	int r;

	while ((r = archive_read_next_header(u->archive, &e)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		if (unpack_entry(u, e) < 0)
			return -1;
	}
	if (r != ARCHIVE_EOF)
		return archive_fail(u);
	if (u->result.entries == 0)
		return md_fail(u->err, EINVAL, "not a usable archive: it is empty");
	apply_times(u);
	return 0;
}

/* The digest is that of the whole stream, also of the padding that no reader of tar needs. */
static int drain_source(struct unpacker *u)
{
	size_t total = 0;
	const void *data;
	ssize_t n;

	while ((n = read_source(u->archive, u, &data)) > 0) {
		total += (size_t)n;
		if (total > TRAILING_MAX)
			return md_fail(
				u->err, EINVAL, "not a usable archive: too much follows its end");
	}
	return n < 0 ? archive_fail(u) : 0;
}

locale_t unpack_locale(void)
{
	return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

int unpack_tar(int fd, int root_fd, const struct unpack_options *o, struct unpack_result *ret,
	struct md_error *err)
{
	locale_t before = uselocale(o->locale);
	struct unpacker u = { .source_fd = fd, .root_fd = root_fd, .options = o, .err = err };
	unsigned char digest[crypto_hash_sha256_BYTES];
	int r = -1;

	buf_init(&u.folder_times, FOLDER_TIMES_MAX);
	crypto_hash_sha256_init(&u.hash);
	u.chunk = malloc(READ_SIZE);
	if (!u.chunk)
		md_fail(err, ENOMEM, "unpack: out of memory");
	else if (open_archive(&u) == 0 && unpack_entries(&u) == 0 && drain_source(&u) == 0)
		r = 0;
	crypto_hash_sha256_final(&u.hash, digest);
	sodium_bin2hex(u.result.digest, sizeof(u.result.digest), digest, sizeof(digest));
	archive_read_free(u.archive);
	buf_done(&u.folder_times);
	free(u.chunk);
	uselocale(before);
	if (r == 0)
		*ret = u.result;
	return r;
}
