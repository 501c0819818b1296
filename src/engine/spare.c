/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/lifecycle.h"
#include "engine/profile.h"
#include "base/poison.h"

enum { LIST_MAX = 8192, CHILDREN_MAX = 1 << 16 };

#define CPUS_FILE "cpuset.cpus"

void spare_done(struct spare *s)
{
	free(s->dir);
	s->dir = NULL;
}

int spare_parse(const char *text, cpu_set_t *ret)
{
	cpu_set_t cpus;
	const char *at = text;

	CPU_ZERO(&cpus);
	while (*at && *at != '\n') {
		unsigned long first, last;
		char *end;

		if (*at < '0' || *at > '9')
			goto invalid;
		first = last = strtoul(at, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				goto invalid;
			last = strtoul(end + 1, &end, 10);
		}
		if (last < first || last >= CPU_SETSIZE)
			goto invalid;
		for (; first <= last; first++)
			CPU_SET(first, &cpus);
		if (*end && *end != '\n' && (*end != ',' || !end[1]))
			goto invalid;
		at = *end == ',' ? end + 1 : end;
	}
	*ret = cpus;
	return 0;
invalid:
	errno = EINVAL;
	return -1;
}

char *spare_format(const cpu_set_t *cpus)
{
	_auto_buf_ struct buf text = BUF_INIT(LIST_MAX);

	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, cpus) && buf_addf(&text, "%s%d", text.len ? "," : "", i) < 0)
			return NULL;
	}
	return strdup(text.len ? buf_str(&text) : "");
}

int spare_choose(const cpu_set_t *all, const cpu_set_t *own)
{
	if (CPU_COUNT(all) < 2)
		return -1;
	for (int i = CPU_SETSIZE - 1; i >= 0; i--) {
		if (CPU_ISSET(i, all) && CPU_ISSET(i, own))
			return i;
	}
	return -1;
}

static int read_cpus(const char *dir, const char *id, const char *file, cpu_set_t *ret)
{
	_auto_free_ char *path = str_format("%s/%s/%s", dir, id, file);
	_auto_free_ char *text = NULL;
	size_t len;

	if (!path || file_read(AT_FDCWD, path, LIST_MAX, &text, &len) < 0)
		return -1;
	return spare_parse(text, ret);
}

void spare_find(struct spare *ret, const struct strv *mounts)
{
	struct spare s = { .dir = NULL };
	int cpu = -1;

	for (size_t i = 0; i < mounts->count && cpu < 0; i++) {
		free(s.dir);
		s.dir = str_format("%s%s", mounts->items[i], PROFILE_CGROUP);
		if (!s.dir || sched_getaffinity(0, sizeof(s.own), &s.own) < 0)
			continue;
		s.inherits = read_cpus(s.dir, ".", "cpuset.cpus.effective", &s.all) == 0;
		if (s.inherits || read_cpus(s.dir, ".", CPUS_FILE, &s.all) == 0)
			cpu = spare_choose(&s.all, &s.own);
	}
	s.most = s.all;
	s.other = s.own;
	if (cpu < 0) {
		spare_done(&s);
	} else {
		CPU_CLR(cpu, &s.most);
		CPU_CLR(cpu, &s.other);
	}
	*ret = s;
}

bool spare_equal(const struct spare *a, const struct spare *b)
{
	if (!a->dir || !b->dir)
		return a->dir == b->dir;
	return str_eq(a->dir, b->dir) && CPU_EQUAL(&a->all, &b->all) &&
	       CPU_EQUAL(&a->most, &b->most) && CPU_EQUAL(&a->own, &b->own);
}

bool spare_keeps_off(const struct spare *s, const char *id)
{
	cpu_set_t given;

	return s->dir && read_cpus(s->dir, id, CPUS_FILE, &given) == 0 &&
	       CPU_EQUAL(&given, &s->most);
}

/* On v2 a group has what the one above it has until it is given some. */
static void set_group(const struct spare *s, const char *id, bool off)
{
	_auto_free_ char *path = str_format("%s/%s/" CPUS_FILE, s->dir, id);
	_auto_free_ char *text = NULL;
	cpu_set_t given;

	if (!path || read_cpus(s->dir, id, CPUS_FILE, &given) < 0)
		return;
	if (off ? CPU_COUNT(&given) > 0 && !CPU_EQUAL(&given, &s->all)
		: !CPU_EQUAL(&given, &s->most))
		return;
	text = off || !s->inherits ? spare_format(off ? &s->most : &s->all) : strdup("\n");
	if (text)
		file_write_knob(AT_FDCWD, path, text);
}

/* The half of a shim that carries output is a child of the other one, which runs the commands. */
static void set_shim(const struct spare *s, struct engine *e, const char *id, bool off)
{
	const cpu_set_t *from = off ? &s->own : &s->other, *to = off ? &s->other : &s->own;
	pid_t shim = workspace_shim_pid(e, id);
	_auto_free_ char *path = str_format("/proc/%d/task/%d/children", (int)shim, (int)shim);
	_auto_free_ char *text = NULL;
	char *at, *end;
	size_t len;

	if (CPU_COUNT(to) == 0 || shim < 0 || !path ||
		file_read(AT_FDCWD, path, CHILDREN_MAX, &text, &len) < 0)
		return;
	for (at = text; *at; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);
		cpu_set_t now;

		if (end == at)
			break;
		end += *end == ' ';
		if (workspace_is_shim(pid, id) && sched_getaffinity(pid, sizeof(now), &now) == 0 &&
			CPU_EQUAL(&now, from))
			sched_setaffinity(pid, sizeof(*to), to);
	}
}

void spare_keep_off(const struct spare *s, struct engine *e, const char *id, bool off)
{
	if (!s->dir)
		return;
	set_group(s, id, off);
	set_shim(s, e, id, off);
}
