/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminals.h - how much of what its terminals showed a workspace keeps in memory, for those who come (back).
 */
#ifndef MD_ENGINE_TERMINALS_H
#define MD_ENGINE_TERMINALS_H

#include "base/error.h"
#include "base/str.h"
#include "engine/workspace.h"
#include "json/json_read.h"
#include "json/json_write.h"

/* The settings ring and scrollback (setting.h). ENOENT: `name` is none of them. */
int terminal_policy_set(
	struct terminal_policy *p, const char *name, const char *value, struct md_error *err);

/* The member "terminals" of a workspace's document. */
void terminal_policy_write(const struct terminal_policy *p, struct json_writer *w);
int terminal_policy_read(
	const struct json_node *object, struct terminal_policy *ret, struct md_error *err);

/* The shim's options that follow from the policy. -1 and errno. */
int terminals_shim_options(const struct terminal_policy *p, struct strv *argv);

#endif
