/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - runs a program of the host to its end, such as mke2fs or cp. */
#ifndef MD_DISK_TOOL_H
#define MD_DISK_TOOL_H

#include "base/error.h"

/* `argv` is NULL-terminated; `package` has the program, for people. Its first line on stderr becomes
 * the message (EIO) if it fails. */
int tool_run(const char *path, char *const *argv, const char *package, struct md_error *err);

#endif
