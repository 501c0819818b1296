/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_v1.c - trees of one controller (or a few): knobs, freezing. Only this file, and cgroup_v1_stats.c, say "v1". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

/* A new cpuset is empty and takes no process: it starts as a copy of its parent. */
static int inherit(int parent_fd, int fd, bool fresh, const char *file, struct md_error *err)
{
	char text[4096];

	if (!fresh && cgroup_read(fd, file, text, sizeof(text)) && text[0])
		return 0;
	if (!cgroup_read(parent_fd, file, text, sizeof(text)))
		return md_fail_errno(err, "cgroup: read %s", file);
	return text[0] ? cgroup_write(fd, file, text, err) : 0;
}

static int v1_prepare(const struct cgroup_tree *t, int parent_fd, int fd, bool leaf _unused_,
	struct md_error *err)
{
	if (!(t->controllers & CTL_CPUSET))
		return 0;
	if (inherit(parent_fd, fd, t->fresh, "cpuset.cpus", err) < 0)
		return -1;
	return inherit(parent_fd, fd, t->fresh, "cpuset.mems", err);
}

/* memory may not exceed memory+swap at any moment: if one order is refused, the other is right. */
static int apply_limits(int fd, const struct oci_memory *m, struct md_error *err)
{
	static const char limit[] = "memory.limit_in_bytes", swap[] = "memory.memsw.limit_in_bytes";
	bool has_swap = cgroup_wants(m->swap) && cgroup_has(fd, swap);

	if (cgroup_wants(m->swap) && m->swap.value > 0 && !has_swap)
		return md_fail(err, ENOTSUP,
			"linux.resources.memory.swap: this kernel doesn't count swap");
	if (cgroup_wants(m->swap) && m->swap.value > 0 && m->limit.value > m->swap.value)
		return md_fail(err, EINVAL,
			"linux.resources.memory.swap: is memory and swap together, so at least "
			"linux.resources.memory.limit");
	if (cgroup_wants(m->limit) && cgroup_write_i64(fd, limit, m->limit.value, err) < 0) {
		if (!has_swap || err->code != EINVAL ||
			cgroup_write_i64(fd, swap, m->swap.value, err) < 0)
			return -1;
		return cgroup_write_i64(fd, limit, m->limit.value, err);
	}
	return has_swap ? cgroup_write_i64(fd, swap, m->swap.value, err) : 0;
}

static int apply_memory(const struct cgroup_tree *t, const struct oci_resources *r, bool fresh,
	struct md_error *err)
{
	const struct oci_memory *m = &r->memory;
	struct md_error local = MD_ERROR_INIT;
	struct md_error *e = err ? err : &local;

	if (m->check_before_update.value && m->limit.value > 0 &&
		cgroup_read_u64(t->fd, "memory.usage_in_bytes") > (uint64_t)m->limit.value)
		return md_fail(err, EBUSY,
			"linux.resources.memory.limit: more is in use than %lld bytes",
			(long long)m->limit.value);
	if (fresh && m->use_hierarchy.value && cgroup_has(t->fd, "memory.use_hierarchy") &&
		cgroup_read_u64(t->fd, "memory.use_hierarchy") == 0 &&
		cgroup_write(t->fd, "memory.use_hierarchy", "1", err) < 0)
		return -1;
	if (apply_limits(t->fd, m, e) < 0)
		return -1;
	if (cgroup_wants(m->reservation) && cgroup_write_i64(t->fd, "memory.soft_limit_in_bytes",
						    m->reservation.value, err) < 0)
		return -1;
	/* Limits of kernel memory went from the kernel with 5.16; the rest of the limit covers it.
	 */
	cgroup_warn_memory_part("kernel", m->kernel);
	if (cgroup_wants(m->kernel_tcp) && cgroup_write_i64(t->fd, "memory.kmem.tcp.limit_in_bytes",
						   m->kernel_tcp.value, err) < 0)
		return -1;
	if (m->swappiness.set && m->swappiness.value <= 100 &&
		cgroup_write_u64(t->fd, "memory.swappiness", m->swappiness.value, err) < 0)
		return -1;
	if (m->swappiness.set && m->swappiness.value > 100)
		return md_fail(err, EINVAL, "linux.resources.memory.swappiness: is 0 to 100");
	if (m->disable_oom_killer.value)
		return cgroup_write(t->fd, "memory.oom_control", "1", err);
	return 0;
}

struct knob {
	const char *file;
	int64_t value;
	bool wanted;
};

static int write_knobs(int fd, const struct knob *knobs, size_t count, struct md_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (knobs[i].wanted && cgroup_write_i64(fd, knobs[i].file, knobs[i].value, err) < 0)
			return -1;
	}
	return 0;
}

/* The period goes first, else a quota may not fit the old one; a burst may not exceed the quota. */
static int apply_cpu(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	const struct oci_cpu *cpu = &r->cpu;
	int64_t quota = cpu->quota.value < 0 ? -1 : cpu->quota.value;
	const struct knob knobs[] = {
		{ "cpu.idle", cpu->idle.value,
			cpu->idle.set && cpu->idle.value >= 0 && cgroup_has(t->fd, "cpu.idle") },
		{ "cpu.shares", (int64_t)cpu->shares.value,
			cgroup_wants_u(cpu->shares) && !cgroup_wants(cpu->idle) },
		{ "cpu.rt_period_us", (int64_t)cpu->rt_period.value,
			cgroup_wants_u(cpu->rt_period) },
		{ "cpu.rt_runtime_us", cpu->rt_runtime.value, cgroup_wants(cpu->rt_runtime) },
	};
	const struct knob bandwidth[] = {
		{ "cpu.cfs_period_us", (int64_t)cpu->period.value, cgroup_wants_u(cpu->period) },
		{ "cpu.cfs_quota_us", quota, cgroup_wants(cpu->quota) },
		{ "cpu.cfs_burst_us", (int64_t)cpu->burst.value, cgroup_wants_u(cpu->burst) },
	};
	struct md_error why = MD_ERROR_INIT;

	if (write_knobs(t->fd, knobs, ARRAY_SIZE(knobs), err) < 0)
		return -1;
	if (cpu->burst.set && !cgroup_has(t->fd, "cpu.cfs_burst_us") && cpu->burst.value)
		return md_fail(err, ENOTSUP, "linux.resources.cpu.burst: this kernel has none");
	if (cpu->burst.set && cgroup_has(t->fd, "cpu.cfs_burst_us") &&
		cgroup_write(t->fd, "cpu.cfs_burst_us", "0", err) < 0)
		return -1;
	if (write_knobs(t->fd, bandwidth, ARRAY_SIZE(bandwidth), &why) == 0)
		return 0;
	/* A quota below what the new period allows: the other way round then. */
	if (cgroup_wants(cpu->quota) && cgroup_write_i64(t->fd, "cpu.cfs_quota_us", quota, err) < 0)
		return -1;
	return write_knobs(t->fd, bandwidth, ARRAY_SIZE(bandwidth), err);
}

static int apply_cpuset(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	if (r->cpu.cpus && cgroup_write(t->fd, "cpuset.cpus", r->cpu.cpus, err) < 0)
		return -1;
	return r->cpu.mems ? cgroup_write(t->fd, "cpuset.mems", r->cpu.mems, err) : 0;
}

static int apply_pids(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	if (!cgroup_wants(r->pids_limit))
		return 0;
	if (r->pids_limit.value < 0)
		return cgroup_write(t->fd, "pids.max", "max", err);
	return cgroup_write_i64(t->fd, "pids.max", r->pids_limit.value, err);
}

static int write_blkio(int fd, const char *file, const struct oci_blkio_device *d, uint64_t value,
	struct md_error *err)
{
	char text[64];

	snprintf(text, sizeof(text), "%u:%u %llu", d->major, d->minor, (unsigned long long)value);
	return cgroup_write(fd, file, text, err);
}

/* The same knob is called differently by the CFQ scheduler of old and by BFQ. */
static const char *weight_file(int fd, bool device)
{
	if (device)
		return cgroup_has(fd, "blkio.weight_device") ? "blkio.weight_device"
							     : "blkio.bfq.weight_device";
	return cgroup_has(fd, "blkio.weight") ? "blkio.weight" : "blkio.bfq.weight";
}

static int apply_blkio_weights(int fd, const struct oci_blkio *io, struct md_error *err)
{
	if (cgroup_wants_u(io->weight) && !cgroup_has(fd, weight_file(fd, false)))
		return md_fail(err, ENOTSUP,
			"cgroup: this kernel has no weights of storage (neither BFQ nor CFQ)");
	if (cgroup_wants_u(io->weight) &&
		cgroup_write_u64(fd, weight_file(fd, false), io->weight.value, err) < 0)
		return -1;
	/* Leaf weights went with the CFQ scheduler (5.0): there is no process beside groups whose share
	 * they would be. */
	if (!cgroup_has(fd, "blkio.leaf_weight"))
		cgroup_warn_leaf_weight(io);
	else if (cgroup_wants_u(io->leaf_weight) &&
		 cgroup_write_u64(fd, "blkio.leaf_weight", io->leaf_weight.value, err) < 0)
		return -1;
	for (size_t i = 0; i < io->weights.count; i++) {
		const struct oci_blkio_device *d = &io->weights.items[i];

		if (d->weight.set &&
			write_blkio(fd, weight_file(fd, true), d, d->weight.value, err) < 0)
			return -1;
		if (d->leaf_weight.set && cgroup_has(fd, "blkio.leaf_weight_device") &&
			write_blkio(fd, "blkio.leaf_weight_device", d, d->leaf_weight.value, err) <
				0)
			return -1;
	}
	return 0;
}

static int apply_blkio(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	static const char *const files[OCI_THROTTLE_KINDS] = {
		[OCI_THROTTLE_READ_BPS] = "blkio.throttle.read_bps_device",
		[OCI_THROTTLE_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[OCI_THROTTLE_READ_IOPS] = "blkio.throttle.read_iops_device",
		[OCI_THROTTLE_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};

	if (apply_blkio_weights(t->fd, &r->blkio, err) < 0)
		return -1;
	for (int kind = 0; kind < OCI_THROTTLE_KINDS; kind++) {
		const struct oci_blkio_devices *list = &r->blkio.throttle[kind];

		for (size_t i = 0; i < list->count; i++) {
			if (write_blkio(t->fd, files[kind], &list->items[i], list->items[i].rate,
				    err) < 0)
				return -1;
		}
	}
	return 0;
}

static int apply_hugetlb(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	for (size_t i = 0; i < r->hugepage_count; i++) {
		const struct oci_hugepage_limit *h = &r->hugepages[i];
		char file[64];

		snprintf(file, sizeof(file), "hugetlb.%s.limit_in_bytes", h->page_size);
		if (cgroup_write_u64(t->fd, file, h->limit, err) < 0)
			return -1;
		snprintf(file, sizeof(file), "hugetlb.%s.rsvd.limit_in_bytes", h->page_size);
		if (cgroup_has(t->fd, file) && cgroup_write_u64(t->fd, file, h->limit, err) < 0)
			return -1;
	}
	return 0;
}

static int apply_net_cls(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	if (!cgroup_wants_u(r->net_class_id))
		return 0;
	return cgroup_write_u64(t->fd, "net_cls.classid", r->net_class_id.value, err);
}

static int apply_net_prio(const struct cgroup_tree *t, const struct oci_resources *r,
	bool fresh _unused_, struct md_error *err)
{
	for (size_t i = 0; i < r->net_priority_count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%.40s %u", r->net_priorities[i].name,
			r->net_priorities[i].priority);
		if (cgroup_write(t->fd, "net_prio.ifpriomap", text, err) < 0)
			return -1;
	}
	return 0;
}

static int v1_apply(const struct cgroup_tree *t, const struct oci_resources *r, bool fresh,
	struct md_error *err)
{
	static const struct {
		unsigned int controller;
		int (*apply)(const struct cgroup_tree *t, const struct oci_resources *r, bool fresh,
			struct md_error *err);
	} parts[] = {
		{ CTL_MEMORY, apply_memory },
		{ CTL_CPU, apply_cpu },
		{ CTL_CPUSET, apply_cpuset },
		{ CTL_PIDS, apply_pids },
		{ CTL_IO, apply_blkio },
		{ CTL_HUGETLB, apply_hugetlb },
		{ CTL_NET_CLS, apply_net_cls },
		{ CTL_NET_PRIO, apply_net_prio },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (t->controllers & parts[i].controller && parts[i].apply(t, r, fresh, err) < 0)
			return -1;
	}
	return 0;
}

static void number_or_any(char *to, size_t size, int64_t number)
{
	if (number < 0)
		snprintf(to, size, "*");
	else
		snprintf(to, size, "%lld", (long long)number);
}

/* Each write(2) is a rule of its own, so one open file serves for all. */
static int write_rule(
	int group_fd, const char *file, int *fd, const char *text, struct md_error *err)
{
	if (*fd < 0)
		*fd = openat(group_fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 || write(*fd, text, strlen(text)) < 0)
		return md_fail_errno(err, "cgroup: write '%s' to %s", text, file);
	return 0;
}

static int v1_apply_devices(
	const struct cgroup_tree *t, const struct oci_resources *r, struct md_error *err)
{
	_auto_free_ struct oci_device_rule *rules = NULL;
	_auto_close_ int allow = -1;
	_auto_close_ int deny = -1;
	size_t count;

	if (cgroup_device_rules(r, &rules, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct oci_device_rule *d = &rules[i];
		char text[64] = "a", major[24], minor[24];

		number_or_any(major, sizeof(major), d->major);
		number_or_any(minor, sizeof(minor), d->minor);
		if (d->type != 'a' || d->major >= 0 || d->minor >= 0 || d->access != OCI_DEVICE_ALL)
			snprintf(text, sizeof(text), "%c %s:%s %s%s%s", d->type, major, minor,
				d->access & OCI_DEVICE_READ ? "r" : "",
				d->access & OCI_DEVICE_WRITE ? "w" : "",
				d->access & OCI_DEVICE_MKNOD ? "m" : "");
		if (write_rule(t->fd, d->allow ? "devices.allow" : "devices.deny",
			    d->allow ? &allow : &deny, text, err) < 0)
			return -1;
	}
	return 0;
}

static int v1_freeze(const struct cgroup_tree *t, bool frozen)
{
	return cgroup_write(t->fd, "freezer.state", frozen ? "FROZEN" : "THAWED", NULL);
}

static int v1_is_frozen(const struct cgroup_tree *t)
{
	char text[32];

	if (!cgroup_read(t->fd, "freezer.state", text, sizeof(text)))
		return -1;
	return str_eq(text, "FROZEN");
}

static int v1_kill(const struct cgroup_tree *t _unused_)
{
	errno = ENOTSUP;
	return -1;
}

static int v1_oom_open(const struct cgroup_tree *t, struct cgroup_oom *ret)
{
	_auto_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_auto_close_ int control = openat(t->fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[64];

	if (event < 0 || control < 0)
		return -1;
	snprintf(text, sizeof(text), "%d %d", event, control);
	if (cgroup_write(t->fd, "cgroup.event_control", text, NULL) < 0)
		return -1;
	*ret = (struct cgroup_oom){ .fd = take_fd(&event),
		.group_fd = dup(t->fd),
		.seen = cgroup_read_key(t->fd, "memory.oom_control", "oom_kill") };
	return 0;
}

const struct cgroup_ops cgroup_single_ops = {
	.prepare = v1_prepare,
	.apply = v1_apply,
	.apply_devices = v1_apply_devices,
	.freeze = v1_freeze,
	.is_frozen = v1_is_frozen,
	.kill = v1_kill,
	.stats = cgroup_single_stats,
	.oom_open = v1_oom_open,
};
