/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the process documents given to `RUNTIME exec --process`: the workspace's
 * template with what a request changes.
 *
 * Only the text is kept; it is read again for each process, which costs microseconds and saves
 * the memory of a tree.
 */
#ifndef MD_SHIM_TEMPLATE_H
#define MD_SHIM_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct process_spec {
	bool tty;
	uint16_t rows;
	uint16_t cols;
	bool env_only;    /* `env` is all, else it is added to the template's */
	struct strv argv; /* empty: the template's */
	struct strv env;  /* NAME=value */
	char *cwd;        /* NULL: the template's */
	char *user;       /* "UID" or "UID:GID"; NULL: the template's */
	bool privileged;  /* told to the runtime, not in the document */
};

void process_spec_done(struct process_spec *s);
#define _auto_process_spec_ _auto_(process_spec_done)

/* Reads a file that holds a process object or a config.json with one. *ret_text is the file's text,
 * the caller's. */
int template_load(const char *path, char **ret_text, struct md_error *err);

/* The process document for `s`, the caller's. */
int template_process(
	const char *text, const struct process_spec *s, char **ret_json, struct md_error *err);

/* The command of `s`, or of the template, as one line for people; the caller's, NULL without
 * memory. */
char *template_command(const char *text, const struct process_spec *s);

#endif
