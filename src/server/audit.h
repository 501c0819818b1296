/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the audit log: JSON lines, each with a number and the SHA-256 of the line before, so that a line that was
 * changed, cut or removed is found; a head beside it (number and hash of the last line that is on the disk) finds a cut tail. At AUDIT_MAX_BYTES
 * the file is renamed to audit.log.LAST (the number of its last line) and a new one goes on with the chain.
 */
#ifndef MD_SERVER_AUDIT_H
#define MD_SERVER_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum { AUDIT_MAX_BYTES = 64 << 20, AUDIT_HASH = 32 };

struct audit {
	int dir_fd, fd, head_fd;
	uint64_t next;            /* number of the next line */
	uint64_t first;           /* of this file */
	uint8_t last[AUDIT_HASH]; /* hash of the last line */
	off_t size;
	off_t max_bytes;
	bool unsynced; /* lines were written that the head does not know yet */
};

#define AUDIT_INIT                                                                                 \
	{                                                                                          \
		.dir_fd = -1, .fd = -1, .head_fd = -1                                              \
	}

struct audit_entry {
	const char *event;                 /* "login" */
	const char *outcome;               /* "ok", "denied", "failed" */
	const char *user, *address, *text; /* NULL: left out */
	bool later; /* nobody waits for an answer: the caller calls audit_sync() soon */
};

/* Opens or makes audit.log in the folder. A log whose end does not fit its head is gone on with, and says so in its next line; so does one
 * whose last line a power cut left half, which is dropped. */
int audit_open(struct audit *a, int dir_fd, struct md_error *err);
void audit_close(struct audit *a);

/* With the outcome "ok" the line is on the disk afterwards; others, and those of `later`, are by the next audit_sync(). */
int audit_write(struct audit *a, const struct audit_entry *e, struct md_error *err);
int audit_sync(struct audit *a, struct md_error *err);

/* Reads all files of the log in the folder `path`. 0 and the number of lines; or -1 with the place of the first thing that is wrong:
 * "audit.log: line 12: ...". */
int audit_verify(const char *path, uint64_t *ret_lines, struct md_error *err);

#endif
