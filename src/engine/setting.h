/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting.h - what a workspace is to be, in words: "memory=512m", "network=bridge". The same names
 * are options of `mdocker run` and `workspace open`, lines of a template, and `workspace =` lines of
 * the server's configuration.
 *
 * "template=NAME" stands for all settings of that template (template.h). The later one of two wins.
 */
#ifndef MD_ENGINE_SETTING_H
#define MD_ENGINE_SETTING_H

#include "engine/engine.h"

/* Puts them into the request, which borrows from `list` and from `kept`, where the words of templates
 * go. EINVAL names what is wrong. */
int settings_apply(struct engine *e, struct workspace_request *r, const struct strv *list,
	struct strv *kept, struct md_error *err);

/* Refuses what can't be or doesn't go together: limits, profile, network, policy. */
int settings_check(const struct workspace_request *r, struct md_error *err);

/* The limits among them, for a workspace that is there: nothing else may be in the list. */
int settings_apply_limits(struct limits *l, const struct strv *list, struct md_error *err);

#endif
