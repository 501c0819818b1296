/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_wire.h - what the two halves of mdocker-shim say to each other over a SOCK_SEQPACKET pair (docs/decisions/shim-halves.md).
 *
 * The holder (no privilege: terminals, screens, clients) asks, the warden (root: runs the OCI runtime, reaps, watches limits)
 * answers. The halves are one program, so the structs are the host's own; yet the warden takes nothing of the holder's on trust:
 * it builds command lines and process documents itself, from its own options and template, signals only processes that it made,
 * and writes only to the files that it was started with.
 */
#ifndef MD_SHIM_WARDEN_WIRE_H
#define MD_SHIM_WARDEN_WIRE_H

#include <stdint.h>

#include "wire/shim_wire.h"

enum warden_ask {
	WARDEN_RUN = 1, /* a verb of the runtime: RESULT */
	WARDEN_EXEC,    /* a process: RESULT, with the master. Tail: user, cwd, argv..., env... */
	WARDEN_SIGNAL,  /* to a process that a RESULT named */
	WARDEN_HASTEN,  /* a process of the container that somebody types to: haste.h */
	WARDEN_LOOK,    /* at the limits, where the kernel is silent */
	WARDEN_RECORD,  /* a new file for a recording: RESULT with its descriptor */
	WARDEN_EXITED,  /* main has: the exit file. Tail: text */
	WARDEN_READY,   /* clients may come */
	WARDEN_FAILED, /* the start has; told to the starter when nothing is left. Tail: stage, message */
};

enum {
	WARDEN_EXEC_TTY = 1,
	WARDEN_EXEC_ENV_ONLY = 2,
	WARDEN_EXEC_STDIO = 4 /* 3 descriptors come along */
};

struct warden_request {
	uint32_t ask;
	uint32_t job;      /* RUN, EXEC, RECORD: comes back with the RESULT */
	uint32_t verb;     /* RUN: enum driver_verb */
	int32_t signo;     /* SIGNAL; RUN of DRIVER_KILL */
	int32_t pid;       /* SIGNAL, HASTEN */
	int32_t cwd_of;    /* EXEC: in the present folder of this process of the container; 0: no */
	uint32_t terminal; /* RECORD: for the file's name */
	uint32_t flags;    /* EXEC: WARDEN_EXEC_* */
	uint16_t rows, cols;
	uint16_t argc, envc;
	int32_t exit_code;     /* FAILED */
	struct shim_exit exit; /* EXITED */
};

enum warden_tell {
	WARDEN_RESULT = 1, /* of a job */
	WARDEN_ENDED,      /* a process that a RESULT named */
	WARDEN_LIMIT,      /* a limit was hit */
	WARDEN_TERM,       /* the shim was told to end by a signal */
};

enum {
	WARDEN_ENDING = 1, /* ENDED: the container's PID 1 is on its way out */
	WARDEN_ALONE = 2,  /* ENDED: only PID 1 is left */
	WARDEN_SILENT =
		4, /* RESULT of START: the kernel tells nothing of the process limit or of the disk, LOOK helps */
};

struct warden_event {
	uint32_t tell;
	uint32_t job;
	int32_t code;      /* RESULT: an errno, 0: it went well */
	int32_t exit_code; /* RESULT of a failed EXEC */
	int32_t pid;       /* RESULT, ENDED */
	int32_t status;    /* ENDED: waitpid's */
	uint32_t kind;     /* LIMIT: SHIM_NOTICE_* */
	uint32_t flags;
	char text[512]; /* RESULT: why not; LIMIT: in words; ENDED: which limit killed it, or "" */
};

#endif
