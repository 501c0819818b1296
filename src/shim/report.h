/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what the shim tells its starter: the ready line and the exit file (options.h has their form).
 */
#ifndef MD_SHIM_REPORT_H
#define MD_SHIM_REPORT_H

#include <sys/types.h>

#include "base/error.h"
#include "wire/shim_wire.h"

/* Write one line and close *fd; nothing if it is -1. */
void report_ready(int *fd, pid_t init);
void report_failure(int *fd, const char *stage, const struct md_error *why, int exit_code);

/* Writes the exit file; `path` may be NULL. */
void report_exit(const char *path, const struct shim_exit *e, const char *text);

#endif
