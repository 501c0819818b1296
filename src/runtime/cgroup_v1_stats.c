/* SPDX-License-Identifier: Apache-2.0 */
/* What the v1 trees have counted. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/cgroup_impl.h"
#include "runtime/cgroup_text.h"

#include "base/poison.h"

static void read_memory(int fd, const char *prefix, struct cgroup_memory_stats *ret)
{
	const struct {
		const char *file;
		uint64_t *to;
	} files[] = { { "usage_in_bytes", &ret->usage }, { "max_usage_in_bytes", &ret->max },
		{ "failcnt", &ret->failcnt }, { "limit_in_bytes", &ret->limit } };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.%s", prefix, files[i].file);
		*files[i].to = cgroup_read_u64(fd, name);
	}
}

static void memory_stats(int fd, struct cgroup_stats *s)
{
	char text[8192];

	read_memory(fd, "memory", &s->memory);
	read_memory(fd, "memory.memsw", &s->swap);
	read_memory(fd, "memory.kmem", &s->kernel);
	read_memory(fd, "memory.kmem.tcp", &s->kernel_tcp);
	s->memory_cache = cgroup_read_key(fd, "memory.stat", "cache");
	s->oom_kills = cgroup_read_key(fd, "memory.oom_control", "oom_kill");
	if (cgroup_read(fd, "memory.stat", text, sizeof(text)))
		s->memory_raw = strdup(text);
}

/* What there is depends on the I/O scheduler; the throttle counts with any. */
static void blkio_stats(int fd, struct cgroup_stats *s)
{
	static const struct {
		const char *file;
		enum cgroup_io_kind kind;
	} files[] = {
		{ "blkio.throttle.io_service_bytes_recursive", CGROUP_IO_BYTES },
		{ "blkio.throttle.io_serviced_recursive", CGROUP_IO_OPS },
		{ "blkio.bfq.io_queued_recursive", CGROUP_IO_QUEUED },
		{ "blkio.bfq.io_service_time_recursive", CGROUP_IO_SERVICE_TIME },
		{ "blkio.bfq.io_wait_time_recursive", CGROUP_IO_WAIT_TIME },
		{ "blkio.bfq.io_merged_recursive", CGROUP_IO_MERGED },
		{ "blkio.bfq.time_recursive", CGROUP_IO_TIME },
		{ "blkio.bfq.sectors_recursive", CGROUP_IO_SECTORS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char text[8192];

		if (cgroup_read(fd, files[i].file, text, sizeof(text)))
			cgroup_text_blkio(text, &s->io[files[i].kind]);
	}
}

static void cpuset_stats(int fd, struct cgroup_cpuset_stats *s)
{
	const struct {
		const char *file;
		uint64_t *to;
	} files[] = { { "cpuset.cpu_exclusive", &s->cpu_exclusive },
		{ "cpuset.mem_exclusive", &s->mem_exclusive },
		{ "cpuset.mem_hardwall", &s->mem_hardwall },
		{ "cpuset.memory_migrate", &s->memory_migrate },
		{ "cpuset.memory_pressure", &s->memory_pressure },
		{ "cpuset.memory_spread_page", &s->memory_spread_page },
		{ "cpuset.memory_spread_slab", &s->memory_spread_slab },
		{ "cpuset.sched_load_balance", &s->sched_load_balance } };
	char text[8192];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		*files[i].to = cgroup_read_u64(fd, files[i].file);
	if (cgroup_read(fd, "cpuset.cpus", text, sizeof(text)))
		s->cpu_count = cgroup_text_list(text, s->cpus);
	if (cgroup_read(fd, "cpuset.mems", text, sizeof(text)))
		s->mem_count = cgroup_text_list(text, s->mems);
	if (cgroup_read(fd, "cpuset.sched_relax_domain_level", text, sizeof(text)))
		s->sched_relax_domain_level = strtoll(text, NULL, 10);
}

static void cpuacct_stats(int fd, struct cgroup_stats *s)
{
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[8192];

	s->cpu_total = cgroup_read_u64(fd, "cpuacct.usage");
	s->cpu_user = cgroup_read_key(fd, "cpuacct.stat", "user") * tick;
	s->cpu_kernel = cgroup_read_key(fd, "cpuacct.stat", "system") * tick;
	s->cpu_count = 0;
	if (cgroup_read(fd, "cpuacct.usage_percpu", text, sizeof(text)))
		s->cpu_count = cgroup_text_cpus(text, s->cpu_each);
	if (cgroup_read(fd, "cpuacct.usage_all", text, sizeof(text)))
		s->cpu_each_count =
			cgroup_text_cpu_times(text, s->cpu_each_user, s->cpu_each_kernel);
}

void cgroup_single_stats(const struct cgroup_tree *t, struct cgroup_stats *s)
{
	if (t->controllers & CTL_CPUACCT)
		cpuacct_stats(t->fd, s);
	if (t->controllers & CTL_CPU) {
		s->periods = cgroup_read_key(t->fd, "cpu.stat", "nr_periods");
		s->throttled_periods = cgroup_read_key(t->fd, "cpu.stat", "nr_throttled");
		s->throttled_time = cgroup_read_key(t->fd, "cpu.stat", "throttled_time");
	}
	if (t->controllers & CTL_MEMORY)
		memory_stats(t->fd, s);
	if (t->controllers & CTL_PIDS) {
		s->pids_current = cgroup_read_u64(t->fd, "pids.current");
		s->pids_limit = cgroup_read_u64(t->fd, "pids.max");
	}
	if (t->controllers & CTL_CPUSET)
		cpuset_stats(t->fd, &s->cpuset);
	if (t->controllers & CTL_IO)
		blkio_stats(t->fd, s);
	if (t->controllers & CTL_HUGETLB)
		cgroup_hugetlb_stats(t->fd, "usage_in_bytes", "max_usage_in_bytes", s);
}
