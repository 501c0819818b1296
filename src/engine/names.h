/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - what may be the name of a workspace, its ID and its host name. Pure.
 */
#ifndef MD_ENGINE_NAMES_H
#define MD_ENGINE_NAMES_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

enum { WORKSPACE_ID_LEN = 12, WORKSPACE_NAME_MAX = 64, HOSTNAME_MAX = 63 };

/* 12 lower-case hex digits. */
bool workspace_id_valid(const char *id);

/* Letters, digits and _ . - ; begins with a letter or digit; at most 64 bytes. -1 with a message
 * that says so. */
int workspace_name_check(const char *name, struct md_error *err);

/* A host name of RFC 1123: labels of letters, digits and -, joined by dots, at most 63 bytes in all
 * (what sethostname(2) takes is 64). */
int hostname_check(const char *name, struct md_error *err);

#endif
