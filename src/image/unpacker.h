/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpacker.h - runs unpack_tar() in a program of its own, mdocker-unpack, which can reach nothing
 * of the host: the folder is its root, its system calls are filtered and its capabilities few. So a
 * hole in a reader of archives is a hole into one half-made layer; and `mdocker` doesn't load these
 * libraries at each start.
 */
#ifndef MD_IMAGE_UNPACKER_H
#define MD_IMAGE_UNPACKER_H

#include "image/unpack.h"

/* As unpack_tar(); o->locale isn't looked at. */
int unpacker_run(int fd, int root_fd, const struct unpack_options *o, struct unpack_result *ret,
	struct md_error *err);

/* The program's side: reads the archive from descriptor 0, unpacks into descriptor 3, and writes
 * its outcome to descriptor 4, one struct unpacker_outcome. */
struct unpacker_outcome {
	struct unpack_result result;
	struct md_error error; /* code 0: it went well */
};
enum { UNPACKER_ROOT_FD = 3, UNPACKER_OUTCOME_FD = 4 };

#endif
