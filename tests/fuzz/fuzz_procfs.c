/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's files say of processes, mounts and cgroups: names in them are whatever a container's processes chose. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/cgroups.h"
#include "fuzz.h"
#include "runtime/cgroup_text.h"
#include "sys/proc.h"

/* Every parser cuts a copy of its own. */
struct text {
	const char *bytes;
	size_t len;
};

static char *copy(const struct text *t)
{
	char *text = malloc(t->len + 1);

	if (!text)
		abort();
	memcpy(text, t->bytes, t->len);
	text[t->len] = '\0';
	return text;
}

static void read_mounts(const struct text *t)
{
	_auto_free_ char *all = copy(t), *line = copy(t), *other = copy(t);
	_auto_strv_ struct strv places = STRV_INIT;
	size_t len = strlen(line);
	struct cgroup_mount m;
	char *place;

	if (cgroups_parse_mounts(all, &places) < 0)
		abort();
	for (size_t i = 0; i < places.count; i++) {
		if (strpbrk(places.items[i], " \n\\"))
			abort();
	}
	if (cgroup_text_mount(line, &m) &&
		(m.point < line || m.point + strlen(m.point) > line + len ||
			(!m.unified && !m.name[0]) || strlen(m.name) >= sizeof(m.name)))
		abort();
	place = proc_mount_on(other, "35");
	if (place && (place <= other || place[-1] != '/' || strchr(place, ' ')))
		abort();
}

static void read_stats(const struct text *t)
{
	_auto_free_ struct cgroup_stats *s = calloc(1, sizeof(*s));
	_auto_free_ char *io = copy(t), *blkio = copy(t), *cpus = copy(t), *times = copy(t),
			 *list = copy(t);

	if (!s)
		return;
	cgroup_text_io(io, s);
	for (size_t k = 0; k < CGROUP_IO_KINDS; k++) {
		if (s->io[k].count > CGROUP_STAT_DEVICES)
			abort();
	}
	cgroup_text_blkio(blkio, &s->io[CGROUP_IO_TIME]);
	for (size_t i = 0; i < s->io[CGROUP_IO_TIME].count; i++) {
		const struct cgroup_stat_pair *p = &s->io[CGROUP_IO_TIME].items[i];

		if (strlen(p->op) >= sizeof(p->op))
			abort();
	}
	s->cpu_each_count = cgroup_text_cpu_times(times, s->cpu_each_user, s->cpu_each_kernel);
	s->cpuset.cpu_count = cgroup_text_list(list, s->cpuset.cpus);
	if (s->cpu_each_count > CGROUP_STAT_CPUS || s->cpuset.cpu_count > CGROUP_STAT_CPUS)
		abort();
	s->cpu_count = cgroup_text_cpus(cpus, s->cpu_each);
	if (s->cpu_count > CGROUP_STAT_CPUS)
		abort();
}

static void read_processes(const struct text *t)
{
	_auto_free_ char *text = copy(t);
	_auto_free_ pid_t *pids = NULL;
	struct proc_stat stat;
	size_t count = 0;

	if (proc_parse_stat(text, &stat) == 0 && !stat.state)
		abort();
	if (cgroup_text_pids(text, &pids, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (pids[i] <= 0)
			abort();
	}
	cgroup_controllers_of(text);
	cgroup_text_u64(text);
	if (cgroup_text_key(text, "oom_kill") && !strstr(text, "oom_kill "))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct text t = { (const char *)data, len };

	read_mounts(&t);
	read_stats(&t);
	read_processes(&t);
	return 0;
}

const uint8_t *fuzz_seed(size_t index, size_t *ret_len)
{
	static const char *const seeds[] = {
		"36 35 98:0 / /sys/fs/cgroup/cpu\\040x rw,noatime master:1 - cgroup cgroup "
		"rw,cpu,cpuacct,xattr\n",
		"36 35 0:30 / /sys/fs/cgroup/systemd rw - cgroup none rw,name=systemd\n"
		"37 35 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"17 (a) b (c) S 1 17 17 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456789 0 0 0\n",
		"1\n2\n0\n4194304\n-5\n",
		"low 0\nhigh 0\nmax 12\noom 3\noom_kill 3\n",
		"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 "
		"rbytes=18446744073709551616\n",
		"8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n",
		"120 0 99999999999999999999 7\n",
		"8:0 4096\n8:16 99999999999999999999\n",
		"cpu user system\n0 15978728 24000000\n1 3 4\n",
		"0-3,7,9-8,4294967295-18446744073709551615\n",
		"max\n",
		"cpuset cpu io memory hugetlb pids rdma\n",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return NULL;
	*ret_len = strlen(seeds[index]);
	return (const uint8_t *)seeds[index];
}
