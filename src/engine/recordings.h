/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recordings.h - the recordings of a workspace's terminals (recording/store.h): whether there may be any, how much is
 * kept, and where. They lie in ROOT/workspaces/ID/recordings, outside of all that is seen inside, so they don't count to its
 * disk limit, can be read while it is stopped, and go with it.
 */
#ifndef MD_ENGINE_RECORDINGS_H
#define MD_ENGINE_RECORDINGS_H

#include "base/str.h"
#include "engine/engine.h"
#include "recording/store.h"

/* "ask", "always", "never" */
const char *record_mode_name(enum record_mode mode);

/* The settings record, record-size, record-total, record-days (setting.h). ENOENT: `name` is none of them. */
int recording_policy_set(
	struct recording_policy *p, const char *name, const char *value, struct md_error *err);

/* Refuses limits under which nothing could be recorded. */
int recording_policy_check(const struct recording_policy *p, struct md_error *err);

/* The member "recording" of a workspace's document. */
void recording_policy_write(const struct recording_policy *p, struct json_writer *w);
int recording_policy_read(
	const struct json_node *object, struct recording_policy *ret, struct md_error *err);

/* The folder. Heap; NULL: ENOMEM. */
char *recordings_folder(const struct engine *e, const struct workspace *w);

/* The shim's options that follow from the policy. -1 and errno. */
int recordings_shim_options(const struct engine *e, const struct workspace *w, struct strv *argv);

/* Removes what is past the limits of `w`. How many; -1. */
int recordings_prune_workspace(
	const struct engine *e, const struct workspace *w, struct md_error *err);

/* EPERM: they are always recorded, so that only an admin (`force`) removes one; else as recording_remove(). */
int recordings_remove_one(const struct engine *e, const struct workspace *w, const char *name,
	bool force, struct md_error *err);

#endif
