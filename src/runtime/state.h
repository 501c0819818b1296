/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - a container's folder ROOT/ID/ and its state.json. Internal to the runtime; container.h tells the layout.
 *
 * The state need not survive a power cut, which no container survives: it is written to a temporary file and renamed, without fsync.
 */
#ifndef MD_RUNTIME_STATE_H
#define MD_RUNTIME_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"
#include "runtime/container.h"

/* A file that is there while a container that has not been started is paused. */
#define STATE_PAUSED "paused"

/* The folder, open, and locked if `lock` is not -1. */
struct state_dir {
	int fd;
	int lock;
	char *path; /* owned */
};

#define STATE_DIR_INIT                                                                             \
	{                                                                                          \
		-1, -1, NULL                                                                       \
	}

void state_dir_close(struct state_dir *d);
#define _auto_state_dir_ _auto_(state_dir_close)

/* Makes the folder of a new container, locked. EEXIST: "container with given ID already exists". */
int state_dir_make(
	const struct runtime *rt, const char *id, struct state_dir *ret, struct md_error *err);

/* Opens the folder of an existing one; with `lock` it waits for the exclusive lock, and the folder is there still once it has it. ENOENT; ENOLCK: there is a folder
 * without a lock, which somebody begins to make, removes, or was killed at. */
int state_dir_open(const struct runtime *rt, const char *id, bool lock, struct state_dir *ret,
	struct md_error *err);

/* flock(2) on the folder's lock. None is made: it would be in the way of who removes the folder. -1 and errno; ENOENT: there is no lock, or no folder any more. */
int state_dir_lock(const struct state_dir *d, int operation);

/* Takes the exclusive lock of an open folder, with the errors of state_dir_open(); without `wait` EWOULDBLOCK, too. */
int state_dir_take(struct state_dir *d, const char *id, bool wait, struct md_error *err);

/* Removes the folder with all in it. */
int state_dir_remove(const struct runtime *rt, const char *id, struct md_error *err);

/* The same of a container whose folder is open. */
int state_dir_remove_open(const struct state_dir *d, struct md_error *err);

int state_write(const struct state_dir *d, const struct container_state *s, struct md_error *err);

/* The same in two parts: the document of a complete container, whatever s->status, which nobody reads until it is published. */
int state_prepare(const struct state_dir *d, const struct container_state *s, struct md_error *err);
int state_publish(const struct state_dir *d, struct md_error *err);

/* As written, with the status as it is now. */
int state_read(const struct state_dir *d, struct container_state *ret, struct md_error *err);

/* `run` writes the state down while the container is still being made. This waits until it is made, and reads the state again if it had to. Not for hooks: there are
 * none then. */
int state_await_made(const struct state_dir *d, struct container_state *s, struct md_error *err);

/* Reads and parses state.json's text. */
int state_parse(const char *text, size_t len, struct container_state *ret, struct md_error *err);

/* A small file in the folder, replaced as a whole. */
int state_write_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
	struct md_error *err);

#endif
