/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting.h - what a workspace is to be, in words: "memory=512m", "network=bridge". The same names
 * are options of `mdocker run` and `workspace open`, lines of a template, and `workspace =` lines of
 * the server's configuration.
 */
#ifndef MD_ENGINE_SETTING_H
#define MD_ENGINE_SETTING_H

#include "engine/engine.h"

/* Puts "NAME=VALUE" into the request, which borrows the value. EINVAL names what is wrong. */
int setting_apply(struct workspace_request *r, const char *text, struct md_error *err);

/* All of a list; the later one of two wins. */
int settings_apply(struct workspace_request *r, const struct strv *list, struct md_error *err);

/* The limits among them, for a workspace that is there: nothing else may be in the list. */
int settings_apply_limits(struct limits *l, const struct strv *list, struct md_error *err);

#endif
