/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - sd_notify(3) through the container: who starts us as a service of systemd's kind hears from the program inside when it
 * is ready.
 *
 * The folder ROOT/ID/notify is mounted where $NOTIFY_SOCKET points to; in it lies, from `start` on, the socket "notify", which is what the
 * program's own NOTIFY_SOCKET names. Of what comes there only READY=1 goes on.
 */
#ifndef MD_RUNTIME_NOTIFY_H
#define MD_RUNTIME_NOTIFY_H

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"
#include "runtime/state.h"

struct notify {
	const char *host; /* borrowed; NULL: nobody wants to know */
	int fd;           /* -1: nothing to wait for (any more) */
	pid_t main_pid;   /* told with READY=1: we end before the container; 0: we don't */
};

#define NOTIFY_INIT                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Makes the folder, and adds mount and environment to the document (memory of its arena). */
int notify_offer(
	const char *host, const struct state_dir *d, struct oci_spec *spec, struct md_error *err);

/* Makes the socket, if the container was offered one. */
int notify_open(
	struct notify *n, const char *host, const struct state_dir *d, struct md_error *err);

/* Reads what has come; READY=1 is passed on, and then `fd` closed. */
void notify_take(struct notify *n);

/* Waits for READY=1, or for the end of the process. */
void notify_wait(struct notify *n, pid_t pid);

void notify_close(struct notify *n);

#endif
