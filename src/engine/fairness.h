/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fairness.h - processor time among workspaces: who has used much of it lately gives way to those who want a little now, so that a
 * key stroke and a login don't queue behind a hundred busy loops.
 *
 * Each has its own weight until processes of the host wait for a processor (a pressure trigger; on a quiet host nobody wakes up).
 * While that lasts, those that use more than their part get the smallest weight, or what is to it as theirs is to the usual one: what the
 * others leave is theirs. As long as somebody else works, too, they are kept off one processor (spare.h). When the pressure is over,
 * each has its own again. Workspaces of another --root are left alone.
 */
#ifndef MD_ENGINE_FAIRNESS_H
#define MD_ENGINE_FAIRNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/* One workspace, from one look to the next. */
struct fairness_share {
	char id[WORKSPACE_ID_LEN + 1];
	uint64_t usage_us; /* processor time since it was started */
	uint64_t score_us; /* lately used, fading */
	uint32_t hot;      /* looks in a row above its part */
	uint64_t own;      /* its weight */
	uint64_t less;     /* its weight while it gives way */
	bool low;          /* it gives way */
	bool off;          /* it is kept off the spare processor */
	bool seen;         /* in this look */
};

/* Adds what a share has used since the last look: the new counter. Pure. */
void fairness_count(struct fairness_share *s, uint64_t usage_us);

/* Decides `low` of each. Pure. */
void fairness_judge(struct fairness_share *shares, size_t count);

/* Does anybody work who doesn't give way? Only for them is a processor kept free. Pure. */
bool fairness_someone_works(const struct fairness_share *shares, size_t count);

/* Runs until SIGTERM or SIGINT; with `all_processors` none is kept free, weights are all. It leaves all weights and processors as they were. ENOTSUP where the kernel tells no pressure. */
int fairness_run(struct engine *e, bool all_processors, struct md_error *err);

#endif
