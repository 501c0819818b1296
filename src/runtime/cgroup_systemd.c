/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_systemd.c - the systemd manager: a transient, delegated scope with the container's first
 * process in it. systemd makes the group; the limits are written as with cgroupfs, and then told to
 * systemd, which writes all that it knows again when it is reloaded.
 *
 * The call goes through busctl(1), which is wherever systemd is: the bus library would cost every
 * other start its loading, and a static program cannot load it at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "runtime/cgroup_impl.h"

#include "base/poison.h"

enum { OUTPUT_CEILING = 4096, JOB_MS = 30000 };

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager"

static const char *find_busctl(void)
{
	static const char *const places[] = { "/usr/bin/busctl", "/bin/busctl" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (access(places[i], X_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* Runs busctl: its answer if `ret_text` is not NULL; when it fails, what it says goes into the message. */
static int ask(const struct strv *argv, char **ret_text, struct md_error *err)
{
	struct spawn s = SPAWN_INIT;
	_auto_close_ int from = -1, to = -1;
	_auto_free_ char *text = NULL;
	size_t len;
	int pair[2], code;
	pid_t pid;

	s.path = find_busctl();
	if (!s.path)
		return md_fail(err, ENOENT, "cgroup: the systemd manager needs busctl");
	if (pipe2(pair, O_CLOEXEC) < 0)
		return md_fail_errno(err, "cgroup: pipe");
	from = pair[0];
	to = pair[1];
	s.argv = argv->items;
	s.envp = environ;
	s.std[1] = s.std[2] = to;
	pid = spawn_start(&s, NULL);
	if (pid < 0)
		return md_fail_errno(err, "cgroup: %s", s.path);
	fd_close(&to);
	if (fd_read_to_end(from, OUTPUT_CEILING, &text, &len) < 0)
		text = NULL;
	code = spawn_wait(pid);
	if (code == 0 && ret_text)
		*ret_text = take_ptr(text);
	if (code == 0)
		return 0;
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return md_fail(err, EIO, "cgroup: systemd: %s", text && text[0] ? text : "no answer");
}

static int call(const struct strv *argv, struct md_error *err)
{
	return ask(argv, NULL, err);
}

static int add_words(struct strv *v, const char *const *words)
{
	for (; *words; words++) {
		if (strv_add(v, *words) < 0)
			return -1;
	}
	return 0;
}

static int start_words(const struct cgroup *c, pid_t pid, const struct strv *more,
	unsigned int count, struct strv *v)
{
	bool slice = str_ends(c->unit, ".slice");
	char number[16], properties[16];
	const char *const head[] = { "busctl", c->rootless ? "--user" : "--system", "call", MANAGER,
		"StartTransientUnit", "ssa(sv)a(sa(sv))", c->unit, "replace", properties,
		"Description", "s", "a container", "DefaultDependencies", "b", "false",
		slice ? "Wants" : "Slice", slice ? "as" : "s", NULL };
	const char *const tail[] = { "CollectMode", "s", "inactive-or-failed", "Delegate", "b",
		"true", "PIDs", "au", "1", number, NULL };

	snprintf(number, sizeof(number), "%d", (int)pid);
	snprintf(properties, sizeof(properties), "%u", (slice ? 3 : 6) + count);
	if (add_words(v, head) < 0 || (slice && strv_add(v, "1") < 0) ||
		strv_add(v, c->slice) < 0 || (!slice && add_words(v, tail) < 0) ||
		(count && strv_add_all(v, more->items) < 0))
		return -1;
	return strv_add(v, "0");
}

/* The call returns when the job is queued. systemd moves the process when all that it writes into the group itself is written; a slice
 * gets none. */
static bool is_started(struct cgroup *c, pid_t pid)
{
	_auto_free_ char *line = str_format(":%s\n", c->path);
	_auto_free_ char *text = NULL;
	char file[64];
	size_t len;

	if (str_ends(c->unit, ".slice"))
		return cgroup_exists(c);
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (!line || file_read(AT_FDCWD, file, OUTPUT_CEILING, &text, &len) < 0)
		return false;
	return strstr(text, line) != NULL;
}

static int wait_for_group(struct cgroup *c, pid_t pid, struct md_error *err)
{
	const struct timespec nap = { 0, 2000000 };

	for (int ms = 0; ms < JOB_MS; ms += 2) {
		if (is_started(c, pid))
			return 0;
		nanosleep(&nap, NULL);
	}
	cgroup_systemd_stop(c, err);
	return md_fail(err, ETIMEDOUT, "cgroup: systemd does not start %s", c->unit);
}

int cgroup_systemd_start(struct cgroup *c, pid_t pid, struct md_error *err)
{
	_auto_strv_ struct strv words = STRV_INIT, more = STRV_INIT;
	unsigned int count;

	if (cgroup_property_words(c->annotations, &more, &count, err) < 0)
		return -1;
	if (start_words(c, pid, &more, count, &words) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	if (call(&words, err) < 0)
		return -1;
	return wait_for_group(c, pid, err);
}

/* ---- what the group's files say, as properties ---- */

enum knob_kind { NUMBER, QUOTA, SET };
enum { SET_BYTES = 1024 };

/* Files of the group and what systemd calls them; of v1 and v2, there is only one kind on a host. */
static const struct knob {
	unsigned int controller;
	const char *file, *property;
	enum knob_kind kind;
} knobs[] = {
	{ CTL_MEMORY, "memory.max", "MemoryMax", NUMBER },
	{ CTL_MEMORY, "memory.high", "MemoryHigh", NUMBER },
	{ CTL_MEMORY, "memory.low", "MemoryLow", NUMBER },
	{ CTL_MEMORY, "memory.min", "MemoryMin", NUMBER },
	{ CTL_MEMORY, "memory.swap.max", "MemorySwapMax", NUMBER },
	{ CTL_MEMORY, "memory.limit_in_bytes", "MemoryLimit", NUMBER },
	{ CTL_CPU, "cpu.weight", "CPUWeight", NUMBER },
	{ CTL_CPU, "cpu.shares", "CPUShares", NUMBER },
	{ CTL_CPU, "cpu.max", "CPUQuotaPerSecUSec", QUOTA },
	{ CTL_CPU, "cpu.cfs_quota_us", "CPUQuotaPerSecUSec", QUOTA },
	{ CTL_IO, "io.weight", "IOWeight", NUMBER },
	{ CTL_PIDS, "pids.max", "TasksMax", NUMBER },
	{ CTL_CPUSET, "cpuset.cpus", "AllowedCPUs", SET },
	{ CTL_CPUSET, "cpuset.mems", "AllowedMemoryNodes", SET },
};

static int add_property(struct strv *v, const char *name, uint64_t value)
{
	const char *const head[] = { name, "t", NULL };

	return add_words(v, head) < 0 ? -1 : strv_addf(v, "%" PRIu64, value);
}

/* "100", "max", "default 100" */
static int add_number(struct strv *v, const struct knob *k, const char *text)
{
	if (str_starts(text, "default "))
		text += strlen("default ");
	return add_property(
		v, k->property, str_eq(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10));
}

/* "3000 100000", "max 100000" or, on v1, "3000" and "-1" with the period in a file of its own. */
static int add_quota(struct strv *v, const struct knob *k, const char *text, int group)
{
	const char *space = strchr(text, ' ');
	uint64_t period =
		space ? strtoull(space, NULL, 10) : cgroup_read_u64(group, "cpu.cfs_period_us");
	long long quota = strtoll(text, NULL, 10);
	uint64_t each = quota > 0 && period ? (uint64_t)quota * 1000000 / period : UINT64_MAX;

	return add_property(v, k->property, each) < 0 ||
			       add_property(v, "CPUQuotaPeriodUSec", period) < 0
		       ? -1
		       : 0;
}

/* "0-3,7" as systemd takes it: bits in bytes, the lowest first. */
static int add_set(struct strv *v, const struct knob *k, const char *text)
{
	const char *const head[] = { k->property, "ay", NULL };
	unsigned char bits[SET_BYTES] = { 0 };
	unsigned long last = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long from = strtoul(text, &end, 10);
		unsigned long to = *end == '-' ? strtoul(end + 1, &end, 10) : from;

		for (; from <= to && from < SET_BYTES * 8; from++) {
			bits[from / 8] |= (unsigned char)(1 << from % 8);
			last = MD_MAX(last, from);
		}
		text = end + (*end == ',');
	}
	if (add_words(v, head) < 0 || strv_addf(v, "%lu", last / 8 + 1) < 0)
		return -1;
	for (unsigned long i = 0; i <= last / 8; i++) {
		if (strv_addf(v, "%u", bits[i]) < 0)
			return -1;
	}
	return 0;
}

/* The knobs of the group that exist and say something; *ret_count properties. */
static int add_knobs(struct cgroup *c, struct strv *v, unsigned int *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		const struct knob *k = &knobs[i];
		struct cgroup_tree *t = cgroup_tree_with(c, k->controller);
		char text[1024];
		int r;

		if (!t || cgroup_tree_open(c, t) < 0 ||
			!cgroup_read(t->fd, k->file, text, sizeof(text)) || !text[0])
			continue;
		r = k->kind == SET     ? add_set(v, k, text)
		    : k->kind == QUOTA ? add_quota(v, k, text, t->fd)
				       : add_number(v, k, text);
		if (r < 0)
			return -1;
		*ret_count += k->kind == QUOTA ? 2 : 1;
	}
	return 0;
}

static int tell(struct cgroup *c, struct md_error *err)
{
	_auto_strv_ struct strv words = STRV_INIT, properties = STRV_INIT;
	const char *const head[] = { "busctl", c->rootless ? "--user" : "--system", "call", MANAGER,
		"SetUnitProperties", "sba(sv)", c->unit, "true", NULL };
	unsigned int count;

	if (add_knobs(c, &properties, &count) < 0 || add_words(&words, head) < 0 ||
		strv_addf(&words, "%u", count) < 0 ||
		(count && strv_add_all(&words, properties.items) < 0))
		return md_fail(err, ENOMEM, "out of memory");
	return count ? call(&words, err) : 0;
}

void cgroup_systemd_tell(struct cgroup *c)
{
	struct md_error err = MD_ERROR_INIT;

	if (tell(c, &err) < 0)
		log_warning("%s: a reload of systemd may undo the limits of %s", err.msg, c->unit);
}

/* "s "/user.slice/user-1000.slice/user@1000.service"" */
int cgroup_systemd_user_root(char **ret, struct md_error *err)
{
	const char *const get[] = { "busctl", "--user", "get-property", MANAGER, "ControlGroup",
		NULL };
	_auto_strv_ struct strv words = STRV_INIT;
	_auto_free_ char *text = NULL;
	char *end;

	if (add_words(&words, get) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	if (ask(&words, &text, err) < 0)
		return -1;
	end = text && str_starts(text, "s \"") ? strchr(text + 3, '"') : NULL;
	if (!end)
		return md_fail(err, EPROTO, "cgroup: systemd does not say where its groups are");
	*end = '\0';
	*ret = strdup(text + 3);
	return *ret ? 0 : md_fail(err, ENOMEM, "out of memory");
}

/* The scope ends by itself with its last process; a failed one stays listed until it is reset. */
int cgroup_systemd_stop(struct cgroup *c, struct md_error *err)
{
	const char *const stop[] = { "busctl", c->rootless ? "--user" : "--system", "call", MANAGER,
		"StopUnit", "ss", c->unit, "replace", NULL };
	_auto_strv_ struct strv words = STRV_INIT;

	if (add_words(&words, stop) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	if (call(&words, err) < 0 && !strstr(err->msg, "not loaded"))
		return -1;
	return 0;
}
