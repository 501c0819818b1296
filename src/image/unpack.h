/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.h - one tar archive into one folder, whatever is in the archive.
 *
 * The archive is hostile. Its names are taken apart by hand and reached with
 * openat2(RESOLVE_IN_ROOT) from the folder, so that no name, link or order of entries reaches
 * anything outside of it:
 *   - `..` as a component is refused, in names and in targets of hard links; a leading `/` is
 * dropped
 *   - a name that goes through a symlink of the archive ends inside the folder, as it would in a
 * container
 *   - devices and sockets are left out (a container gets its /dev from the runtime), FIFOs are made
 *   - of the extended attributes only user.* (but user.overlay.*) and security.capability are kept;
 * ACLs are not
 *   - owners outside 0..65535 are refused: no workspace could map them
 *   - too many bytes, entries, or folders within folders are refused
 * It is a whole tree and no change of another: a name that begins with .wh. is a name like others.
 */
#ifndef MD_IMAGE_UNPACK_H
#define MD_IMAGE_UNPACK_H

#include <locale.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum { UNPACK_DIGEST_LEN = 64, UNPACK_DEPTH_MAX = 256, UNPACK_PATH_MAX = 4095 };

struct unpack_options {
	uint64_t max_bytes;   /* of all files together, holes counted, and their attributes */
	uint64_t max_entries; /* and folders that are only implied */
	locale_t locale;      /* of unpack_locale(), borrowed */
};

/* Names are bytes, which libarchive keeps only in a UTF-8 locale: "C.UTF-8", for unpack_options;
 * freelocale() it. (locale_t)0 and errno on failure. */
locale_t unpack_locale(void);

struct unpack_result {
	char digest[UNPACK_DIGEST_LEN + 1]; /* SHA-256 of the stream as read, hex */
	uint64_t bytes;
	uint64_t entries;
	uint64_t left_out; /* devices and sockets */
};

/* Reads the archive from `fd` to its end (plain tar, or under gzip, bzip2, xz or zstd; a pipe will
 * do) into the folder `root_fd`, which should be empty. On failure what was unpacked is left for
 * the caller to remove; code EINVAL: no archive or one that is refused, EFBIG: a ceiling, else that
 * of the system call. */
int unpack_tar(int fd, int root_fd, const struct unpack_options *o, struct unpack_result *ret,
	struct md_error *err);

#endif
