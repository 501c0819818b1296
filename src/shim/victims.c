/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/victims.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "shim/deadline.h"
#include "sys/kernel.h"
#include "base/poison.h"

enum {
	LOOK_SHARE = 10,      /* v2 tells of each reclaim: looking may take a tenth of the time */
	SEEN_FRESH_MS = 5000, /* a pid isn't given anew so soon */
	MAX_PROC = 64 * 1024,
	STAT_STATE = 3, /* proc_pid_stat(5) */
	STAT_EXIT_CODE = 52,
};

#define FIRST_PID_NAMESPACE 0xEFFFFFFCu /* PROC_PID_INIT_INO of the kernel, the same for ever */

static const char *find_last(const char *text, const char *end, const char *word)
{
	size_t len = strlen(word);

	for (size_t at = (size_t)(end - text); at >= len; at--) {
		if (strncmp(text + at - len, word, len) == 0)
			return text + at - len;
	}
	return NULL;
}

/* "oom-kill:...,task_memcg=/minidocker/ab,task=gcc,pid=812,uid=0". The name is its process's choice: what follows it is looked for
 * from the end. The kernel leaves this message out when it had many to write. */
static bool parse_cause(const char *message, const char *end, const char *path, struct victim *ret)
{
	const char *cgroup = strstr(message, ",task_memcg="), *name, *pid;
	size_t len = strlen(path);

	name = cgroup ? strstr(cgroup, ",task=") : NULL;
	pid = name && name < end ? find_last(name, end, ",pid=") : NULL;
	if (!pid)
		return false;
	cgroup += strlen(",task_memcg=");
	name += strlen(",task=");
	if (strncmp(cgroup, path, len) != 0 || (cgroup[len] != ',' && cgroup[len] != '/'))
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(pid - name), name);
	ret->pid = (pid_t)strtol(pid + strlen(",pid="), NULL, 10);
	ret->ours = true;
	return true;
}

/* "Memory cgroup out of memory: Killed process 812 (gcc) total-vm:34264kB, ...": of each. */
static bool parse_death(const char *at, const char *end, struct victim *ret)
{
	const char *close = find_last(at, end, ") total-vm:");
	char *name;

	ret->pid = (pid_t)strtol(at, &name, 10);
	if (!close || strncmp(name, " (", 2) != 0 || close < name + 2)
		return false;
	name += 2;
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - name), name);
	return true;
}

bool victims_parse_kill(const char *message, const char *path, struct victim *ret)
{
	static const char killed[] = ";Memory cgroup out of memory: Killed process ";
	const char *end = message + strcspn(message, "\n");
	const char *death = strstr(message, killed);

	*ret = (struct victim){ 0 };
	if (death && death < end)
		return parse_death(death + sizeof(killed) - 1, end, ret);
	return strstr(message, ";oom-kill:") && parse_cause(message, end, path, ret);
}

static const char *field_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : "";
}

void victims_parse_status(const char *text, size_t depth, struct victims_status *ret)
{
	const char *at = field_of(text, "\nNSpid:");
	const uint64_t kill = UINT64_C(1) << (SIGKILL - 1);

	*ret = (struct victims_status){ 0 };
	if (str_starts(text, "Name:\t"))
		snprintf(ret->name, sizeof(ret->name), "%.*s", (int)strcspn(text + 6, "\n"),
			text + 6);
	while (*at == '\t') {
		char *rest;
		long number = strtol(at + 1, &rest, 10);

		if (++ret->depth == depth)
			ret->inner = (pid_t)number;
		at = rest;
	}
	ret->killed = (strtoull(field_of(text, "\nSigPnd:"), NULL, 16) |
			      strtoull(field_of(text, "\nShdPnd:"), NULL, 16)) &
		      kill;
}

static bool read_proc(pid_t pid, const char *name, char **ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return file_read(AT_FDCWD, path, MAX_PROC, ret, NULL) == 0;
}

static bool read_status(pid_t pid, size_t depth, struct victims_status *ret)
{
	_auto_free_ char *text = NULL;

	if (!read_proc(pid, "status", &text))
		return false;
	victims_parse_status(text, depth, ret);
	return true;
}

/* On its way out, by SIGKILL: that has come, or it is its exit code already. */
static bool is_dying(pid_t pid, const struct victims_status *s)
{
	_auto_free_ char *text = NULL;
	const char *at;

	if (s->killed)
		return true;
	if (!read_proc(pid, "stat", &text))
		return false;
	at = strrchr(text, ')');
	for (int field = STAT_STATE; at && field <= STAT_EXIT_CODE; field++)
		at = strchr(at + 1, ' ');
	return at && strtol(at, NULL, 10) == SIGKILL;
}

/* ---- who is there ---- */

static void forget_seen(struct victims *v)
{
	while (v->seen_count)
		fd_close(&v->seen[--v->seen_count].pidfd);
}

static void see(struct victims *v, pid_t pid)
{
	struct victim_seen *seen = &v->seen[v->seen_count];
	/* First of all: then what is read is of this process, or it is dead. */
	_auto_close_ int pidfd = v->global ? -1 : sys_pidfd_open(pid);
	struct victims_status s;

	if (!read_status(pid, v->depth, &s) || !s.inner || s.killed)
		return;
	*seen = (struct victim_seen){ .pid = pid, .inner = s.inner, .pidfd = take_fd(&pidfd) };
	memcpy(seen->name, s.name, sizeof(s.name));
	v->seen_count++;
}

void victims_look(struct victims *v, int cgroup_fd)
{
	_auto_free_ char *text = NULL;
	uint64_t now = monotonic_ms();

	if (v->kmsg_fd < 0 || v->kills || now < v->look_after_ms ||
		file_read(cgroup_fd, "cgroup.procs", MAX_PROC, &text, NULL) < 0)
		return;
	forget_seen(v);
	v->seen_ms = now;
	for (char *at = text, *rest; v->seen_count < VICTIMS_SEEN; at = rest) {
		long pid = strtol(at, &rest, 10);

		if (rest == at)
			break;
		if (pid > 0)
			see(v, (pid_t)pid);
	}
	v->look_after_ms = monotonic_ms() + LOOK_SHARE * (monotonic_ms() - now);
}

/* ---- who was killed ---- */

/* Both messages about one are one victim. Old ones, of others, make room. */
static void add_killed(struct victims *v, const struct victim *one)
{
	for (size_t i = 0; i < v->killed_count; i++) {
		if (v->killed[i].pid == one->pid && str_eq(v->killed[i].name, one->name))
			return;
	}
	if (v->killed_count == VICTIMS_MOST)
		memmove(v->killed, v->killed + 1, --v->killed_count * sizeof(*one));
	v->killed[v->killed_count++] = *one;
}

void victims_read(struct victims *v, uint64_t kills)
{
	char record[8192];

	v->kills += kills;
	while (v->kmsg_fd >= 0) {
		ssize_t n = read(v->kmsg_fd, record, sizeof(record) - 1);
		struct victim one;

		if (n < 0 && (errno == EPIPE || errno == EINTR)) /* overwritten: the next one */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		if (victims_parse_kill(record, v->cgroup, &one))
			add_killed(v, &one);
	}
}

/* The log's pid is one of ours. */
static void find_by_pid(struct victims *v, struct victim *k)
{
	struct victims_status s;
	bool fresh = monotonic_ms() - v->seen_ms <= SEEN_FRESH_MS;

	for (size_t i = 0; i < v->seen_count && fresh && !k->inner; i++) {
		if (v->seen[i].pid == k->pid)
			k->inner = v->seen[i].inner;
	}
	if (!k->inner && k->ours && read_status(k->pid, v->depth, &s) && str_eq(s.name, k->name) &&
		is_dying(k->pid, &s))
		k->inner = s.inner;
	k->ours = k->ours || k->inner;
}

static bool was_killed(const struct victim_seen *one)
{
	struct victims_status s;
	int status;

	if (one->pidfd >= 0 && sys_pidfd_exit_status(one->pidfd, &status) == 0)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return read_status(one->pid, 0, &s) && str_eq(s.name, one->name) && is_dying(one->pid, &s);
}

/* A victim that the log calls so and that isn't found yet; rather one that is known to be ours. */
static struct victim *find_named(struct victims *v, const char *name)
{
	struct victim *found = NULL;

	for (size_t i = 0; i < v->killed_count; i++) {
		struct victim *k = &v->killed[i];

		if (!k->inner && str_eq(k->name, name) && (!found || (k->ours && !found->ours)))
			found = k;
	}
	return found;
}

static void find_by_death(struct victims *v)
{
	uint64_t dead = 0;

	for (size_t i = 0; i < v->seen_count; i++) {
		v->seen[i].killed = find_named(v, v->seen[i].name) && was_killed(&v->seen[i]);
		dead += v->seen[i].killed;
	}
	for (size_t i = 0; i < v->seen_count && dead == v->kills; i++) {
		struct victim *k = v->seen[i].killed ? find_named(v, v->seen[i].name) : NULL;

		if (k) {
			k->inner = v->seen[i].inner;
			k->ours = true;
		}
	}
}

bool victims_resolve(struct victims *v)
{
	uint64_t found = 0;

	if (v->kmsg_fd < 0)
		return true;
	if (!v->global)
		find_by_death(v);
	for (size_t i = 0; i < v->killed_count; i++) {
		if (v->global)
			find_by_pid(v, &v->killed[i]);
		found += v->killed[i].inner != 0;
	}
	return found >= v->kills;
}

void victims_take(struct victims *v, char *to, size_t room)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < v->killed_count && used < room; i++) {
		const struct victim *k = &v->killed[i];

		if (!k->ours)
			continue;
		used += (size_t)snprintf(to + used, room - used, "%s%s", used ? ", " : "", k->name);
		if (k->inner && used < room)
			used += (size_t)snprintf(to + used, room - used, " (pid %d)", k->inner);
	}
	v->killed_count = 0;
	v->kills = 0;
	forget_seen(v);
}

void victims_open(struct victims *v, pid_t init)
{
	struct victims_status s = { 0 };
	struct stat st;

	v->global = stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE;
	read_status(init, 0, &s);
	v->depth = s.depth;
	v->kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (v->kmsg_fd >= 0)
		lseek(v->kmsg_fd, 0, SEEK_END);
}

void victims_close(struct victims *v)
{
	forget_seen(v);
	fd_close(&v->kmsg_fd);
}
