/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_log.h - the file behind `mdocker logs`: one JSON line {"log","stream","time"} for each line that a process
 * wrote (longer ones in parts of 16 KiB), as Docker's json-file has it. Past its size its contents move to FILE.1 and it is
 * emptied, so the two together are bounded.
 */
#ifndef MD_SHIM_OUTPUT_LOG_H
#define MD_SHIM_OUTPUT_LOG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum output_stream {
	OUTPUT_STDOUT,
	OUTPUT_STDERR,
};

struct output_log {
	int fd;  /* owned; -1: no log */
	int old; /* owned: FILE.1 */
	uint64_t size;
	uint64_t limit;
	struct buf partial[2]; /* of each stream: the line not yet ended */
};

#define OUTPUT_LOG_INIT                                                                            \
	{                                                                                          \
		.fd = -1, .old = -1                                                                \
	}

/* Appends to `fd` and keeps the part before in `old` (both of output_log_file(), taken over); -1: everything is thrown away. Two
 * descriptors and no path, because who writes the log may open no file. */
void output_log_open(struct output_log *l, int fd, int old, uint64_t limit);

/* A full disk or the like loses lines, never more: the process must not suffer for its log. */
void output_log_write(
	struct output_log *l, enum output_stream stream, const void *data, size_t len);

/* Writes lines that have no end yet, and closes. */
void output_log_close(struct output_log *l);

/* The descriptor of a log file; -1 and errno. */
int output_log_file(const char *path);

#endif
