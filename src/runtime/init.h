/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.h - the child: what runs between clone and execve. It is another program than the runtime: no memory is allocated, no stdio used,
 * and it is left only by execve and _exit. All it needs lies ready in a `struct init_plan`; what is wrong goes to the runtime as
 * a message and ends it (init_fail()), so that its functions needn't return errors.
 *
 * The order of what it does stands in the tables of init.c. Its parts: init_tell.c (messages), init_namespaces.c, init_rootfs.c (root, pivot), init_mounts.c, init_devices.c (device
 * nodes, console), init_mask.c (masked and read-only paths), init_process.c (ids, capabilities, limits, execve), init_hooks.c.
 */
#ifndef MD_RUNTIME_INIT_H
#define MD_RUNTIME_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "runtime/init_sync.h"

enum init_mount_kind {
	INIT_MOUNT_NEW,  /* a new file system of `type` */
	INIT_MOUNT_BIND, /* `source` again at `target` */
	INIT_MOUNT_HIERARCHY, /* the same of a container's v1 cgroup, in the tmpfs that was made for them */
	INIT_MOUNT_ATTR,    /* attributes of what is mounted at `target` already */
	INIT_MOUNT_SYMLINK, /* `target` is a symlink to `source` */
};

/* One step of the mount table: an entry of config.json, or a part of what one stands for (cgroup). */
struct init_mount {
	enum init_mount_kind kind;
	const char *target; /* in the root */
	const char *source; /* NULL: none */
	int source_at; /* INIT_MOUNT_HIERARCHY: the source again, from this descriptor of the runtime's on */
	const char *source_below;
	const char *type;
	char *data; /* comma-joined options of the file system; NULL: none. The child cuts it up */
	const char *label;      /* SELinux's, in `data` too where that takes it; NULL: none */
	unsigned long ms_flags; /* MS_* for mount(2), where there is no newer way */
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* of the mount itself */
	uint64_t rec_set, rec_clear;   /* of it and all below */
	unsigned long propagation;     /* MS_*, maybe with MS_REC; 0: as it comes */
	bool recursive;                /* bind the submounts too */
	bool superblock_readonly;      /* the file system itself read-only, not only this mount */
	bool copy_symlink;
	bool tmpcopyup;
	bool from_runtime;      /* the runtime makes it (id-mapped) and sends a descriptor */
	bool in_cgroup;         /* needs the cgroups, and their namespace */
	bool holds_hierarchies; /* the tmpfs of INIT_MOUNT_HIERARCHY */
	bool optional;          /* failing is fine: a host without this controller */
};

struct init_plan {
	const struct oci_spec *spec;
	const struct oci_process *process;
	const char *rootfs; /* absolute, on the host */
	const struct init_mount *mounts;
	size_t mount_count;
	size_t early_mounts; /* how many are there before devices, hooks and masks; the others come behind those */
	bool exec;                  /* joins a running container */
	bool new_ns[OCI_NS_KINDS];  /* to be made, by clone (launch.c) or by the child */
	int unshare_flags;          /* those that the child makes first of all */
	int ns_fds[OCI_NS_KINDS];   /* to be joined; -1: none */
	bool join_ns[OCI_NS_KINDS]; /* exec: those of the container's first process */
	int target_pidfd;           /* exec: of that process; -1: by ns_fds */
	int mounts_fd;              /* the runtime's mount namespace, to go back to; -1 */
	int exec_root;              /* exec: a root that is no namespace's; -1 */
	bool join_by_between;       /* the user namespace was joined before the fork (launch.c) */
	bool in_userns;             /* not in the host's user namespace in the end */
	bool await_map;             /* a new user namespace: ids come first */
	int sock;                   /* to the runtime */
	int start_listener;         /* where `start` connects; -1: start comes through `sock` */
	int console_sock;           /* gets the pty's master; -1: no terminal */
	int hook_state[OCI_HOOK_KINDS]; /* memfds with the state document; -1 */
	unsigned int preserve_fds;
	bool no_pivot;
	bool new_keyring;
	bool helped; /* the runtime does a part of the child's work meanwhile: INIT_MOUNT_HIERARCHY, the loopback interface */
	bool skips_ready; /* nobody waits for SYNC_READY */
	volatile bool *
		executes; /* shared with the runtime: set when nothing but execve is left; NULL: not told */
	const char *keyring_name;
	char **env; /* NULL-terminated, with room for HOME=... at its end */
	size_t env_count;
	bool need_home;      /* HOME is to be found in /etc/passwd */
	const void *seccomp; /* compiled; NULL: none */
	size_t seccomp_len;
	unsigned int seccomp_flags;
	uint64_t
		soft_files; /* the caller's soft limit of descriptors, to be restored; 0: it is as it was */
	uint64_t last_cap;               /* highest capability that the kernel knows */
	uint64_t null_device;            /* st_rdev of the host's /dev/null, always 1:3 */
	const char *mount_label;         /* SELinux's, of new file systems; NULL: none */
	const char *lsm_file, *lsm_text; /* below /proc/self/attr; NULL: no label */
	const char *lsm_name;            /* what a failure calls it */
	bool lsm_labels_keys;            /* it is SELinux's, which keys have too */
};

/* The child's own state. */
struct init {
	const struct init_plan *plan;
	const char *step;             /* name of the one running */
	int sock;                     /* where messages go now */
	int root;                     /* the root, until it is entered; -1 */
	int proc;                     /* a private mount of proc; -1 */
	int tty;                      /* slave of the terminal; -1 */
	bool cgroups_ready;           /* the runtime said so */
	int cgroup_fds[SOCK_MAX_FDS]; /* where they are entered */
	size_t cgroup_fd_count;
	bool hierarchies_told; /* SYNC_HIERARCHIES has come */
	int hierarchy_fds[SOCK_MAX_FDS];
	size_t hierarchy_fd_count, hierarchies_used;
	bool in_cgroupns;
	bool start_told;    /* it may come before it is asked for, as the cgroups may */
	bool awaits_start;  /* `run`: the runtime has not said yet that the state file is written */
	int hierarchies;    /* the tmpfs in which those of v1 are mounted next; -1 */
	char program[4096]; /* absolute path of what will be executed */
};

/* Runs the whole: for `create` and `run`, and for `exec`. */
_noreturn_ void init_run(const struct init_plan *plan);

/* Tells the runtime why and ends the process. The texts after `code` (0: they say it all) are joined; the last one is NULL. */
_noreturn_ void init_fail(struct init *in, int code, ...) __attribute__((sentinel));
/* The same about the program to be executed; the text is whole. */
_noreturn_ void init_fail_program(struct init *in, int code, ...) __attribute__((sentinel));
/* Tells the runtime and goes on. */
void init_warn(struct init *in, int code, ...) __attribute__((sentinel));

/* Waits for `stage`, noting what else comes. Ends the process if the runtime is gone. */
void init_await(struct init *in, enum sync_stage stage, struct sync_message *ret, int *ret_fd);
void init_send(struct init *in, enum sync_stage stage, int value, int fd);

/* The container's filter may refuse even the end; the C library would try for ever. */
_noreturn_ void init_exit(int code);

/* Waits for the runtime's word to go on, if it is still to come. */
void init_await_start(struct init *in);

/* Joins the strings into `to`, cut to fit; always NUL-terminated. The last one is NULL. */
void init_join_text(char *to, size_t size, ...) __attribute__((sentinel));
/* A number as decimal digits: `to` needs 24 bytes. Returns `to`. */
char *init_number(char *to, int64_t number);

/* "/proc/self/fd/N", for calls that take paths only. Returns `to`. */
const char *init_fd_path(char to[64], int fd);

/* A file of a private proc, or of the container's own one once it is known to be proc, for writing. What is mounted on a part of the
 * latter is refused (EXDEV): what is written would go to another file. -1 and errno. */
int init_open_proc(struct init *in, const char *path);

/* Waits for the cgroups, and makes the cgroup namespace if there shall be one. Done once. */
void init_enter_cgroup(struct init *in);

/* The steps. */
void init_step_unshare(struct init *in);
void init_step_mapped(struct init *in);
void init_step_join(struct init *in);
void init_step_become_root(struct init *in);
void init_step_loopback(struct init *in);
void init_step_names(struct init *in);
void init_step_time(struct init *in);
void init_step_cgroup(struct init *in);
void init_step_root(struct init *in);
void init_step_mounts(struct init *in);
void init_step_late_mounts(struct init *in);
void init_step_devices(struct init *in);
void init_step_console(struct init *in);
void init_step_mask(struct init *in);
void init_step_pivot(struct init *in);
void init_step_sysctl(struct init *in);
void init_step_finish_root(struct init *in);
void init_step_leave(struct init *in);
void init_step_enter_root(struct init *in);
void init_step_runtime_hooks(struct init *in);
void init_step_create_hooks(struct init *in);
void init_step_start_hooks(struct init *in);
void init_step_find_program(struct init *in);
void init_step_limits(struct init *in);
void init_step_lsm(struct init *in);
/* The keys that the process makes until execve have its SELinux label. */
void init_label_keys(struct init *in);
void init_step_ids(struct init *in);
/* True if the caller's supplementary groups are to stay. */
bool init_keeps_groups(const struct init *in);
void init_step_execute(struct init *in);

/* init_mounts.c: a mount at `target` (O_PATH) from a detached tree. */
void init_attach(struct init *in, int tree, int target, const char *name);
/* A detached copy of the mount at fd/path. -1 and errno. */
int init_clone_tree(int fd, const char *path, bool recursive);
/* For a child that is helped: the tree of an INIT_MOUNT_HIERARCHY, to be attached as it is. -1 and errno. */
int init_clone_hierarchy(const struct init_mount *m);

/* init_mask.c: mounts the host's device `node` (O_PATH) on `place`, which is `path` of the container, read-only: what is written goes to the
 * device all the same, but its owner, mode and times are the host's, and root of the container may be their owner. -1 and errno. */
int init_cover(struct init *in, int node, int place, const char *path);

#endif
