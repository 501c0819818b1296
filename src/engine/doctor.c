/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/poison.h"

static const char *const level_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WEAKER] = "weaker",
	[DOCTOR_BROKEN] = "broken",
};

const char *doctor_level_name(enum doctor_level l)
{
	return level_names[l];
}

static void fill(
	struct doctor_result *r, enum doctor_level level, const char *found, const char *advice)
{
	r->level = level;
	snprintf(r->found, sizeof(r->found), "%s", found);
	snprintf(r->advice, sizeof(r->advice), "%s", advice);
}

void doctor_ok(struct doctor_result *r, const char *fmt, ...)
{
	va_list ap;

	fill(r, DOCTOR_OK, "", "");
	va_start(ap, fmt);
	vsnprintf(r->found, sizeof(r->found), fmt, ap);
	va_end(ap);
}

void doctor_weaker(struct doctor_result *r, const char *found, const char *advice)
{
	fill(r, DOCTOR_WEAKER, found, advice);
}

void doctor_broken(struct doctor_result *r, const char *found, const char *advice)
{
	fill(r, DOCTOR_BROKEN, found, advice);
}
