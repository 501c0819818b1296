/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - from the validated documents to the `struct init_plan` that the child works off: all memory is taken, all namespaces are opened
 * and everything is translated to the kernel's numbers here, in the runtime.
 */
#ifndef MD_RUNTIME_PLAN_H
#define MD_RUNTIME_PLAN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "runtime/init.h"

struct plan {
	struct arena arena;
	struct buf seccomp; /* the compiled filter */
	struct init_plan init;
	bool rootless;
};

/* Empties it: no descriptors, no memory. */
void plan_init(struct plan *p);
/* Closes the descriptors that the plan owns (namespaces, hook states) and frees the rest. */
void plan_done(struct plan *p);
#define _auto_plan_ _auto_(plan_done)

struct plan_request {
	const struct oci_spec *spec;
	const char *id;
	const char *bundle; /* absolute */
	const char *rootfs; /* absolute */
	const struct cgroup *cgroup;
	const char *seccomp_cache; /* folder, or NULL */
	bool rootless;
};

/* The plan of a new container. */
int plan_container(struct plan *p, const struct plan_request *r, struct md_error *err);

/* The name of a container's session keyring: whoever of its processes joins that name gets the same one. */
int plan_keyring(struct plan *p, const char *id, struct md_error *err);

/* What every process has, of a new container or of `exec`: environment, label, seccomp, capabilities. */
int plan_process(struct plan *p, const struct oci_spec *spec, const struct oci_process *process,
	const char *seccomp_cache, struct md_error *err);

/* True if a label would have no effect: those of documents are left out then, since engines write them by habit. */
bool plan_selinux_off(void);

/* plan_mounts.c: the mount table. */
int plan_mounts(struct plan *p, const struct plan_request *r, struct md_error *err);

#endif
