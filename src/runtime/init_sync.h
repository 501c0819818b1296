/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_sync.h - what the runtime and the child that becomes the container say to each other, over a SOCK_SEQPACKET pair: the one list of
 * stages for both sides.
 */
#ifndef MD_RUNTIME_INIT_SYNC_H
#define MD_RUNTIME_INIT_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/sock.h"

enum sync_stage {
	/* The runtime to the child. */
	SYNC_MAPPED, /* the id mappings are written */
	SYNC_CGROUPS, /* its cgroups are ready; descriptors: where it enters them, none: it is in them */
	SYNC_HIERARCHIES, /* descriptors: the trees for all INIT_MOUNT_HIERARCHY, or none: it makes them itself */
	SYNC_SOURCE_FD, /* descriptor: the mount asked for; code: errno without one, text: why */
	SYNC_HOOKS_DONE, /* prestart and createRuntime hooks have run; the hooks' state is filled in */
	SYNC_RECORDED, /* the state file has it: it may outlive the runtime */
	SYNC_START,    /* go on to the program */
	SYNC_LISTENER_TAKEN,

	/* The child to the runtime. */
	SYNC_SOURCE, /* value: index of the mount whose source it can't open, or INIT_SOURCE_ROOT */
	SYNC_DEVICE, /* value: index of the device that it may not make; answered by SYNC_SOURCE_FD */
	SYNC_NETWORK, /* it is in its new network namespace, where the runtime brings up the loopback interface */
	SYNC_HOOKS,    /* namespaces and mounts are there: time for the runtime's hooks */
	SYNC_TIME,     /* it has a new time namespace: write the offsets, answer SYNC_MAPPED */
	SYNC_READY,    /* all is set up: "created" */
	SYNC_LISTENER, /* descriptor: the seccomp listener */
	SYNC_WARNING,  /* text: worth a line in the log */
	SYNC_FAILED,   /* code, text, value: enum sync_failure; the child ends */
};

enum sync_failure {
	SYNC_FAILURE_SETUP, /* "text: strerror(code)" */
	/* About the program (exit code 126 or 127). The text is whole; but with a negative code it is "text: strerror(-code)". */
	SYNC_FAILURE_PROGRAM,
};

enum { INIT_SOURCE_ROOT = -1 };

struct sync_message {
	uint32_t stage;
	int32_t code;
	int32_t value;
	char text[500]; /* NUL-terminated */
};

/* Sends a message, with `fd` unless it is -1. 0, or -1 and errno. No memory, no stdio. */
int sync_send(int sock, const struct sync_message *m, int fd);
int sync_send_fds(int sock, const struct sync_message *m, const int *fds, size_t count);

/* Receives one; *ret_fd (NULL: none wanted) is the caller's, or -1. 1, or 0 when the other side is gone, or -1 and errno. */
int sync_receive(int sock, struct sync_message *m, int *ret_fd);
/* The same with several. */
int sync_receive_fds(
	int sock, struct sync_message *m, int ret_fds[SOCK_MAX_FDS], size_t *ret_count);

#endif
