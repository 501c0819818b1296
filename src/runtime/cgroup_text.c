/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/cgroup_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

static const struct {
	const char *name;
	unsigned int bit;
} controllers[] = {
	{ "cpu", CTL_CPU },
	{ "cpuacct", CTL_CPUACCT },
	{ "cpuset", CTL_CPUSET },
	{ "memory", CTL_MEMORY },
	{ "pids", CTL_PIDS },
	{ "io", CTL_IO },
	{ "blkio", CTL_IO },
	{ "hugetlb", CTL_HUGETLB },
	{ "rdma", CTL_RDMA },
	{ "devices", CTL_DEVICES },
	{ "freezer", CTL_FREEZER },
	{ "net_cls", CTL_NET_CLS },
	{ "net_prio", CTL_NET_PRIO },
};

unsigned int cgroup_controllers_of(const char *list)
{
	unsigned int mask = 0;

	while (*list) {
		size_t len = strcspn(list, ", \n");

		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
			if (strlen(controllers[i].name) == len &&
				strncmp(controllers[i].name, list, len) == 0)
				mask |= controllers[i].bit;
		}
		list += len;
		list += strspn(list, ", \n");
	}
	return mask;
}

/* The name of a tree: its controllers, or name=X, out of the superblock options
 * "rw,cpu,cpuacct,xattr". */
static void tree_name(const char *options, char *to, size_t size)
{
	to[0] = '\0';
	while (*options && *options != '\n') {
		size_t len = strcspn(options, ",\n");
		char word[128];

		snprintf(word, sizeof(word), "%.*s", (int)len, options);
		if (cgroup_controllers_of(word) || str_starts(word, "name=")) {
			size_t used = strlen(to);

			snprintf(to + used, size - used, "%s%s", used ? "," : "", word);
		}
		options += len;
		options += strspn(options, ",\n");
	}
}

/* "36 35 98:0 /root /mount/point rw,noatime master:1 - cgroup cgroup rw,cpu" */
bool cgroup_text_mount(char *line, struct cgroup_mount *ret)
{
	char *separator = strstr(line, " - "), *fields[5], *save = line;
	char *type, *options;

	if (!separator)
		return false;
	type = separator + 3;
	ret->unified = str_starts(type, "cgroup2 ");
	if (!ret->unified && !str_starts(type, "cgroup "))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&save, " ");
		if (!fields[i] || !save || save > type)
			return false;
	}
	options = strrchr(type, ' ');
	tree_name(ret->unified || !options ? "" : options + 1, ret->name, sizeof(ret->name));
	str_unescape_octal(fields[4]);
	ret->point = fields[4];
	return ret->unified || ret->name[0];
}

uint64_t cgroup_text_u64(const char *text)
{
	return str_starts(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t cgroup_text_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, len) == 0 && at[len] == ' ')
			return cgroup_text_u64(at + len + 1);
	}
	return 0;
}

int cgroup_text_pids(const char *text, pid_t **pids, size_t *count)
{
	while (*text) {
		char *end;
		long pid = strtol(text, &end, 10);

		if (end == text)
			break;
		if (pid > 0 && pid <= INT32_MAX) {
			pid_t *more = mem_resize(*pids, *count + 1);

			if (!more)
				return -1;
			*pids = more;
			more[(*count)++] = (pid_t)pid;
		}
		text = end + strspn(end, "\n");
	}
	return 0;
}

void cgroup_text_io(char *text, struct cgroup_stats *ret)
{
	static const struct {
		const char *key, *op;
		enum cgroup_io_kind kind;
	} keys[] = { { "rbytes=", "Read", CGROUP_IO_BYTES },
		{ "wbytes=", "Write", CGROUP_IO_BYTES }, { "rios=", "Read", CGROUP_IO_OPS },
		{ "wios=", "Write", CGROUP_IO_OPS } };
	char *line;

	while ((line = strsep(&text, "\n"))) {
		unsigned int major, minor;

		if (sscanf(line, "%u:%u ", &major, &minor) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			struct cgroup_io_stats *io = &ret->io[keys[i].kind];
			const char *found = strstr(line, keys[i].key);
			struct cgroup_stat_pair *p;

			if (!found || io->count == CGROUP_STAT_DEVICES)
				continue;
			p = &io->items[io->count++];
			p->major = major;
			p->minor = minor;
			snprintf(p->op, sizeof(p->op), "%s", keys[i].op);
			p->value = strtoull(found + strlen(keys[i].key), NULL, 10);
		}
	}
}

void cgroup_text_blkio(char *text, struct cgroup_io_stats *ret)
{
	char *line;

	ret->count = 0;
	while (ret->count < CGROUP_STAT_DEVICES && (line = strsep(&text, "\n"))) {
		struct cgroup_stat_pair p = { .op = "" };
		unsigned long long value;

		if (sscanf(line, "%u:%u %15[A-Za-z] %llu", &p.major, &p.minor, p.op, &value) != 4 &&
			sscanf(line, "%u:%u %llu", &p.major, &p.minor, &value) != 3)
			continue;
		p.value = value;
		ret->items[ret->count++] = p;
	}
}

size_t cgroup_text_cpus(char *text, uint64_t *ret)
{
	size_t count = 0;
	char *word;

	while (count < CGROUP_STAT_CPUS && (word = strsep(&text, " "))) {
		if (word[0])
			ret[count++] = strtoull(word, NULL, 10);
	}
	return count;
}

size_t cgroup_text_cpu_times(char *text, uint64_t *ret_user, uint64_t *ret_kernel)
{
	size_t count = 0;
	char *line;

	while (count < CGROUP_STAT_CPUS && (line = strsep(&text, "\n"))) {
		unsigned long long user, kernel;

		if (sscanf(line, "%*u %llu %llu", &user, &kernel) != 2)
			continue;
		ret_user[count] = user;
		ret_kernel[count++] = kernel;
	}
	return count;
}

size_t cgroup_text_list(const char *text, uint64_t *ret)
{
	size_t count = 0;

	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			break;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && count < CGROUP_STAT_CPUS; first++)
			ret[count++] = first;
		text = end + (*end == ',');
	}
	return count;
}
