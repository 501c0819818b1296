/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one log for a process: lines to a descriptor, as text or as JSON.
 *
 * Text: `2026-01-31T12:00:00.000Z mdockerd web: warning: message`. JSON: `{"level","msg","time"}`,
 * as runc writes them and containerd and conmon read them. A line is one write(2), cut at 4 KiB;
 * control characters in it are escaped, so that what a stranger typed can't forge a line. No
 * secrets and no keystrokes.
 */
#ifndef MD_BASE_LOG_H
#define MD_BASE_LOG_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
};

/* `name` (borrowed for good) stands in each text line. Before log_open() lines go to stderr as
 * "name: message", from LOG_WARNING upwards. */
void log_init(const char *name);

/* Sends the log to `fd` (borrowed, CLOEXEC is the caller's care) from `level` upwards. */
void log_open(int fd, enum log_level level, bool json);
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)

#endif
