/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.h - the privileged half of mdocker-shim. It runs the OCI runtime, is the parent of the container's processes, watches
 * the cgroup's limits, owns the files and folders; it never reads a byte that came out of the container. When the holder is
 * gone, for whatever reason, it deletes the container and ends.
 */
#ifndef MD_SHIM_WARDEN_H
#define MD_SHIM_WARDEN_H

#include "base/loop.h"
#include "shim/deadline.h"
#include "shim/driver.h"
#include "shim/disk_watch.h"
#include "shim/limits.h"
#include "shim/options.h"
#include "shim/warden_wire.h"

enum { WARDEN_MOST = 256 /* processes alive that were told to the holder */ };

struct warden {
	const struct shim_options *options;
	struct loop loop;
	struct deadlines deadlines;
	struct loop_source signals;
	struct loop_source holder; /* the socket to it */
	pid_t holder_pid;          /* 0: reaped */
	struct driver driver;
	struct limits_watch limits;
	struct disk_watch disk;
	char *template;    /* text of the process template */
	int output_log_fd; /* for the holder; closed here once it runs */
	int old_log_fd;
	int listen_fd; /* bound and not yet listening; likewise */
	int ready_fd;
	pid_t init_pid;
	pid_t known[WARDEN_MOST]; /* children that may be signalled, init among them */
	size_t known_count;
	bool created; /* there is something to delete */
	bool ending;
	struct deadline delete_again;
	bool ready;
	char *failed_stage; /* owned; NULL: the start went well */
	struct md_error failure;
	int failure_exit;
};

/* Everything that needs privilege before the halves part: template, files, folder, socket. */
int warden_open(struct warden *w, const struct shim_options *o, struct md_error *err);

/* Serves the holder on `fd` (taken over) until it and the container are gone. Returns the program's exit code. */
int warden_serve(struct warden *w, int fd, pid_t holder);

/* Closes and removes what is left, then tells the starter if there was a failure. */
void warden_close(struct warden *w);

/* In the holder's process: forgets what only the warden needs, without touching what it owns. */
void warden_abandon(struct warden *w);

/* Between its files. warden.c: tells the holder (`fd` goes along when it is not -1, borrowed), that a job failed, that a limit was hit;
 * the index of a child among known[], known_count if it is none. */
void warden_say(struct warden *w, const struct warden_event *e, int fd);
void warden_say_failure(struct warden *w, uint32_t job, const struct md_error *err, int exit_code);
void warden_limit_hit(uint32_t kind, const char *text, void *data);
size_t warden_find_known(const struct warden *w, pid_t pid);

/* warden_errands.c: does what a packet of the holder's asks for; the descriptors stay the caller's. -1: it is nonsense, the holder is not to be
 * trusted any more. */
int warden_answer(
	struct warden *w, const char *packet, size_t len, const int *fds, size_t fd_count);

#endif
