/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_impl.h - what the cgroup*.c files share. A container's group exists once in each tree of
 * the host: one tree on a unified host, one a controller on an older one, both kinds on a hybrid
 * one. What differs between the kinds stands behind struct cgroup_ops.
 */
#ifndef MD_RUNTIME_CGROUP_IMPL_H
#define MD_RUNTIME_CGROUP_IMPL_H

#include "base/buf.h"
#include "base/fd.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_text.h"

enum cgroup_controller {
	CTL_CPU = 1 << 0,
	CTL_CPUACCT = 1 << 1,
	CTL_CPUSET = 1 << 2,
	CTL_MEMORY = 1 << 3,
	CTL_PIDS = 1 << 4,
	CTL_IO = 1 << 5,
	CTL_HUGETLB = 1 << 6,
	CTL_RDMA = 1 << 7,
	CTL_DEVICES = 1 << 8,
	CTL_FREEZER = 1 << 9,
	CTL_NET_CLS = 1 << 10,
	CTL_NET_PRIO = 1 << 11,
};

enum { CGROUP_TREES = 16 };

struct cgroup_tree;

struct cgroup_ops {
	/* Makes usable the folder `fd`, just made below `parent_fd`, so that processes and children
	 * can be put in. */
	int (*prepare)(const struct cgroup_tree *t, int parent_fd, int fd, bool leaf,
		struct md_error *err);
	/* Writes what `r` sets and this tree controls. `fresh`: the group was just made. */
	int (*apply)(const struct cgroup_tree *t, const struct oci_resources *r, bool fresh,
		struct md_error *err);
	int (*apply_devices)(
		const struct cgroup_tree *t, const struct oci_resources *r, struct md_error *err);
	/* Asks for the state without waiting; and whether it was reached: 1, 0, -1 and errno. */
	int (*freeze)(const struct cgroup_tree *t, bool frozen);
	int (*is_frozen)(const struct cgroup_tree *t);
	/* SIGKILL to all of the group in one go; -1 and errno if the kernel has no such knob. */
	int (*kill)(const struct cgroup_tree *t);
	void (*stats)(const struct cgroup_tree *t, struct cgroup_stats *ret);
	int (*oom_open)(const struct cgroup_tree *t, struct cgroup_oom *ret);
};

extern const struct cgroup_ops cgroup_unified_ops;
extern const struct cgroup_ops cgroup_single_ops; /* one controller (or a few) a tree */
void cgroup_single_stats(const struct cgroup_tree *t, struct cgroup_stats *s); /* its .stats */

struct cgroup_tree {
	char *name;               /* "cpu,cpuacct", "name=systemd", "" */
	char *mount;              /* mount point */
	unsigned int controllers; /* CTL_* */
	const struct cgroup_ops *ops;
	int root;   /* of the tree, O_PATH */
	int fd;     /* the container's group, -1: not open */
	bool fresh; /* made by this process */
	bool ready; /* made and limited by this process */
};

struct cgroup {
	enum cgroup_manager manager;
	const struct oci_pairs *annotations; /* borrowed; NULL but for who makes it */
	bool rootless;
	char *path;  /* of the group in each tree: "/a/b" */
	char *slice; /* systemd */
	char *unit;  /* systemd: "prefix-name.scope" */
	char *record;
	struct cgroup_tree trees[CGROUP_TREES];
	struct cgroup_hierarchy views[CGROUP_TREES]; /* what cgroup_hierarchies() shows */
	size_t tree_count;
};

/* Finds the trees of this host by the magic numbers of what is mounted (plain folders are no
 * trees). */
int cgroup_find_trees(struct cgroup *c, struct md_error *err);

/* The tree that has the controller, or NULL. `CTL_FREEZER` and killing: the unified tree first. */
struct cgroup_tree *cgroup_tree_with(struct cgroup *c, unsigned int controller);
struct cgroup_tree *cgroup_unified_tree(struct cgroup *c);

/* Opens the group in the tree if it is not yet; -1 and errno (ENOENT: it does not exist). */
int cgroup_tree_open(const struct cgroup *c, struct cgroup_tree *t);
/* The group's path from the root of each tree. Borrowed. */
const char *cgroup_below_root(const struct cgroup *c);
void cgroup_tree_done(struct cgroup_tree *t);

/* Removes the (empty) group. 0, also if it isn't there; -1 and errno. */
int cgroup_tree_remove(const struct cgroup *c, struct cgroup_tree *t);

/* One write(2) into a file of the group; the message names the file and the text. */
int cgroup_write(int dirfd, const char *file, const char *text, struct md_error *err);
int cgroup_write_i64(int dirfd, const char *file, int64_t value, struct md_error *err);
int cgroup_write_u64(int dirfd, const char *file, uint64_t value, struct md_error *err);
bool cgroup_has(int dirfd, const char *file);

/* Reads a whole small file into `ret` (NUL-terminated, last newline cut); false if it can't be. */
bool cgroup_read(int dirfd, const char *file, char *ret, size_t size);
/* The first number of a file ("max": UINT64_MAX); 0 if it can't be read. */
uint64_t cgroup_read_u64(int dirfd, const char *file);
/* The number behind "KEY " in a flat keyed file; 0 if absent. */
uint64_t cgroup_read_key(int dirfd, const char *file, const char *key);

/* Calls back for each page size that has a file hugetlb.SIZE.`suffix`. */
void cgroup_hugetlb_stats(int dirfd, const char *usage, const char *max, struct cgroup_stats *ret);

/* 0 means "not set" where engines say so. */
static inline bool cgroup_wants(struct oci_i64 v)
{
	return v.set && v.value != 0;
}

static inline bool cgroup_wants_u(struct oci_u64 v)
{
	return v.set && v.value != 0;
}

/* What this kernel has not and a container does without: limits of a part of what the memory limit covers, and the weights of CFQ. One line in the log. */
void cgroup_warn_memory_part(const char *field, struct oci_i64 value);
void cgroup_warn_leaf_weight(const struct oci_blkio *io);

/* The rules in the order that counts: the document's, then the devices that every container has.
 * Heap. */
int cgroup_device_rules(const struct oci_resources *r, struct oci_device_rule **ret,
	size_t *ret_count, struct md_error *err);

/* Device rules as a BPF program on a unified group. */
int cgroup_attach_devices(
	int group_fd, const struct oci_device_rule *rules, size_t count, struct md_error *err);

/* systemd (cgroup_properties.c): the properties that annotations ask for, as busctl's words. EINVAL names the annotation. */
int cgroup_property_words(const struct oci_pairs *annotations, struct strv *ret,
	unsigned int *ret_count, struct md_error *err);

/* systemd (cgroup_systemd.c): asks for a transient scope with the process in it, waits until it is there. */
int cgroup_systemd_start(struct cgroup *c, pid_t pid, struct md_error *err);
/* The group of the user's own manager, below which are all that it makes. Heap. */
int cgroup_systemd_user_root(char **ret, struct md_error *err);
/* Tells systemd the limits that the group has. A refusal is a warning: they are in force. */
void cgroup_systemd_tell(struct cgroup *c);
int cgroup_systemd_stop(struct cgroup *c, struct md_error *err);

#endif
