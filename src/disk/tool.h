/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - runs a program of the host to its end, such as mke2fs or cp. */
#ifndef MD_DISK_TOOL_H
#define MD_DISK_TOOL_H

#include "base/error.h"

/* `argv` is NULL-terminated; `package` has the program, for people. If it fails (EIO), the first line on
 * stderr that begins with its name, argv[0], becomes the message, or the first one. */
int tool_run(const char *path, char *const *argv, const char *package, struct md_error *err);

#endif
