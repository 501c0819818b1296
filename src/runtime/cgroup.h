/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h - the control groups of one container, the same for v1, v2 and hybrid hosts, cgroupfs
 * and systemd.
 *
 * Life: cgroup_plan() says where the groups will be and touches nothing; its record goes into the
 * state file first, so that a crash after it leaves nothing that `delete` doesn't find.
 * cgroup_create() makes the folders and writes the limits. The process is born inside on v2
 * (cgroup_birth_fd) or added (cgroup_add). Later commands cgroup_open() the record.
 */
#ifndef MD_RUNTIME_CGROUP_H
#define MD_RUNTIME_CGROUP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"
#include "oci/spec.h"

struct cgroup;

enum cgroup_manager {
	CGROUP_MANAGER_CGROUPFS,
	CGROUP_MANAGER_SYSTEMD,
	CGROUP_MANAGER_NONE, /* nothing is made: a rootless container without delegation */
};

struct cgroup_request {
	const char *id;           /* of the container */
	const char *cgroups_path; /* linux.cgroupsPath, or NULL: a group named after the id */
	const struct oci_pairs *
		annotations; /* "org.systemd.property.NAME"; borrowed until the groups are made; may be NULL */
	enum cgroup_manager manager;
	bool rootless; /* a group that may not be made is left out, unless limits ask for it */
};

/* Chooses the places. EINVAL for a path with `..`; nothing is made. */
int cgroup_plan(const struct cgroup_request *r, struct cgroup **ret, struct md_error *err);

/* One line of text that cgroup_open() understands. Borrowed. */
const char *cgroup_record(const struct cgroup *c);
int cgroup_open(const char *record, struct cgroup **ret, struct md_error *err);
void cgroup_free(struct cgroup *c);
static inline void cgroup_freep(struct cgroup **c)
{
	cgroup_free(*c);
}

/* Makes the groups and applies the limits. `pid` is 0, or, where
 * cgroup_needs_pid(), that of the container's first process, waiting. A group that holds processes
 * already is EBUSY: `delete` kills all that is in it. On failure what was made is removed. */
int cgroup_create(struct cgroup *c, const struct oci_resources *r, pid_t pid, struct md_error *err);

/* What may follow when the process is in already, as long as it runs nothing of the container's: the device rules. */
int cgroup_complete(struct cgroup *c, const struct oci_resources *r, struct md_error *err);

/* The part of it that must be done before a process is born inside (cgroup_birth_fd()); cgroup_create() then does the rest, or, should
 * it not come to that or fail, cgroup_undo() removes what both made, with the processes in it. After that `c` is good for cgroup_free() only. */
bool cgroup_has_birth(struct cgroup *c); /* is there such a part? */
int cgroup_create_birth(struct cgroup *c, const struct oci_resources *r, struct md_error *err);
int cgroup_undo(struct cgroup *c, struct md_error *err);

/* True if cgroup_create() wants the pid of the container's first process. */
bool cgroup_needs_pid(const struct cgroup *c);

/* The group of the unified tree, for CLONE_INTO_CGROUP; owned by `c`. -1: this host has no such
 * tree. */
int cgroup_birth_fd(struct cgroup *c);

/* Moves a process into every group; with `born` not into the one that cgroup_birth_fd() gave it at
 * birth. With `subs` (NULL or empty: none), "[CONTROLLER,...:]PATH" each, into those groups below, which must exist;
 * `born` must then be false. */
int cgroup_add(
	struct cgroup *c, pid_t pid, const struct strv *subs, bool born, struct md_error *err);

enum { CGROUP_ENTRIES = 16 };

/* Files for a single-threaded process to enter the groups by itself, writing "0" into each, as whoever it is by
 * then: of all trees but the unified one, where it is to be born. Moving another process, or a process as a whole, stops all forks of
 * the system for a grace period (up to 20 ms); a thread that moves itself does not. The caller closes them. */
int cgroup_open_entries(
	struct cgroup *c, int ret_fds[CGROUP_ENTRIES], size_t *ret_count, struct md_error *err);

/* Applies what is set in `r`; device rules only if there are any. */
int cgroup_update(struct cgroup *c, const struct oci_resources *r, struct md_error *err);

/* Pids of the processes in the group and all below it, as this pid namespace sees them. Caller
 * frees. */
int cgroup_pids(struct cgroup *c, pid_t **ret, size_t *ret_count, struct md_error *err);

/* Returns when all are frozen (thawed), at most after 10 s (ETIMEDOUT, thawed again). */
int cgroup_freeze(struct cgroup *c, bool frozen, struct md_error *err);
bool cgroup_is_frozen(struct cgroup *c);

/* Sends `sig` to every process; SIGKILL by cgroup.kill where there is one. Never signals the
 * caller. No process: 0. */
int cgroup_kill(struct cgroup *c, int sig, struct md_error *err);

/* Kills what is left, thaws, and removes the groups with all below; what is gone already is fine.
 */
int cgroup_destroy(struct cgroup *c, struct md_error *err);

/* True if the group of at least one controller exists. */
bool cgroup_exists(struct cgroup *c);

/* Where the groups are: for the mount type "cgroup" inside a container and for tests. */
struct cgroup_hierarchy {
	const char *name;  /* "cpu,cpuacct", "name=systemd"; "" for the v2 tree */
	const char *mount; /* mount point on the host */
	const char *path;  /* the container's group below it: "/a/b" */
	int root;          /* O_PATH of the mount point; borrowed */
	bool v2;
};
size_t cgroup_hierarchies(const struct cgroup *c, const struct cgroup_hierarchy **ret);

/* True on a host where the v2 tree is the only one. */
bool cgroup_is_pure_v2(const struct cgroup *c);

struct cgroup_stat_pair {
	uint32_t major, minor;
	char op[16]; /* "": no more than the device */
	uint64_t value;
};

struct cgroup_hugetlb_stats {
	char page_size[16];
	uint64_t usage, max, failcnt;
};

enum { CGROUP_STAT_DEVICES = 64, CGROUP_STAT_CPUS = 256, CGROUP_STAT_HUGETLB = 8 };

/* The unified tree counts the first two only. */
enum cgroup_io_kind {
	CGROUP_IO_BYTES,
	CGROUP_IO_OPS,
	CGROUP_IO_QUEUED,
	CGROUP_IO_SERVICE_TIME,
	CGROUP_IO_WAIT_TIME,
	CGROUP_IO_MERGED,
	CGROUP_IO_TIME,
	CGROUP_IO_SECTORS,
	CGROUP_IO_KINDS,
};

struct cgroup_io_stats {
	struct cgroup_stat_pair items[CGROUP_STAT_DEVICES];
	size_t count;
};

/* The knobs of v1; all 0 elsewhere. */
struct cgroup_cpuset_stats {
	uint64_t cpus[CGROUP_STAT_CPUS], mems[CGROUP_STAT_CPUS];
	size_t cpu_count, mem_count;
	uint64_t cpu_exclusive, mem_exclusive, mem_hardwall;
	uint64_t memory_migrate, memory_pressure, memory_spread_page, memory_spread_slab;
	uint64_t sched_load_balance;
	int64_t sched_relax_domain_level;
};

struct cgroup_memory_stats {
	uint64_t usage, max, failcnt, limit;
};

/* What `events --stats` shows; what a host doesn't count is 0. Times in ns. */
struct cgroup_stats {
	uint64_t cpu_total, cpu_user, cpu_kernel;
	uint64_t cpu_each[CGROUP_STAT_CPUS];
	uint64_t cpu_each_kernel[CGROUP_STAT_CPUS], cpu_each_user[CGROUP_STAT_CPUS];
	size_t cpu_count, cpu_each_count; /* of cpu_each; of the two behind it */
	uint64_t periods, throttled_periods, throttled_time;
	struct cgroup_memory_stats memory, swap, kernel, kernel_tcp;
	uint64_t memory_cache;
	char *memory_raw; /* owned: memory.stat as the kernel writes it, or NULL */
	uint64_t pids_current, pids_limit;
	struct cgroup_cpuset_stats cpuset;
	struct cgroup_io_stats io[CGROUP_IO_KINDS];
	struct cgroup_hugetlb_stats hugetlb[CGROUP_STAT_HUGETLB];
	size_t hugetlb_count;
	uint64_t oom_kills;
};

int cgroup_stats(struct cgroup *c, struct cgroup_stats *ret, struct md_error *err);
void cgroup_stats_done(struct cgroup_stats *s);

/* A watch whose `fd` becomes readable when the memory limit killed something or the last process
 * went. After that cgroup_oom_take() reads it empty and returns the number of new kills, or -1 when
 * no process is left. */
struct cgroup_oom {
	int fd;       /* -1: none */
	int group_fd; /* the group's folder, owned */
	bool unified;
	uint64_t seen;
};
int cgroup_oom_open(struct cgroup *c, struct cgroup_oom *ret, struct md_error *err);
int cgroup_oom_take(struct cgroup_oom *o);
void cgroup_oom_close(struct cgroup_oom *o);

#endif
