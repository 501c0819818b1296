/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - named sets of settings (setting.h) for new workspaces: image, limits, network, egress
 * policy, profile, recording. ROOT/templates/NAME.json.
 *
 * A template is read when a workspace is made from it; those that there are stay as they are.
 */
#ifndef MD_ENGINE_TEMPLATE_H
#define MD_ENGINE_TEMPLATE_H

#include "base/str.h"
#include "engine/engine.h"

struct template
{
	char *description;
	struct strv settings; /* "memory=512m" */
};

#define TEMPLATE_INIT                                                                              \
	{                                                                                          \
		.description = NULL                                                                \
	}

void template_done(struct template *t);
#define _auto_template_ _auto_(template_done)

/* Makes or replaces one. Its settings are tried first: EINVAL names the one that can't be. */
int template_save(
	struct engine *e, const char *name, const struct template *t, struct md_error *err);

/* ENOENT with what to do if there is none of that name. */
int template_load(struct engine *e, const char *name, struct template *ret, struct md_error *err);

int template_remove(struct engine *e, const char *name, struct md_error *err);

/* The names of all, sorted. */
int template_list(struct engine *e, struct strv *ret, struct md_error *err);

#endif
