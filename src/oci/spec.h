/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - config.json of the OCI runtime specification 1.2 (Linux) as validated structs.
 *
 * Values of a wrong type or out of range are refused with the path of the field; unknown fields are
 * ignored, as the specification wants. Names (namespaces, rlimits, capabilities, mount options,
 * seccomp actions) are translated to the kernel's numbers here, so that nothing behind this header
 * compares strings.
 *
 * Everything is owned by the spec and lives until oci_spec_done(): strings point into the document,
 * arrays into the arena. Absent strings are NULL, absent numbers have `set` false.
 */
#ifndef MD_OCI_SPEC_H
#define MD_OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "json/json_read.h"

#define OCI_SPEC_VERSION "1.2.1"

enum {
	OCI_CONFIG_CEILING = 16 * 1024 * 1024, /* bytes of a config.json */
	OCI_CPUS = 1024,
};

struct oci_i64 {
	bool set;
	int64_t value;
};

struct oci_u64 {
	bool set;
	uint64_t value;
};

/* Strings: `items` is NULL-terminated, never NULL itself once parsed (an absent list is empty). */
struct oci_strs {
	char **items;
	size_t count;
};

struct oci_pair {
	const char *key, *value;
};

struct oci_pairs {
	struct oci_pair *items;
	size_t count;
};

/* ---- process ---- */

struct oci_user {
	uid_t uid;
	gid_t gid;
	struct oci_i64 umask;
	gid_t *additional_gids;
	size_t additional_gid_count;
};

/* Bit N is capability N. */
struct oci_caps {
	bool set; /* process.capabilities is there; without it all five are 0 */
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct oci_rlimit {
	int resource; /* RLIMIT_* */
	const char *name;
	uint64_t soft, hard;
};

/* sched_setattr(2) */
struct oci_scheduler {
	bool set;
	uint32_t policy; /* SCHED_* */
	uint64_t flags;  /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns */
};

/* A list of CPUs: bit N % 64 of word N / 64. */
struct oci_cpus {
	bool set;
	uint64_t mask[OCI_CPUS / 64];
};

struct oci_process {
	bool terminal;
	struct oci_u64 console_width, console_height; /* columns and rows */
	struct oci_user user;
	struct oci_strs args; /* at least one, for a process that shall be started */
	struct oci_strs env;
	const char *cwd; /* absolute */
	struct oci_rlimit *rlimits;
	size_t rlimit_count;
	struct oci_caps caps;
	bool no_new_privileges;
	struct oci_i64 oom_score_adj; /* -1000..1000 */
	const char *apparmor_profile;
	const char *selinux_label;
	struct oci_scheduler scheduler;
	struct oci_i64 io_priority; /* what ioprio_set(2) takes */
	struct oci_cpus cpus_initial, cpus_final;
};

/* ---- mounts ---- */

/* Newer than the C library's headers. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

struct oci_id_map {
	uint32_t container, host, size;
	bool relative; /* while parsed: `host` is an id of the user namespace */
};

struct oci_id_maps {
	struct oci_id_map *items;
	size_t count;
};

enum oci_idmap {
	OCI_IDMAP_NONE,
	OCI_IDMAP,     /* this mount only */
	OCI_IDMAP_REC, /* ridmap: with its submounts */
};

struct oci_mount {
	const char *destination; /* absolute */
	const char *source; /* NULL: none. Relative ones of a bind are relative to the bundle */
	const char *type;   /* NULL for a bind */
	uint64_t flags;     /* MS_* that are on, propagation excluded; MS_BIND, MS_BIND | MS_REC */
	uint64_t cleared;   /* MS_* that an option switched off by name (rw, exec, ...) */
	uint64_t
		propagation; /* 0, or MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, with MS_REC */
	uint64_t rec_set;    /* MOUNT_ATTR_* to set on the whole tree (rro, rnosuid, ...) */
	uint64_t rec_clear;  /* MOUNT_ATTR_* to clear on the whole tree */
	bool copy_symlink;   /* bind the symlink itself */
	bool tmpcopyup;      /* fill the tmpfs with what the folder below held */
	enum oci_idmap idmap;
	struct oci_id_maps uid_maps, gid_maps; /* empty with idmap: those of the user namespace */
	const char *data; /* the file system's own options, comma-joined; NULL: none */
};

/* ---- hooks ---- */

enum oci_hook_kind {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOK_KINDS,
};

struct oci_hook {
	const char *path; /* absolute */
	struct oci_strs args, env;
	bool env_set;           /* else the runtime's own environment */
	struct oci_i64 timeout; /* seconds, > 0 */
};

struct oci_hook_list {
	struct oci_hook *items;
	size_t count;
};

/* The document's name of a kind: "createRuntime". */
const char *oci_hook_kind_name(enum oci_hook_kind kind);

/* ---- linux ---- */

enum oci_ns_kind {
	OCI_NS_USER,
	OCI_NS_MOUNT,
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_CGROUP,
	OCI_NS_TIME,
	OCI_NS_KINDS,
};

struct oci_namespace {
	bool set;         /* the container has one of its own, or the one at `path` */
	const char *path; /* absolute, or NULL: a new one */
};

/* What each kind is called: in the document ("network"), in /proc/PID/ns ("net"), and its
 * CLONE_NEW*. */
struct oci_ns_info {
	const char *name, *proc_name;
	int clone_flag;
};
extern const struct oci_ns_info oci_ns_info[OCI_NS_KINDS];

struct oci_device {
	const char *path; /* absolute */
	mode_t type;      /* S_IFCHR, S_IFBLK or S_IFIFO */
	mode_t mode;      /* permission bits; 0666 if absent */
	uint32_t major, minor;
	uid_t uid;
	gid_t gid;
};

struct oci_net_device {
	const char *name;     /* on the host */
	const char *new_name; /* inside; NULL: the same */
};

struct oci_time_offset {
	bool set;
	int64_t secs;
	uint32_t nanosecs;
};

struct oci_intel_rdt {
	bool set;
	const char *clos_id, *l3_schema, *mem_bw_schema;
	struct oci_strs schemata;
	bool enable_cmt, enable_mbm;
};

/* ---- linux.resources ---- */

enum {
	OCI_DEVICE_READ = 1,
	OCI_DEVICE_WRITE = 2,
	OCI_DEVICE_MKNOD = 4,
	OCI_DEVICE_ALL = 7,
};

struct oci_device_rule {
	bool allow;
	char type;            /* 'a' (both), 'b' or 'c' */
	int64_t major, minor; /* -1: any */
	unsigned int access;  /* OCI_DEVICE_* */
};

struct oci_memory {
	struct oci_i64 limit, reservation,
		swap; /* bytes, -1: none; swap is memory + swap, as on v1 */
	struct oci_i64 kernel, kernel_tcp;
	struct oci_u64 swappiness;                                             /* 0..100 */
	struct oci_i64 disable_oom_killer, use_hierarchy, check_before_update; /* 0 or 1 */
};

struct oci_cpu {
	struct oci_u64 shares;
	struct oci_i64 quota;      /* us in a period; <= 0: none */
	struct oci_u64 burst;      /* us */
	struct oci_u64 period;     /* us */
	struct oci_i64 rt_runtime; /* us */
	struct oci_u64 rt_period;  /* us */
	struct oci_i64 idle;       /* 0 or 1 */
	const char *cpus, *mems;   /* lists such as "0-3,7" */
};

struct oci_blkio_device {
	uint32_t major, minor;
	struct oci_u64 weight, leaf_weight; /* of weightDevice */
	uint64_t rate;                      /* of the throttle lists */
};

enum oci_throttle {
	OCI_THROTTLE_READ_BPS,
	OCI_THROTTLE_WRITE_BPS,
	OCI_THROTTLE_READ_IOPS,
	OCI_THROTTLE_WRITE_IOPS,
	OCI_THROTTLE_KINDS,
};

struct oci_blkio_devices {
	struct oci_blkio_device *items;
	size_t count;
};

struct oci_blkio {
	struct oci_u64 weight, leaf_weight;
	struct oci_blkio_devices weights;
	struct oci_blkio_devices throttle[OCI_THROTTLE_KINDS];
};

struct oci_hugepage_limit {
	const char *page_size; /* "2MB" */
	uint64_t limit;
};

struct oci_if_priority {
	const char *name;
	uint32_t priority;
};

struct oci_rdma {
	const char *device;
	struct oci_u64 hca_handles, hca_objects;
};

struct oci_resources {
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_i64 pids_limit; /* <= 0: none */
	struct oci_blkio blkio;
	struct oci_hugepage_limit *hugepages;
	size_t hugepage_count;
	struct oci_u64 net_class_id;
	struct oci_if_priority *net_priorities;
	size_t net_priority_count;
	struct oci_rdma *rdma;
	size_t rdma_count;
	struct oci_device_rule *devices;
	size_t device_count;
	struct oci_pairs unified; /* file name, text */
};

/* ---- linux.seccomp ---- */

enum oci_seccomp_action {
	OCI_SECCOMP_KILL_THREAD,
	OCI_SECCOMP_KILL_PROCESS,
	OCI_SECCOMP_TRAP,
	OCI_SECCOMP_ERRNO,
	OCI_SECCOMP_TRACE,
	OCI_SECCOMP_ALLOW,
	OCI_SECCOMP_LOG,
	OCI_SECCOMP_NOTIFY,
};

enum oci_seccomp_op {
	OCI_SECCOMP_NE,
	OCI_SECCOMP_LT,
	OCI_SECCOMP_LE,
	OCI_SECCOMP_EQ,
	OCI_SECCOMP_GE,
	OCI_SECCOMP_GT,
	OCI_SECCOMP_MASKED_EQ,
};

struct oci_seccomp_arg {
	unsigned int index; /* 0..5 */
	uint64_t value, value_two;
	enum oci_seccomp_op op;
};

struct oci_seccomp_rule {
	struct oci_strs names;
	enum oci_seccomp_action action;
	uint32_t errno_ret; /* EPERM if absent */
	struct oci_seccomp_arg *args;
	size_t arg_count;
};

struct oci_seccomp {
	bool set;
	enum oci_seccomp_action default_action;
	uint32_t default_errno;
	struct oci_strs architectures; /* "SCMP_ARCH_X86_64" */
	unsigned int flags;            /* SECCOMP_FILTER_FLAG_* */
	bool flags_set;                /* linux.seccomp.flags is there, maybe empty */
	const char *listener_path, *listener_metadata;
	struct oci_seccomp_rule *rules;
	size_t rule_count;
};

/* ---- the document ---- */

struct oci_spec {
	struct arena arena;
	struct json_doc doc;

	const char *version;
	struct oci_process *process; /* NULL: none; start needs one */
	const char *root_path;       /* NULL: none. Relative to the bundle, or absolute */
	bool root_readonly;
	struct oci_mount *mounts;
	size_t mount_count;
	const char *hostname, *domainname;
	struct oci_hook_list hooks[OCI_HOOK_KINDS];
	struct oci_pairs annotations;

	/* linux.* */
	struct oci_namespace ns[OCI_NS_KINDS];
	struct oci_id_maps uid_maps, gid_maps;
	struct oci_device *devices;
	size_t device_count;
	struct oci_net_device *net_devices;
	size_t net_device_count;
	const char *cgroups_path;
	struct oci_resources resources;
	struct oci_pairs sysctl;
	uint64_t rootfs_propagation; /* 0: absent; else MS_SHARED, MS_SLAVE, MS_PRIVATE,
					MS_UNBINDABLE, maybe MS_REC */
	struct oci_seccomp seccomp;
	struct oci_strs masked_paths, readonly_paths;
	const char *mount_label;
	struct oci_i64 personality; /* what personality(2) takes */
	struct oci_intel_rdt intel_rdt;
	struct oci_time_offset boottime, monotonic;
};

#define OCI_SPEC_INIT                                                                              \
	{                                                                                          \
		.version = NULL                                                                    \
	}

/* Parses the text of a config.json (copied where needed: `text` may go afterwards). On failure
 * nothing is kept. */
int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct md_error *err);

/* Reads `bundle`/config.json. ENOENT with "bundle/config.json" in the message if there is none. */
int oci_spec_load(const char *bundle, struct oci_spec *ret, struct md_error *err);

void oci_spec_done(struct oci_spec *s);
#define _auto_spec_ _auto_(oci_spec_done)

/* A process document, as `exec --process FILE` takes it. */
struct oci_process_doc {
	struct arena arena;
	struct json_doc doc;
	struct oci_process process;
};

int oci_process_parse(
	const char *text, size_t len, struct oci_process_doc *ret, struct md_error *err);
void oci_process_done(struct oci_process_doc *p);

/* A resources document, as `update --resources FILE` takes it. */
struct oci_resources_doc {
	struct arena arena;
	struct json_doc doc;
	struct oci_resources resources;
};

int oci_resources_parse(
	const char *text, size_t len, struct oci_resources_doc *ret, struct md_error *err);
void oci_resources_done(struct oci_resources_doc *r);

/* The value of an annotation, or NULL. */
const char *oci_annotation(const struct oci_spec *s, const char *key);

/* "CAP_CHOWN" (or "chown", any case) to its number, -1 if unknown; and back ("CAP_CHOWN"), NULL if
 * unknown. */
int oci_cap_number(const char *name);
const char *oci_cap_name(int number);

/* Number of capabilities that this build knows by name. */
int oci_cap_count(void);

/* Names for the `features` document: mount options and seccomp words that the parser takes,
 * NULL-terminated. */
const char *const *oci_mount_option_names(void);

/* A container's id: 1 to 1,024 of [A-Za-z0-9_+.-], neither "." nor "..". */
bool oci_id_valid(const char *id);

/* "/", "//": the root. */
bool oci_is_root(const char *path);

/* How many characters of `id` are, from its start, of those. */
size_t oci_id_span(const char *id);

#endif
