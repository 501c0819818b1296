/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spare.h - the processor that busy workspaces are kept off, so that who wants one for a moment finds it free. A process in the kernel
 * keeps its processor for milliseconds whatever its weight is.
 *
 * A busy workspace's cpuset gets all processors but that one, and so does the half of its shim that carries its output, which
 * works as hard. Only those that may use all processors of the group above them are touched: who was given some by hand keeps them.
 * Nothing is remembered but in the kernel: what is kept off is known by its set.
 */
#ifndef MD_ENGINE_SPARE_H
#define MD_ENGINE_SPARE_H

#include <sched.h>
#include <stdbool.h>

#include "base/str.h"
#include "engine/engine.h"

/* `dir` is NULL where there is none to spare: no cpuset controller, or fewer than two processors. */
struct spare {
	char *dir;            /* owned: the group of all workspaces */
	cpu_set_t all, most;  /* of the workspaces, and without the spare one */
	cpu_set_t own, other; /* of the server's processes, the same */
	bool inherits;        /* a group that was given none has those of the one above (v2) */
};

void spare_done(struct spare *s);

/* "0-3,8", as the kernel writes it; "" is none. EINVAL. Pure. */
int spare_parse(const char *text, cpu_set_t *ret);

/* The way back; heap. Pure. */
char *spare_format(const cpu_set_t *cpus);

/* The last processor of `all` that is in `own` too; -1 if `all` has no other, or there is none. Pure. */
int spare_choose(const cpu_set_t *all, const cpu_set_t *own);

/* As it is now: `mounts` of cgroups_mounts(). */
void spare_find(struct spare *ret, const struct strv *mounts);

bool spare_equal(const struct spare *a, const struct spare *b);

/* Is workspace `id` kept off? */
bool spare_keeps_off(const struct spare *s, const char *id);

/* Keeps workspace `id` and its shim off (true), or lets them back. Those that are so already are left alone, and a failure has no
 * consequence but that. */
void spare_keep_off(const struct spare *s, struct engine *e, const char *id, bool off);

#endif
