/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_systemd.c - the systemd manager: a transient, delegated scope with the container's first
 * process in it. systemd makes the group; the limits are written as with cgroupfs.
 *
 * The call goes through busctl(1), which is wherever systemd is: the bus library would cost every
 * other start its loading, and a static program cannot load it at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* Runs busctl; what it says goes into the message. */
static int call(const struct strv *argv, struct md_error *err)
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
	if (code == 0)
		return 0;
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return md_fail(err, EIO, "cgroup: systemd: %s", text && text[0] ? text : "no answer");
}

static int add_words(struct strv *v, const char *const *words)
{
	for (; *words; words++) {
		if (strv_add(v, *words) < 0)
			return -1;
	}
	return 0;
}

static int start_words(const struct cgroup *c, pid_t pid, struct strv *v)
{
	bool slice = str_ends(c->unit, ".slice");
	char number[16];
	const char *const head[] = { "busctl", c->rootless ? "--user" : "--system", "call", MANAGER,
		"StartTransientUnit", "ssa(sv)a(sa(sv))", c->unit, "replace", slice ? "3" : "5",
		"Description", "s", "a container", "DefaultDependencies", "b", "false",
		slice ? "Wants" : "Slice", slice ? "as" : "s", NULL };
	const char *const tail[] = { "Delegate", "b", "true", "PIDs", "au", "1", number, NULL };

	snprintf(number, sizeof(number), "%d", (int)pid);
	if (add_words(v, head) < 0 || (slice && strv_add(v, "1") < 0) ||
		strv_add(v, c->slice) < 0 || (!slice && add_words(v, tail) < 0))
		return -1;
	return strv_add(v, "0");
}

/* The call returns when the job is queued; the scope is there when its group is. */
static int wait_for_group(struct cgroup *c, struct md_error *err)
{
	const struct timespec nap = { 0, 2000000 };

	for (int ms = 0; ms < JOB_MS; ms += 2) {
		if (cgroup_exists(c))
			return 0;
		nanosleep(&nap, NULL);
	}
	return md_fail(err, ETIMEDOUT, "cgroup: systemd does not start %s", c->unit);
}

int cgroup_systemd_start(
	struct cgroup *c, const struct oci_resources *r _unused_, pid_t pid, struct md_error *err)
{
	_auto_strv_ struct strv words = STRV_INIT;

	if (start_words(c, pid, &words) < 0)
		return md_fail(err, ENOMEM, "out of memory");
	if (call(&words, err) < 0)
		return -1;
	return wait_for_group(c, err);
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
