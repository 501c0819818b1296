/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workspace.h - one workspace as it stands in its document, ROOT/workspaces/ID/workspace.json.
 *
 * The document says what the workspace is (image, limits, who owns it), not whether it runs: that
 * is asked of its shim (lifecycle.h). It is written whole and atomically, by holders of the
 * workspace's lock only.
 */
#ifndef MD_ENGINE_WORKSPACE_H
#define MD_ENGINE_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"
#include "engine/limits.h"
#include "engine/names.h"
#include "engine/volume.h"

enum workspace_kind {
	WORKSPACE_RUN,  /* made by `mdocker run`: stops when its main process ends */
	WORKSPACE_USER, /* made by `mdocker workspace open`: runs until it is stopped */
};

enum record_mode {
	RECORD_ASK,    /* a terminal is recorded when its user asks for that */
	RECORD_ALWAYS, /* all of them, and no user ends or removes a recording */
	RECORD_NEVER,
};

/* Which terminals are recorded, and how much of that is kept (recording/store.h). */
struct recording_policy {
	enum record_mode mode;
	uint64_t size;  /* bytes of one recording */
	uint64_t total; /* of all that are kept; 0: no limit */
	uint64_t days;  /* 0: no limit */
};

#define RECORDING_POLICY_DEFAULT                                                                   \
	{                                                                                          \
		.mode = RECORD_ASK, .size = UINT64_C(64) << 20, .total = UINT64_C(256) << 20,      \
		.days = 30                                                                         \
	}

/* How much of what its terminals showed is kept in memory (terminals.h). */
struct terminal_policy {
	uint64_t ring;       /* bytes of output of each */
	uint64_t scrollback; /* lines of each */
};

#define TERMINAL_POLICY_DEFAULT                                                                    \
	{                                                                                          \
		.ring = UINT64_C(2) << 20, .scrollback = 10000                                     \
	}

struct workspace {
	char id[WORKSPACE_ID_LEN + 1];
	char *name;
	char *owner; /* "" when made by hand */
	enum workspace_kind kind;
	char *image;  /* its name when the workspace was made; "" with a rootfs of one's own */
	char *rootfs; /* absolute path of that, else "" */
	struct strv layers; /* IDs of the image's layers, the lowest first */
	int64_t created;    /* seconds since 1970 */
	uint32_t id_base;   /* of its block of user ids */
	struct limits limits;
	struct recording_policy recording; /* may change from one start to the next, */
	struct terminal_policy terminals;  /* and so may this */
	char *hostname;
	char *network;       /* "none", "bridge" or "host": connect.h */
	char *egress;        /* what it may reach on a bridge: network/policy.h */
	char *profile;       /* how it is confined: profile_kind.h; "" is the default */
	struct strv publish; /* ports on a bridge: "8080:80" */
	struct strv args;    /* the main command */
	struct strv env;
	char *cwd;
	char *user;
	bool terminal;
	struct volumes volumes;
	bool remove_on_exit;
	bool removing; /* `rm` began: only `rm` is possible */

	/* The last run. */
	char *boot_id; /* of the host when it was started; "" never */
	int64_t started;
};

#define WORKSPACE_INIT                                                                             \
	{                                                                                          \
		.limits = LIMITS_DEFAULT, .recording = RECORDING_POLICY_DEFAULT,                   \
		.terminals = TERMINAL_POLICY_DEFAULT                                               \
	}

void workspace_done(struct workspace *w);
#define _auto_workspace_ _auto_(workspace_done)

/* Replaces an owned string of the struct: workspace_set(&w.name, "x"). NULL is "". 0, or -1 and
 * ENOMEM. */
int workspace_set(char **field, const char *value);

/* Adds the document, with a newline. */
void workspace_write(const struct workspace *w, struct buf *out);

/* Reads one; everything in it is checked again, since a document may have been edited by hand. */
int workspace_read(const char *text, size_t len, struct workspace *ret, struct md_error *err);

#endif
