/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock.h - unix sockets and descriptors sent over them. -1 and errno on failure.
 */
#ifndef MD_BASE_SOCK_H
#define MD_BASE_SOCK_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/compiler.h"

enum { SOCK_MAX_FDS = 32 };

/* `type` is SOCK_SEQPACKET or SOCK_STREAM. Paths longer than sockaddr_un allows are reached through
 * /proc/self/fd/DIRFD. Listening sockets get mode 0600 and replace a stale file. */
int sock_listen(const char *path, int type, int backlog);
/* The same, not yet listening: who connects is refused. */
int sock_bind(const char *path, int type);
int sock_connect(const char *path, int type);
/* Waits no longer than `timeout_ms` for room in the queue of one that listens and takes none: ETIMEDOUT. */
int sock_connect_within(const char *path, int type, int timeout_ms);

/* Sends one message (all of it, for SEQPACKET) with `fd_count` descriptors; never raises SIGPIPE.
 */
ssize_t sock_send(int fd, const void *data, size_t len, const int *fds, size_t fd_count);

/* Receives one message and up to SOCK_MAX_FDS descriptors (CLOEXEC, the caller's). A message longer
 * than `len`, or more descriptors than there is room for, is EMSGSIZE with nothing kept. *fd_count:
 * in the room, out the number. `fds` may be NULL: descriptors are then closed. Returns 0 at the end
 * of the stream. */
ssize_t sock_recv(int fd, void *data, size_t len, int *fds, size_t *fd_count);

#endif
