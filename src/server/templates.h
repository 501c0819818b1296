/* SPDX-License-Identifier: Apache-2.0 */
/*
 * templates.h - which template (`mdocker template`) a user's new workspace is made from. Pure.
 *
 *	template = NAME			everybody's
 *	template = @GROUP=NAME		of the group's members
 *	template = USER=NAME		of one user
 *	group = GROUP=USER,USER...	may stand several times
 *
 * A user's own goes before a group's, that before everybody's; the first of several.
 */
#ifndef MD_SERVER_TEMPLATES_H
#define MD_SERVER_TEMPLATES_H

#include "base/error.h"
#include "base/str.h"

/* Are the lines as above, and is each group that a template names there? */
int templates_check(const struct strv *templates, const struct strv *groups, struct md_error *err);

/* Borrowed from the list; NULL: none. */
const char *templates_find(
	const struct strv *templates, const struct strv *groups, const char *user);

#endif
