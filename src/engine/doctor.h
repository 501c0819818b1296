/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what the host offers: one check a line, with what it costs where something is missing
 * and what to do.
 */
#ifndef MD_ENGINE_DOCTOR_H
#define MD_ENGINE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "engine/engine.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WEAKER, /* it works, with less */
	DOCTOR_BROKEN, /* workspaces can't be started, or people don't get to them */
};

/* "ok", "weaker", "broken" */
const char *doctor_level_name(enum doctor_level l);

struct doctor_result {
	enum doctor_level level;
	char found[256];  /* what is there */
	char advice[384]; /* what is missing, what that costs, what to do; "" if ok */
};

/* One check; it changes nothing on the host. */
struct doctor_check {
	const char *name;
	void (*run)(struct engine *e, struct doctor_result *r);
};

/* All checks, in the order to be shown. `*ret_count` of them. */
const struct doctor_check *doctor_checks(size_t *ret_count);

/* The address that people type, `url` or what the server's configuration file `config` says (both may be NULL), tried by `mdockerd
 * --check-url`: one line a check, each with a deadline of 5 s. */
typedef void doctor_each_fn(const char *name, const struct doctor_result *r, void *data);
void doctor_url(const char *url, const char *config, doctor_each_fn *each, void *data);

/* doctor_network.c */
void doctor_check_network(struct engine *e, struct doctor_result *r);
void doctor_check_firewall(struct engine *e, struct doctor_result *r);

/* For the checks: runs a probe in a child; 0, or the errno that it ended with. */
int doctor_in_child(int (*probe)(void *data), void *data);
/* Fill a result. */
void doctor_ok(struct doctor_result *r, const char *fmt, ...) _printf_(2, 3);
void doctor_weaker(struct doctor_result *r, const char *found, const char *advice);
void doctor_broken(struct doctor_result *r, const char *found, const char *advice);

#endif
