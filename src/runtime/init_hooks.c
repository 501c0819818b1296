/* SPDX-License-Identifier: Apache-2.0 */
/* The child's hooks: createContainer before the root is entered, startContainer behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/hook_run.h"
#include "runtime/init.h"
#include "base/poison.h"

static void run_hooks(struct init *in, enum oci_hook_kind kind)
{
	const struct oci_hook_list *list = &in->plan->spec->hooks[kind];
	const char *name = oci_hook_kind_name(kind);

	for (size_t i = 0; i < list->count; i++) {
		const struct oci_hook *h = &list->items[i];
		char number[24];
		int code;

		switch (hook_run(h, NULL, in->plan->hook_state[kind], -1, &code)) {
		case HOOK_OK:
			break;
		case HOOK_FAILED_START:
			init_fail(in, errno, name, " hook '", h->path, "'", NULL);
		case HOOK_EXITED:
			init_fail(in, ECANCELED, name, " hook '", h->path,
				"' ended with exit code ", init_number(number, code), NULL);
		case HOOK_TIMED_OUT:
			init_fail(in, ETIMEDOUT, name, " hook '", h->path, "'", NULL);
		}
	}
}

void init_step_runtime_hooks(struct init *in)
{
	const struct oci_spec *s = in->plan->spec;

	/* The child's hooks wait too: their state document is written once the pid is known. */
	if (!s->hooks[OCI_HOOK_PRESTART].count && !s->hooks[OCI_HOOK_CREATE_RUNTIME].count &&
		!s->hooks[OCI_HOOK_CREATE_CONTAINER].count &&
		!s->hooks[OCI_HOOK_START_CONTAINER].count)
		return;
	init_send(in, SYNC_HOOKS, 0, -1);
	init_await(in, SYNC_HOOKS_DONE, NULL, NULL);
}

void init_step_create_hooks(struct init *in)
{
	run_hooks(in, OCI_HOOK_CREATE_CONTAINER);
}

void init_step_start_hooks(struct init *in)
{
	if (in->plan->spec->hooks[OCI_HOOK_START_CONTAINER].count)
		init_await_start(in);
	run_hooks(in, OCI_HOOK_START_CONTAINER);
	if (in->plan->hook_state[OCI_HOOK_START_CONTAINER] >= 0)
		close(in->plan->hook_state[OCI_HOOK_START_CONTAINER]);
}
