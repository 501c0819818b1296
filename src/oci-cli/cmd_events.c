/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_events.c - statistics and out-of-memory notices as JSON lines, in runc's shape. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "json/json_write.h"
#include "oci-cli/cli.h"
#include "runtime/cgroup.h"
#include "runtime/rdt.h"

#include "base/poison.h"

struct events_options {
	const char *interval;
	bool stats;
};

static const struct args_option options[] = {
	{ "stats", 0, ARGS_FLAG, offsetof(struct events_options, stats), NULL,
		"print the statistics once" },
	{ "interval", 0, ARGS_STRING, offsetof(struct events_options, interval), "TIME",
		"between two lines of statistics (default: 5s)" },
	ARGS_END,
};

static void add_numbers(
	struct json_writer *w, const char *key, const uint64_t *numbers, size_t count)
{
	if (!count)
		return;
	json_array_begin(w, key);
	for (size_t i = 0; i < count; i++)
		json_add_u64(w, NULL, numbers[i]);
	json_array_end(w);
}

static void add_cpu(struct json_writer *w, const struct cgroup_stats *s)
{
	json_object_begin(w, "cpu");
	json_object_begin(w, "usage");
	json_add_u64(w, "total", s->cpu_total);
	add_numbers(w, "percpu", s->cpu_each, s->cpu_count);
	add_numbers(w, "percpu_kernel", s->cpu_each_kernel, s->cpu_each_count);
	add_numbers(w, "percpu_user", s->cpu_each_user, s->cpu_each_count);
	json_add_u64(w, "kernel", s->cpu_kernel);
	json_add_u64(w, "user", s->cpu_user);
	json_object_end(w);
	json_object_begin(w, "throttling");
	json_add_u64(w, "periods", s->periods);
	json_add_u64(w, "throttledPeriods", s->throttled_periods);
	json_add_u64(w, "throttledTime", s->throttled_time);
	json_object_end(w);
	json_object_end(w);
}

static void add_cpuset(struct json_writer *w, const struct cgroup_cpuset_stats *s)
{
	json_object_begin(w, "cpuset");
	add_numbers(w, "cpus", s->cpus, s->cpu_count);
	json_add_u64(w, "cpu_exclusive", s->cpu_exclusive);
	add_numbers(w, "mems", s->mems, s->mem_count);
	json_add_u64(w, "mem_hardwall", s->mem_hardwall);
	json_add_u64(w, "mem_exclusive", s->mem_exclusive);
	json_add_u64(w, "memory_migrate", s->memory_migrate);
	json_add_u64(w, "memory_spread_page", s->memory_spread_page);
	json_add_u64(w, "memory_spread_slab", s->memory_spread_slab);
	json_add_u64(w, "memory_pressure", s->memory_pressure);
	json_add_u64(w, "sched_load_balance", s->sched_load_balance);
	json_add_i64(w, "sched_relax_domain_level", s->sched_relax_domain_level);
	json_object_end(w);
}

static void add_memory_part(
	struct json_writer *w, const char *key, const struct cgroup_memory_stats *m)
{
	json_object_begin(w, key);
	json_add_u64(w, "limit", m->limit);
	json_add_u64(w, "usage", m->usage);
	json_add_u64(w, "max", m->max);
	json_add_u64(w, "failcnt", m->failcnt);
	json_object_end(w);
}

/* memory.stat, "key value" a line, as an object. */
static void add_raw(struct json_writer *w, const char *text)
{
	json_object_begin(w, "raw");
	while (text && *text) {
		char key[64];
		size_t len = strcspn(text, " \n");

		if (len < sizeof(key) && text[len] == ' ') {
			snprintf(key, sizeof(key), "%.*s", (int)len, text);
			json_add_u64(w, key, strtoull(text + len + 1, NULL, 10));
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	json_object_end(w);
}

static void add_memory(struct json_writer *w, const struct cgroup_stats *s)
{
	json_object_begin(w, "memory");
	json_add_u64(w, "cache", s->memory_cache);
	add_memory_part(w, "usage", &s->memory);
	add_memory_part(w, "swap", &s->swap);
	add_memory_part(w, "kernel", &s->kernel);
	add_memory_part(w, "kernelTCP", &s->kernel_tcp);
	add_raw(w, s->memory_raw);
	json_object_end(w);
}

static void add_io(struct json_writer *w, const char *key, const struct cgroup_io_stats *io)
{
	if (!io->count)
		return;
	json_array_begin(w, key);
	for (size_t i = 0; i < io->count; i++) {
		const struct cgroup_stat_pair *p = &io->items[i];

		json_object_begin(w, NULL);
		json_add_u64(w, "major", p->major);
		json_add_u64(w, "minor", p->minor);
		if (p->op[0])
			json_add_string(w, "op", p->op);
		json_add_u64(w, "value", p->value);
		json_object_end(w);
	}
	json_array_end(w);
}

static void add_blkio(struct json_writer *w, const struct cgroup_stats *s)
{
	static const char *const names[CGROUP_IO_KINDS] = {
		[CGROUP_IO_BYTES] = "ioServiceBytesRecursive",
		[CGROUP_IO_OPS] = "ioServicedRecursive",
		[CGROUP_IO_QUEUED] = "ioQueueRecursive",
		[CGROUP_IO_SERVICE_TIME] = "ioServiceTimeRecursive",
		[CGROUP_IO_WAIT_TIME] = "ioWaitTimeRecursive",
		[CGROUP_IO_MERGED] = "ioMergedRecursive",
		[CGROUP_IO_TIME] = "ioTimeRecursive",
		[CGROUP_IO_SECTORS] = "sectorsRecursive",
	};

	json_object_begin(w, "blkio");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_io(w, names[i], &s->io[i]);
	json_object_end(w);
}

static void add_data(
	struct json_writer *w, const struct cgroup_stats *s, const struct container_state *c)
{
	json_object_begin(w, "data");
	add_cpu(w, s);
	add_cpuset(w, &s->cpuset);
	add_memory(w, s);
	json_object_begin(w, "pids");
	json_add_u64(w, "current", s->pids_current);
	if (s->pids_limit && s->pids_limit != UINT64_MAX)
		json_add_u64(w, "limit", s->pids_limit);
	json_object_end(w);
	add_blkio(w, s);
	json_object_begin(w, "hugetlb");
	for (size_t i = 0; i < s->hugetlb_count; i++) {
		const struct cgroup_hugetlb_stats *h = &s->hugetlb[i];

		json_object_begin(w, h->page_size);
		json_add_u64(w, "usage", h->usage);
		json_add_u64(w, "max", h->max);
		json_add_u64(w, "failcnt", h->failcnt);
		json_object_end(w);
	}
	json_object_end(w);
	json_object_begin(w, "intel_rdt");
	rdt_write_stats(c->rdt, c->id, w);
	json_object_end(w);
	json_add_raw(w, "network_interfaces", "null");
	json_object_end(w);
}

/* One line; `s` NULL: an event without data. */
static int print_event(const char *type, const struct container_state *c,
	const struct cgroup_stats *s, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(256 * 1024);
	struct json_writer w = { .out = &text };

	json_object_begin(&w, NULL);
	json_add_string(&w, "type", type);
	json_add_string(&w, "id", c->id);
	if (s)
		add_data(&w, s, c);
	json_object_end(&w);
	buf_add_char(&text, '\n');
	if (text.failed)
		return md_fail(err, ENOMEM, "out of memory");
	if (fd_write_all(STDOUT_FILENO, text.data, text.len) < 0)
		return md_fail_errno(err, "write to stdout");
	return 0;
}

static int print_stats(struct cgroup *c, const struct container_state *state, struct md_error *err)
{
	struct cgroup_stats *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return md_fail(err, ENOMEM, "out of memory");
	r = cgroup_stats(c, s, err);
	if (r == 0)
		r = print_event("stats", state, s, err);
	cgroup_stats_done(s);
	free(s);
	return r;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Statistics every interval, a line for each kill by the memory limit, until the container's first
 * process ends. */
static int follow(
	struct cgroup *c, const struct container_state *s, int64_t interval, struct md_error *err)
{
	_auto_close_ int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	_auto_(cgroup_oom_close) struct cgroup_oom oom = { .fd = -1, .group_fd = -1 };
	struct md_error ignored = MD_ERROR_INIT;
	int64_t next = now_ms() + interval;

	cgroup_oom_open(c, &oom, &ignored);
	while (pidfd >= 0) {
		struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
			{ .fd = oom.fd, .events = POLLIN } };
		int64_t wait = MD_MAX(next - now_ms(), (int64_t)0);
		int kills;

		if (poll(p, ARRAY_SIZE(p), (int)wait) < 0 && errno != EINTR)
			return md_fail_errno(err, "poll");
		kills = p[1].revents ? cgroup_oom_take(&oom) : 0;
		for (; kills > 0; kills--) {
			if (print_event("oom", s, NULL, err) < 0)
				return -1;
		}
		if (p[0].revents)
			break;
		if (now_ms() < next)
			continue;
		next += interval;
		if (print_stats(c, s, err) < 0)
			return -1;
	}
	return 0;
}

static int events(const char *id, const struct events_options *o, struct md_error *err)
{
	_auto_container_state_ struct container_state s = { 0 };
	_auto_(cgroup_freep) struct cgroup *c = NULL;
	int64_t interval;

	if (cli_duration(o->interval, &interval) < 0 || interval <= 0)
		return md_fail(err, EINVAL, "duration interval must be greater than 0");
	if (container_load(&cli_runtime, id, &s, err) < 0)
		return -1;
	if (s.status == CONTAINER_STOPPED)
		return md_fail(err, ESRCH, "container with id %s is not running", id);
	if (container_cgroup(&cli_runtime, id, &c, err) < 0)
		return -1;
	return o->stats ? print_stats(c, &s, err) : follow(c, &s, interval, err);
}

static int run(const struct args_command *c, int argc, char **argv)
{
	struct events_options o = { .interval = "5s" };
	struct md_error err = MD_ERROR_INIT;
	int count, code;

	if (cli_parse_done(c, &o, argc, argv, 1, 1, false, &count, &code))
		return code;
	return events(argv[0], &o, &err) < 0 ? cli_fail(&err) : 0;
}

const struct args_command cmd_events = {
	.name = "events",
	.summary = "print statistics and out-of-memory notices of a container",
	.usage = "events [OPTIONS] ID",
	.options = options,
	.run = run,
};
