/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.h - the runtime's own hooks, and the state documents for the child's.
 */
#ifndef MD_RUNTIME_HOOKS_H
#define MD_RUNTIME_HOOKS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"
#include "runtime/container.h"
#include "runtime/plan.h"

/* Runs all hooks of one kind, each with the state (as of `status`) on stdin. With `keep_going` a failing one is only logged, as
 * the specification wants it of poststart and poststop. */
int hooks_run(const struct oci_hook_list *list, enum oci_hook_kind kind,
	const struct container_state *state, enum container_status status, bool keep_going,
	struct md_error *err);

/* prestart and createRuntime; fills in the state documents of the child's hooks. *ret_ran: some may have run. */
int hooks_run_creating(
	struct plan *p, const struct container_state *state, bool *ret_ran, struct md_error *err);

#endif
