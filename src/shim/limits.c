/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "shim/deadline.h"
#include "wire/shim_wire.h"
#include "base/poison.h"

enum {
	OOM_FRESH_MS = 2000,
	MAX_KNOB = 4096,
	LOOK_MS = 50, /* v1 tells of the lack of memory before it has killed... */
	LOOKS = 10,   /* ... and perhaps it will not have to */
};

bool limits_find_path(const char *cgroups, const char *controller, char *to, size_t room)
{
	while (*cgroups) {
		size_t len = strcspn(cgroups, "\n");
		const char *names = memchr(cgroups, ':', len), *path, *at;

		path = names ? memchr(names + 1, ':', len - (size_t)(names + 1 - cgroups)) : NULL;
		for (at = names ? names + 1 : NULL; path && at <= path;) {
			size_t name = strcspn(at, ",:");

			if (name == strlen(controller) && strncmp(at, controller, name) == 0) {
				snprintf(to, room, "%.*s",
					(int)(len - (size_t)(path + 1 - cgroups)), path + 1);
				return true;
			}
			at += name + 1;
		}
		cgroups += len + (cgroups[len] == '\n');
	}
	return false;
}

static bool copy_value(const char *message, const char *key, char *to, size_t room)
{
	const char *at = strstr(message, key);

	if (!at)
		return false;
	at += strlen(key);
	snprintf(to, room, "%.*s", (int)strcspn(at, ",\n"), at);
	return true;
}

bool limits_parse_kill(const char *message, const char *path, char *name, size_t room)
{
	char cgroup[512];
	size_t len = strlen(path);

	if (!strstr(message, "oom-kill:") ||
		!copy_value(message, "task_memcg=", cgroup, sizeof(cgroup)))
		return false;
	if (strncmp(cgroup, path, len) != 0 || (cgroup[len] && cgroup[len] != '/'))
		return false;
	return copy_value(message, ",task=", name, room);
}

static uint64_t read_number(int dir, const char *knob)
{
	_auto_free_ char *text = NULL;
	uint64_t value = 0;

	if (dir < 0 || file_read(dir, knob, MAX_KNOB, &text, NULL) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, UINT64_MAX, &value) < 0 ? 0 : value;
}

/* The number behind `key` in a file of "key number" lines. */
static uint64_t read_counter(int dir, const char *knob, const char *key)
{
	_auto_free_ char *text = NULL;
	size_t len = strlen(key);

	if (dir < 0 || file_read(dir, knob, MAX_KNOB, &text, NULL) < 0)
		return 0;
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, len) == 0 && at[len] == ' ')
			return strtoull(at + len + 1, NULL, 10);
	}
	return 0;
}

static uint64_t count_kills(const struct limits_watch *w)
{
	return read_counter(
		w->memory_fd, w->unified ? "memory.events" : "memory.oom_control", "oom_kill");
}

/* The names of those that were killed since the last look, "gcc, cc1"; "" if the kernel's log isn't to be read. */
static void read_names(struct limits_watch *w, char *to, size_t room)
{
	char record[8192], name[64];
	size_t used = 0;

	to[0] = '\0';
	while (w->kmsg_fd >= 0) {
		ssize_t n = read(w->kmsg_fd, record, sizeof(record) - 1);

		if (n < 0 && (errno == EPIPE || errno == EINTR)) /* overwritten: the next one */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		if (limits_parse_kill(record, w->memory_path, name, sizeof(name)) &&
			used < room - 1)
			used += (size_t)snprintf(
				to + used, room - used, "%s%s", used ? ", " : "", name);
		used = MD_MIN(used, room - 1);
	}
}

static void format_size(uint64_t bytes, char *to, size_t room)
{
	if (bytes == 0 || bytes >= UINT64_C(1) << 60)
		snprintf(to, room, "host's");
	else if (bytes % (1 << 30) == 0)
		snprintf(to, room, "%llu GiB", (unsigned long long)(bytes >> 30));
	else
		snprintf(to, room, "%llu MiB", (unsigned long long)((bytes + (1 << 19)) >> 20));
}

/* True if there was a kill since the last look. */
static bool check_memory(struct limits_watch *w)
{
	uint64_t kills = count_kills(w);
	char names[96], size[32];

	if (kills <= w->kills)
		return false;
	w->kills = kills;
	read_names(w, names, sizeof(names));
	format_size(read_number(w->memory_fd, w->unified ? "memory.max" : "memory.limit_in_bytes"),
		size, sizeof(size));
	snprintf(w->oom_text, sizeof(w->oom_text), "killed by the %s memory limit%s%s", size,
		names[0] ? ": " : "", names);
	w->oom_ms = monotonic_ms();
	w->hit(SHIM_NOTICE_OOM, w->oom_text, w->data);
	return true;
}

static void check_pids(struct limits_watch *w)
{
	uint64_t refusals = read_counter(w->pids_fd, "pids.events", "max");
	char text[96];

	if (refusals <= w->refusals)
		return;
	w->refusals = refusals;
	snprintf(text, sizeof(text), "the limit of %llu processes was reached",
		(unsigned long long)read_number(w->pids_fd, "pids.max"));
	w->hit(SHIM_NOTICE_PIDS, text, w->data);
}

static void inotify_ready(struct loop_source *s, uint32_t events _unused_)
{
	struct limits_watch *w = s->data;
	char drain[4096] __attribute__((aligned(8)));

	while (read(s->fd, drain, sizeof(drain)) > 0)
		;
	check_memory(w);
	check_pids(w);
}

static void look(void *data)
{
	struct limits_watch *w = data;

	check_pids(w);
	if (check_memory(w) || w->looks_left == 0)
		w->looks_left = 0;
	else if (w->looks_left-- > 0)
		deadline_set(w->deadlines, &w->look, LOOK_MS, look, w);
}

void limits_look(struct limits_watch *w)
{
	if (w->loop)
		look(w);
}

static void eventfd_ready(struct loop_source *s, uint32_t events _unused_)
{
	struct limits_watch *w = s->data;
	uint64_t count;
	ssize_t n _unused_ = read(s->fd, &count, sizeof(count));

	w->looks_left = LOOKS;
	look(w);
}

/* v1: "EVENTFD KNOBFD" into cgroup.event_control. */
static void watch_v1_memory(struct limits_watch *w)
{
	_auto_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_auto_close_ int knob = openat(w->memory_fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char line[32];

	snprintf(line, sizeof(line), "%d %d", event, knob);
	if (event < 0 || knob < 0 ||
		file_write_knob(w->memory_fd, "cgroup.event_control", line) < 0)
		return;
	if (loop_add_fd(w->loop, &w->eventfd, event, EPOLLIN, eventfd_ready, w) < 0)
		return;
	w->eventfd.own_fd = true;
	take_fd(&event);
}

static void watch_file(struct limits_watch *w, int dir, const char *knob)
{
	char path[64];

	if (dir < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, knob);
	inotify_add_watch(w->inotify.fd, path, IN_MODIFY);
}

static bool has_file(int dir, const char *name)
{
	return dir >= 0 && faccessat(dir, name, F_OK, 0) == 0;
}

/* Opens the cgroup of `controller` that has `knob`: a v1 hierarchy's, else the v2 one; -1. */
static int open_cgroup(const char *cgroups, const char *controller, const char *knob,
	bool *ret_unified, char *path, size_t room)
{
	static const char *const unified[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char full[1024];
	int fd = -1;

	if (limits_find_path(cgroups, controller, path, room)) {
		snprintf(full, sizeof(full), "/sys/fs/cgroup/%s%s", controller, path);
		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*ret_unified = false;
		if (has_file(fd, knob))
			return fd;
		fd_close(&fd);
	}
	for (size_t i = 0; limits_find_path(cgroups, "", path, room) && i < 2; i++) {
		snprintf(full, sizeof(full), "%s%s", unified[i], path);
		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*ret_unified = true;
		if (has_file(fd, knob))
			return fd;
		fd_close(&fd);
	}
	return -1;
}

static void find_cgroups(struct limits_watch *w, pid_t pid)
{
	_auto_free_ char *cgroups = NULL;
	char path[512], file[64];
	bool unified = false;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	if (file_read(AT_FDCWD, file, 64 * 1024, &cgroups, NULL) < 0)
		return;
	w->pids_fd = open_cgroup(cgroups, "pids", "pids.events", &unified, path, sizeof(path));
	w->pids_silent = w->pids_fd >= 0 && !unified;
	w->memory_fd = open_cgroup(cgroups, "memory", "cgroup.procs", &w->unified, w->memory_path,
		sizeof(w->memory_path));
}

void limits_open(struct limits_watch *w, struct loop *loop, struct deadlines *deadlines, pid_t pid,
	void (*hit)(uint32_t kind, const char *text, void *data), void *data)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	*w = (struct limits_watch)LIMITS_WATCH_INIT;
	w->loop = loop;
	w->deadlines = deadlines;
	w->hit = hit;
	w->data = data;
	find_cgroups(w, pid);
	w->kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->kmsg_fd >= 0)
		lseek(w->kmsg_fd, 0, SEEK_END);
	if (fd < 0 || loop_add_fd(loop, &w->inotify, fd, EPOLLIN, inotify_ready, w) < 0) {
		fd_close(&fd);
		return;
	}
	w->inotify.own_fd = true;
	w->kills = count_kills(w);
	w->refusals = read_counter(w->pids_fd, "pids.events", "max");
	watch_file(w, w->pids_fd, "pids.events");
	if (w->unified)
		watch_file(w, w->memory_fd, "memory.events");
	else if (w->memory_fd >= 0)
		watch_v1_memory(w);
}

void limits_close(struct limits_watch *w)
{
	if (!w->loop)
		return;
	deadline_clear(w->deadlines, &w->look);
	loop_remove(w->loop, &w->inotify);
	loop_remove(w->loop, &w->eventfd);
	fd_close(&w->memory_fd);
	fd_close(&w->pids_fd);
	fd_close(&w->kmsg_fd);
	w->loop = NULL;
}

bool limits_take_oom(struct limits_watch *w, char *to, size_t room)
{
	if (w->loop)
		check_memory(w);
	if (!w->oom_ms || monotonic_ms() - w->oom_ms > OOM_FRESH_MS)
		return false;
	snprintf(to, room, "%s", w->oom_text);
	return true;
}
