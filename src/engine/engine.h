/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - all workspaces of one ROOT: making, finding, listing, saving and deleting their
 * documents.
 *
 * There is no daemon. What protects two commands from each other:
 *	ROOT/workspaces/lock	held while a workspace gets its name and its block of ids
 *	ROOT/workspaces/ID/lock	held by whoever starts, stops, changes or removes that workspace
 * Order: first the workspace's, then the common one. Reading needs neither, documents are replaced
 * whole.
 *
 *	ROOT/workspaces/ID/workspace.json	the document
 *	ROOT/workspaces/ID/layers/N		layers with the ids of its block (layer_copy.h), if needed
 *	ROOT/workspaces/ID/upper, work		the writable layer
 *	ROOT/workspaces/ID/recordings		of its terminals (recordings.h)
 *	ROOT/workspaces/ID/exit.json		how the last run ended (options.h of the shim)
 *	ROOT/workspaces/ID/log			output of a detached main command
 *	ROOT/workspaces/.new-ID			half made; found under the common lock it is garbage
 */
#ifndef MD_ENGINE_ENGINE_H
#define MD_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"
#include "engine/workspace.h"
#include "image/store.h"

#define ENGINE_DEFAULT_ROOT  "/var/lib/minidocker"
#define ENGINE_DEFAULT_STATE "/run/minidocker"

struct engine_options {
	const char *root;
	const char *state;
	const char *runtime; /* NULL: mdocker-runtime beside this program */
};

struct engine {
	char *root; /* these are owned and absolute */
	char *state;
	char *runtime;    /* NULL: none is installed */
	bool own_runtime; /* it is mdocker-runtime, not another's */
	int workspaces_fd;
	struct image_store images;
};

#define ENGINE_INIT                                                                                \
	{                                                                                          \
		.workspaces_fd = -1, .images = IMAGE_STORE_INIT                                    \
	}

/* Makes the folders where they are missing. EPERM unless root. */
int engine_open(struct engine *e, const struct engine_options *o, struct md_error *err);
void engine_close(struct engine *e);
#define _auto_engine_ _auto_(engine_close)

/* ENOENT with what to do if there is no runtime. */
int engine_need_runtime(const struct engine *e, struct md_error *err);

/* ROOT/workspaces/ID/NAME and STATE/workspaces/ID/NAME (NAME may be ""). Heap; NULL: ENOMEM. */
char *engine_path(const struct engine *e, const char *id, const char *name);
char *engine_state_path(const struct engine *e, const char *id, const char *name);

/* What a new workspace is to be; NULL and empty fields are the image's, then the profile's. */
struct workspace_request {
	const char *name; /* NULL: the ID */
	const char *owner;
	enum workspace_kind kind;
	const char *image; /* NULL: the default one */
	const char *rootfs;
	const char *hostname;
	const char *network;    /* NULL: "none" */
	const char *egress;     /* NULL: "internet" */
	const char *profile;    /* NULL: "default" */
	char *const *publish;   /* NULL-terminated, or NULL */
	char *const *args;      /* NULL-terminated: instead of the image's command */
	const char *entrypoint; /* instead of the image's; "" for none */
	char *const *env;       /* NULL-terminated NAME=value, added */
	const char *cwd;
	const char *user;
	bool terminal;
	bool remove_on_exit;
	struct limits limits;
	struct recording_policy recording;
	struct terminal_policy terminals;
	struct volumes volumes;      /* borrowed */
	const struct strv *settings; /* setting.h: over the fields here; may be NULL */
};

#define WORKSPACE_REQUEST_INIT                                                                     \
	{                                                                                          \
		.limits = LIMITS_DEFAULT, .recording = RECORDING_POLICY_DEFAULT,                   \
		.terminals = TERMINAL_POLICY_DEFAULT                                               \
	}

/* Makes a stopped workspace. EEXIST when the name is taken; nothing is left on failure. The default
 * image is imported first if it is wanted and missing. */
int engine_create(struct engine *e, const struct workspace_request *r, struct workspace *ret,
	struct md_error *err);

/* By its whole ID. ENOENT if there is none. */
int engine_load(struct engine *e, const char *id, struct workspace *ret, struct md_error *err);

/* By ID, by name, or by the beginning of an ID if only one has it. ENOENT; EINVAL when several have
 * it. */
int engine_find(struct engine *e, const char *name, struct workspace *ret, struct md_error *err);
/* By name alone: a user may be called as somebody's ID begins. ENOENT. */
int engine_find_named(
	struct engine *e, const char *name, struct workspace *ret, struct md_error *err);

/* As these, and its lock is taken (waiting for who has it); the document is read under it. */
int engine_find_locked(struct engine *e, const char *name, struct workspace *ret, int *ret_lock,
	struct md_error *err);
int engine_find_named_locked(struct engine *e, const char *name, struct workspace *ret,
	int *ret_lock, struct md_error *err);

/* One whose document can't be read, by its whole ID: as much of it as workspace_remove() needs, and its lock. ENOENT if there is no such. */
int engine_find_damaged(struct engine *e, const char *id, struct workspace *ret, int *ret_lock,
	struct md_error *err);

/* Writes the document of a locked workspace. */
int engine_save(struct engine *e, const struct workspace *w, struct md_error *err);

/* Deletes the files of a stopped, locked workspace for good, its block of ids with them. */
int engine_delete(struct engine *e, struct workspace *w, struct md_error *err);

/* Removes what died while it was made or removed, `.new-*` and `.gone-*`, or with `dry` just
 * counts. Returns how many there were. The common lock is taken. */
size_t engine_sweep_halves(struct engine *e, bool dry);

struct workspaces {
	struct workspace *items; /* owned, by time of creation */
	size_t count;
	struct strv unreadable; /* ids of those whose document can't be read */
};

void workspaces_done(struct workspaces *l);
#define _auto_workspaces_ _auto_(workspaces_done)

/* All of them. A document that can't be read is told as a warning in the log; what such a workspace has stays its own all the same: its
 * block of ids, its layers. */
int engine_list(struct engine *e, struct workspaces *ret, struct md_error *err);

/* Who uses which layer, for the image store: `struct engine_image_users u; engine_image_users(e,
 * &u)`, then &u.users. */
struct engine_image_users {
	struct image_users users;
	struct engine *engine;
	struct workspaces list; /* read at the first question, when the store holds its lock */
	bool read;
};
void engine_image_users(struct engine *e, struct engine_image_users *u);
void engine_image_users_done(struct engine_image_users *u);

/* Finds the image `name` (NULL: the default one, imported from beside the installation if it is
 * missing). */
int engine_find_image(struct engine *e, const char *name, struct image *ret, struct md_error *err);

#endif
