/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver_log.h - reading what a runtime said about its failure.
 */
#ifndef MD_SHIM_DRIVER_LOG_H
#define MD_SHIM_DRIVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* The last error of a runtime's log (JSON lines with "level" and "msg", or plain text of its
 * stderr) as one line. False if there is none. */
bool driver_log_error(const char *text, char *to, size_t room);

#endif
