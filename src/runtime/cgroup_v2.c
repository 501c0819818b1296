/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_v2.c - the unified tree: knobs, freezing, counters. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

/* Gives the children of `parent_fd` all controllers that it has: one write, or one a controller if
 * the kernel refuses some. */
static void delegate(int parent_fd)
{
	char have[512], given[512];
	_auto_buf_ struct buf all = BUF_INIT(1024);
	struct md_error ignored = MD_ERROR_INIT;

	if (!cgroup_read(parent_fd, "cgroup.controllers", have, sizeof(have)) ||
		!cgroup_read(parent_fd, "cgroup.subtree_control", given, sizeof(given)))
		return;
	for (const char *at = have; *at;) {
		size_t len = strcspn(at, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		if (!(cgroup_controllers_of(word) & cgroup_controllers_of(given)))
			buf_addf(&all, "%s+%s", all.len ? " " : "", word);
		at += len;
		at += *at == ' ';
	}
	if (!all.len ||
		cgroup_write(parent_fd, "cgroup.subtree_control", buf_str(&all), &ignored) == 0)
		return;
	for (char *at = all.data, *word; (word = strsep(&at, " "));)
		cgroup_write(parent_fd, "cgroup.subtree_control", word, &ignored);
}

static int v2_prepare(const struct cgroup_tree *t, int parent_fd, int fd _unused_,
	bool leaf _unused_, struct md_error *err _unused_)
{
	if (t->controllers)
		delegate(parent_fd);
	return 0;
}

/* "max" where the document says -1. */
static int write_limit(int fd, const char *file, int64_t value, struct md_error *err)
{
	return value < 0 ? cgroup_write(fd, file, "max", err)
			 : cgroup_write_i64(fd, file, value, err);
}

/* linux.resources.memory.swap is memory plus swap; memory.swap.max is swap alone. */
static int apply_swap(int fd, const struct oci_memory *m, struct md_error *err)
{
	int64_t swap = m->swap.value;

	if (!cgroup_wants(m->swap))
		return 0;
	if (swap > 0) {
		if (!cgroup_wants(m->limit) || m->limit.value < 0)
			return md_fail(err, EINVAL,
				"linux.resources.memory.swap: needs linux.resources.memory.limit");
		if (swap < m->limit.value)
			return md_fail(err, EINVAL,
				"linux.resources.memory.swap: is memory and swap together, so at "
				"least "
				"linux.resources.memory.limit");
		swap -= m->limit.value;
	}
	/* A kernel without swap accounting has no such file; "no limit" and "none" are then what
	 * there is. */
	if (!cgroup_has(fd, "memory.swap.max") && swap <= 0)
		return 0;
	return write_limit(fd, "memory.swap.max", swap, err);
}

static int apply_memory(int fd, const struct oci_resources *r, struct md_error *err)
{
	const struct oci_memory *m = &r->memory;

	if (m->check_before_update.value && cgroup_wants(m->limit) && m->limit.value > 0 &&
		cgroup_read_u64(fd, "memory.current") > (uint64_t)m->limit.value)
		return md_fail(err, EBUSY,
			"linux.resources.memory.limit: more is in use than %lld bytes",
			(long long)m->limit.value);
	if (apply_swap(fd, m, err) < 0)
		return -1;
	if (cgroup_wants(m->limit) && write_limit(fd, "memory.max", m->limit.value, err) < 0)
		return -1;
	cgroup_warn_memory_part("kernel", m->kernel);
	cgroup_warn_memory_part("kernelTCP", m->kernel_tcp);
	if (cgroup_wants(m->reservation))
		return write_limit(fd, "memory.low", m->reservation.value, err);
	return 0;
}

/* 2..262144 of the old scale onto 1..10000. */
static uint64_t weight_of_shares(uint64_t shares)
{
	shares = MD_MIN(MD_MAX(shares, (uint64_t)2), (uint64_t)262144);
	return 1 + ((shares - 2) * 9999) / 262142;
}

static int apply_quota(int fd, const struct oci_cpu *cpu, struct md_error *err)
{
	char text[64], now[64];
	unsigned long long period = 100000;

	if (!cgroup_wants(cpu->quota) && !cgroup_wants_u(cpu->period))
		return 0;
	if (cgroup_wants_u(cpu->period))
		period = cpu->period.value;
	else if (cgroup_read(fd, "cpu.max", now, sizeof(now)) && strchr(now, ' '))
		period = strtoull(strchr(now, ' '), NULL, 10);
	if (cgroup_wants(cpu->quota) && cpu->quota.value > 0)
		snprintf(text, sizeof(text), "%lld %llu", (long long)cpu->quota.value, period);
	else if (!cgroup_wants(cpu->quota) && cgroup_read(fd, "cpu.max", now, sizeof(now)))
		snprintf(text, sizeof(text), "%.*s %llu", (int)strcspn(now, " "), now, period);
	else
		snprintf(text, sizeof(text), "max %llu", period);
	return cgroup_write(fd, "cpu.max", text, err);
}

static int apply_cpu(int fd, const struct oci_resources *r, struct md_error *err)
{
	const struct oci_cpu *cpu = &r->cpu;

	if (cpu->idle.set && cpu->idle.value >= 0 && cgroup_has(fd, "cpu.idle") &&
		cgroup_write_i64(fd, "cpu.idle", cpu->idle.value, err) < 0)
		return -1;
	/* An idle group has no weight of its own. */
	if (cgroup_wants_u(cpu->shares) && !cgroup_wants(cpu->idle) &&
		cgroup_write_u64(fd, "cpu.weight", weight_of_shares(cpu->shares.value), err) < 0)
		return -1;
	if (cpu->burst.set && cgroup_write_i64(fd, "cpu.max.burst", 0, NULL) < 0 &&
		cpu->burst.value)
		return md_fail(err, ENOTSUP, "linux.resources.cpu.burst: this kernel has none");
	if (apply_quota(fd, cpu, err) < 0)
		return -1;
	if (cgroup_wants_u(cpu->burst))
		return cgroup_write_u64(fd, "cpu.max.burst", cpu->burst.value, err);
	return 0;
}

static int apply_cpuset(int fd, const struct oci_resources *r, struct md_error *err)
{
	if (r->cpu.cpus && cgroup_write(fd, "cpuset.cpus", r->cpu.cpus, err) < 0)
		return -1;
	return r->cpu.mems ? cgroup_write(fd, "cpuset.mems", r->cpu.mems, err) : 0;
}

static int apply_pids(int fd, const struct oci_resources *r, struct md_error *err)
{
	if (!cgroup_wants(r->pids_limit))
		return 0;
	return write_limit(fd, "pids.max", r->pids_limit.value, err);
}

/* 10..1000 of the old scale onto 1..10000. */
static uint64_t io_weight_of(uint64_t weight)
{
	return 1 + (MD_MAX(weight, (uint64_t)10) - 10) * 9999 / 990;
}

static int apply_io_weight(int fd, const struct oci_blkio *io, struct md_error *err)
{
	bool bfq = cgroup_has(fd, "io.bfq.weight");
	const char *file = bfq ? "io.bfq.weight" : "io.weight";

	if ((cgroup_wants_u(io->weight) || io->weights.count) && !cgroup_has(fd, file))
		return md_fail(err, ENOTSUP,
			"cgroup: this kernel has no weights of storage (neither BFQ nor iocost)");
	if (cgroup_wants_u(io->weight)) {
		uint64_t weight = io->weight.value;

		if (cgroup_write_u64(fd, file, bfq ? weight : io_weight_of(weight), err) < 0)
			return -1;
	}
	for (size_t i = 0; i < io->weights.count; i++) {
		const struct oci_blkio_device *d = &io->weights.items[i];
		char text[64];

		if (!d->weight.set)
			continue;
		snprintf(text, sizeof(text), "%u:%u %llu", d->major, d->minor,
			(unsigned long long)(bfq ? d->weight.value
						 : io_weight_of(d->weight.value)));
		if (cgroup_write(fd, file, text, err) < 0)
			return -1;
	}
	return 0;
}

static int apply_io(int fd, const struct oci_resources *r, struct md_error *err)
{
	static const char *const words[OCI_THROTTLE_KINDS] = {
		[OCI_THROTTLE_READ_BPS] = "rbps",
		[OCI_THROTTLE_WRITE_BPS] = "wbps",
		[OCI_THROTTLE_READ_IOPS] = "riops",
		[OCI_THROTTLE_WRITE_IOPS] = "wiops",
	};

	cgroup_warn_leaf_weight(&r->blkio);
	if (apply_io_weight(fd, &r->blkio, err) < 0)
		return -1;
	for (int kind = 0; kind < OCI_THROTTLE_KINDS; kind++) {
		const struct oci_blkio_devices *list = &r->blkio.throttle[kind];

		for (size_t i = 0; i < list->count; i++) {
			const struct oci_blkio_device *d = &list->items[i];
			char text[96], rate[32] = "max";

			if (d->rate)
				snprintf(rate, sizeof(rate), "%llu", (unsigned long long)d->rate);
			snprintf(text, sizeof(text), "%u:%u %s=%s", d->major, d->minor, words[kind],
				rate);
			if (cgroup_write(fd, "io.max", text, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int apply_hugetlb(int fd, const struct oci_resources *r, struct md_error *err)
{
	for (size_t i = 0; i < r->hugepage_count; i++) {
		const struct oci_hugepage_limit *h = &r->hugepages[i];
		char file[64];

		snprintf(file, sizeof(file), "hugetlb.%s.max", h->page_size);
		if (cgroup_write_u64(fd, file, h->limit, err) < 0)
			return -1;
		snprintf(file, sizeof(file), "hugetlb.%s.rsvd.max", h->page_size);
		if (cgroup_has(fd, file) && cgroup_write_u64(fd, file, h->limit, err) < 0)
			return -1;
	}
	return 0;
}

static int apply_rdma(int fd, const struct oci_resources *r, struct md_error *err)
{
	for (size_t i = 0; i < r->rdma_count; i++) {
		_auto_buf_ struct buf text = BUF_INIT(512);
		const struct oci_rdma *d = &r->rdma[i];

		buf_add_str(&text, d->device);
		if (d->hca_handles.set)
			buf_addf(&text, " hca_handle=%" PRIu64, d->hca_handles.value);
		if (d->hca_objects.set)
			buf_addf(&text, " hca_object=%" PRIu64, d->hca_objects.value);
		if (cgroup_write(fd, "rdma.max", buf_str(&text), err) < 0)
			return -1;
	}
	return 0;
}

static int apply_unified(int fd, const struct oci_resources *r, struct md_error *err)
{
	for (size_t i = 0; i < r->unified.count; i++) {
		const struct oci_pair *pair = &r->unified.items[i];
		_auto_free_ char *text = strdup(pair->value);

		if (!text)
			return md_fail(err, ENOMEM, "out of memory");
		/* Files such as io.max take one line a write. */
		for (char *at = text, *line; (line = strsep(&at, "\n"));) {
			if (line[0] && cgroup_write(fd, pair->key, line, err) < 0)
				return md_wrap(err, "linux.resources.unified");
		}
	}
	return 0;
}

static int v2_apply(const struct cgroup_tree *t, const struct oci_resources *r, bool fresh _unused_,
	struct md_error *err)
{
	static const struct {
		unsigned int controller;
		int (*apply)(int fd, const struct oci_resources *r, struct md_error *err);
	} parts[] = {
		{ CTL_MEMORY, apply_memory },
		{ CTL_CPU, apply_cpu },
		{ CTL_CPUSET, apply_cpuset },
		{ CTL_PIDS, apply_pids },
		{ CTL_IO, apply_io },
		{ CTL_RDMA, apply_rdma },
		{ CTL_HUGETLB, apply_hugetlb },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (t->controllers & parts[i].controller && parts[i].apply(t->fd, r, err) < 0)
			return -1;
	}
	return apply_unified(t->fd, r, err);
}

static int v2_apply_devices(
	const struct cgroup_tree *t, const struct oci_resources *r, struct md_error *err)
{
	_auto_free_ struct oci_device_rule *rules = NULL;
	size_t count;

	if (cgroup_device_rules(r, &rules, &count, err) < 0)
		return -1;
	return cgroup_attach_devices(t->fd, rules, count, err);
}

static int v2_freeze(const struct cgroup_tree *t, bool frozen)
{
	return cgroup_write(t->fd, "cgroup.freeze", frozen ? "1" : "0", NULL);
}

static int v2_is_frozen(const struct cgroup_tree *t)
{
	return (int)cgroup_read_key(t->fd, "cgroup.events", "frozen");
}

static int v2_kill(const struct cgroup_tree *t)
{
	return cgroup_write(t->fd, "cgroup.kill", "1", NULL);
}

static void memory_stats(int fd, struct cgroup_stats *s)
{
	char text[8192];

	s->memory.usage = cgroup_read_u64(fd, "memory.current");
	s->memory.limit = cgroup_read_u64(fd, "memory.max");
	s->memory.max = cgroup_read_u64(fd, "memory.peak");
	s->memory.failcnt = cgroup_read_key(fd, "memory.events", "max");
	s->swap.usage = cgroup_read_u64(fd, "memory.swap.current");
	s->swap.limit = cgroup_read_u64(fd, "memory.swap.max");
	/* As v1 counts it and runc tells it: memory and swap together. */
	s->swap.usage += s->memory.usage;
	s->swap.limit = s->swap.limit > UINT64_MAX - s->memory.limit
				? UINT64_MAX
				: s->swap.limit + s->memory.limit;
	s->memory_cache = cgroup_read_key(fd, "memory.stat", "file");
	s->oom_kills = cgroup_read_key(fd, "memory.events", "oom_kill");
	if (cgroup_read(fd, "memory.stat", text, sizeof(text)))
		s->memory_raw = strdup(text);
}

static void io_stats(int fd, struct cgroup_stats *s)
{
	char text[4096];

	if (cgroup_read(fd, "io.stat", text, sizeof(text)))
		cgroup_text_io(text, s);
}

static void v2_stats(const struct cgroup_tree *t, struct cgroup_stats *s)
{
	/* Counted in every group, with or without the controller. */
	if (!s->cpu_total) {
		s->cpu_total = cgroup_read_key(t->fd, "cpu.stat", "usage_usec") * 1000;
		s->cpu_user = cgroup_read_key(t->fd, "cpu.stat", "user_usec") * 1000;
		s->cpu_kernel = cgroup_read_key(t->fd, "cpu.stat", "system_usec") * 1000;
		s->periods = cgroup_read_key(t->fd, "cpu.stat", "nr_periods");
		s->throttled_periods = cgroup_read_key(t->fd, "cpu.stat", "nr_throttled");
		s->throttled_time = cgroup_read_key(t->fd, "cpu.stat", "throttled_usec") * 1000;
	}
	if (t->controllers & CTL_MEMORY)
		memory_stats(t->fd, s);
	if (t->controllers & CTL_PIDS) {
		s->pids_current = cgroup_read_u64(t->fd, "pids.current");
		s->pids_limit = cgroup_read_u64(t->fd, "pids.max");
	}
	if (t->controllers & CTL_IO)
		io_stats(t->fd, s);
	if (t->controllers & CTL_HUGETLB)
		cgroup_hugetlb_stats(t->fd, "current", "", s);
}

static int v2_oom_open(const struct cgroup_tree *t, struct cgroup_oom *ret)
{
	_auto_close_ int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_auto_close_ int events = openat(t->fd, "memory.events", O_RDONLY | O_CLOEXEC);
	char path[64];

	if (notify < 0 || events < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", events);
	if (inotify_add_watch(notify, path, IN_MODIFY) < 0)
		return -1;
	/* The end of the group shows in cgroup.events: no process is left. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/cgroup.events", t->fd);
	if (inotify_add_watch(notify, path, IN_MODIFY) < 0)
		return -1;
	*ret = (struct cgroup_oom){ .fd = take_fd(&notify),
		.unified = true,
		.group_fd = dup(t->fd),
		.seen = cgroup_read_key(t->fd, "memory.events", "oom_kill") };
	return 0;
}

const struct cgroup_ops cgroup_unified_ops = {
	.prepare = v2_prepare,
	.apply = v2_apply,
	.apply_devices = v2_apply_devices,
	.freeze = v2_freeze,
	.is_frozen = v2_is_frozen,
	.kill = v2_kill,
	.stats = v2_stats,
	.oom_open = v2_oom_open,
};
