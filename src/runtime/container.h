/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.h - the life of a container, one function a command of the OCI runtime command line.
 *
 * A container's files lie in ROOT/ID/: `state.json` (written atomically), `config.json` (a copy of
 * the bundle's, so that exec does not depend on the bundle), `lock` (flock(2): exclusive for
 * whatever changes the state), `start.sock` (while "created": container's first process listens
 * there for `start`). A process is known by its pid *and* start time, so that a reused pid is never
 * taken for it.
 *
 * All functions return 0, or -1 with *err filled and everything they had made undone. Codes worth
 * telling apart: ENOENT (no such container), EEXIST, EBUSY (wrong state for the command).
 */
#ifndef MD_RUNTIME_CONTAINER_H
#define MD_RUNTIME_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/str.h"

struct oci_resources;
struct oci_spec;
struct cgroup;

/* What the command line said before the command. */
struct runtime {
	const char *root;          /* folder of all containers; made (0700) when first needed */
	bool systemd_cgroup;       /* cgroups by systemd's D-Bus instead of cgroupfs */
	int rootless;              /* 1 yes, 0 no, -1 as the effective uid tells */
	const char *notify_socket; /* the caller's NOTIFY_SOCKET (sd_notify(3)); NULL */
};

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
};

/* "creating", "created", ... as the specification spells them. */
const char *container_status_name(enum container_status s);

/* What `state`, `list` and the hooks tell; read by container_load(). */
struct container_state {
	char *id;
	char *bundle;  /* absolute */
	char *rootfs;  /* absolute, on the host */
	char *created; /* RFC 3339, UTC, nanoseconds */
	char *owner;   /* user name or number of who made it */
	uid_t owner_uid;
	enum container_status status;
	pid_t pid;           /* 0 when stopped */
	uint64_t start_time; /* of pid: field 22 of /proc/PID/stat */
	char *cgroup;        /* opaque: what cgroup_from_state() reads */
	char *rdt;           /* opaque: what rdt.h reads; NULL: none */
	bool systemd_cgroup;
	bool rootless;
	bool user_namespace; /* it is root of its own user namespace only */
	bool own_keyring;    /* its session keyring is not that of who created it */
	bool early; /* written down before it was made, which its maker's lock tells (state_await_made()) */
	struct strv annotations; /* "key=value" (keys have no '=') */
};

void container_state_done(struct container_state *s);
#define _auto_container_state_ _auto_(container_state_done)

/* 1 to 1024 bytes of [A-Za-z0-9_+.-], not "." and not "..". */
bool container_id_valid(const char *id);

/* Reads the state with the status as it is now. ENOENT: "container 'ID' does not exist". */
int container_load(const struct runtime *rt, const char *id, struct container_state *ret,
	struct md_error *err);

/* The ids of all containers under the root, sorted. */
int container_list(const struct runtime *rt, struct strv *ret_ids, struct md_error *err);

/* The document of `state` and of the hooks' stdin: ociVersion, id, status, pid (absent when
 * stopped), bundle, annotations, and, as runc adds, rootfs, created, owner when `full`. Heap; NULL:
 * ENOMEM. */
char *container_state_json(const struct container_state *s, bool full);

struct create_options {
	const char *bundle; /* NULL: the working directory */
	const char *config; /* NULL: config.json of the bundle */
	const char *console_socket;
	const char *pid_file;
	unsigned int preserve_fds; /* descriptors 3..3+N-1 are passed to the program */
	unsigned int listen_fds;   /* so many of them are sockets of systemd's: told in LISTEN_FDS,
				      LISTEN_PID */
	bool no_pivot;
	bool no_new_keyring;
	bool no_subreaper;
	/* `run` only: */
	bool detach;
	bool keep; /* not deleted when its process ends */
};

/* Up to "created": everything is set up, the program's first instruction has not run. Hooks:
 * prestart, createRuntime, createContainer. */
int container_create(const struct runtime *rt, const char *id, const struct create_options *o,
	struct md_error *err);

/* Runs the program. EBUSY unless "created". A program that can't be executed is an error here; so is
 * a document without `process`, and then the container stays "created".
 * Hooks: startContainer, poststart. */
int container_start(const struct runtime *rt, const char *id, struct md_error *err);

/* create and start in one. Unless detached: relays the terminal (or the signals), waits, deletes,
 * and *ret_exit is the program's exit code (128+N for a signal). */
int container_run(const struct runtime *rt, const char *id, const struct create_options *o,
	int *ret_exit, struct md_error *err);

struct exec_options {
	const char *process_file; /* process document; else the container's own process with what
				     follows */
	char *const *args;        /* NULL-terminated; replaces args unless NULL */
	const char *cwd;
	const char *user; /* UID[:GID], numbers only */
	struct strv env;  /* NAME=value, added */
	struct strv caps; /* CAP_NAME, added to bounding, permitted and effective */
	struct strv additional_gids;
	const char *apparmor;
	const char *process_label;
	struct strv cgroups; /* below the container's own, as cgroup_add() has them */
	bool tty;
	bool no_new_privs; /* set: on; else as the container's process has it */
	bool detach;
	bool ignore_paused;
	bool no_subreaper;
	const char *console_socket;
	const char *pid_file;
	unsigned int preserve_fds;
};

/* Runs a further process in a running container. Detached: returns once the program was executed
 * (its parent then is the caller of the runtime, or the caller's subreaper); else waits and fills
 * *ret_exit. A program that can't be executed: -1 with err->code ENOENT (exit 127) or
 * EACCES/ENOEXEC (exit 126) and runc's wording, or EBUSY when the container isn't running or is
 * paused. */
int container_exec(const struct runtime *rt, const char *id, const struct exec_options *o,
	int *ret_exit, struct md_error *err);

/* Sends a signal to the first process (by pidfd), or with `all` to each process of the cgroup. A
 * stopped container: ESRCH, "container not running". */
int container_kill(
	const struct runtime *rt, const char *id, int sig, bool all, struct md_error *err);

/* Removes a stopped container: cgroup, state; poststop hooks. With `force` it is killed first, and
 * an absent one is success. Half-made remains of a killed runtime are removed too. */
int container_delete(const struct runtime *rt, const char *id, bool force, struct md_error *err);

int container_pause(const struct runtime *rt, const char *id, struct md_error *err);
int container_resume(const struct runtime *rt, const char *id, struct md_error *err);

int container_update(const struct runtime *rt, const char *id, const struct oci_resources *r,
	struct md_error *err);
/* New lines of the schemata in resctrl; NULL or "": as it is. ENOTSUP: the container has no group there. */
int container_update_rdt(const struct runtime *rt, const char *id, const char *l3,
	const char *mem_bw, struct md_error *err);

/* The pids (host) of all processes, sorted; the caller frees. */
int container_pids(const struct runtime *rt, const char *id, pid_t **ret_pids, size_t *ret_count,
	struct md_error *err);

/* The container's cgroup, for `events --stats` and OOM notification; the caller frees it
 * (cgroup.h). */
int container_cgroup(
	const struct runtime *rt, const char *id, struct cgroup **ret, struct md_error *err);

#endif
