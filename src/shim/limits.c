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
	LOOK_MS = 50,     /* v1 tells of the lack of memory before it has killed... */
	LOOKS = 10,       /* ... and perhaps it will not have to */
	PATIENCE_MS = 10, /* who was killed dies: a notice waits for its pid... */
	PATIENCE = 30,    /* ... at most that often */
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

static void format_size(uint64_t bytes, char *to, size_t room)
{
	if (bytes == 0 || bytes >= UINT64_C(1) << 60)
		snprintf(to, room, "host's");
	else if (bytes % (1 << 30) == 0)
		snprintf(to, room, "%llu GiB", (unsigned long long)(bytes >> 30));
	else
		snprintf(to, room, "%llu MiB", (unsigned long long)((bytes + (1 << 19)) >> 20));
}

static void look(void *data);

static void tell_kill(struct limits_watch *w)
{
	char names[VICTIMS_TEXT], size[32];

	victims_take(&w->victims, names, sizeof(names));
	format_size(read_number(w->memory_fd, w->unified ? "memory.max" : "memory.limit_in_bytes"),
		size, sizeof(size));
	snprintf(w->oom_text, sizeof(w->oom_text), "killed by the %s memory limit%s%s", size,
		names[0] ? ": " : "", names);
	w->untold = false;
	w->oom_ms = monotonic_ms();
	w->hit(SHIM_NOTICE_OOM, w->oom_text, w->data);
}

/* True if a kill was told. With `now` it isn't waited for a pid that may be known in a moment. */
static bool check_memory(struct limits_watch *w, bool now)
{
	uint64_t kills = count_kills(w);

	if (kills > w->kills) {
		w->patience = w->untold ? w->patience : PATIENCE;
		w->untold = true;
	}
	if (!w->untold)
		return false;
	victims_read(&w->victims, kills - w->kills);
	w->kills = kills;
	if (!victims_resolve(&w->victims) && !now && w->patience-- > 0) {
		deadline_set(w->deadlines, &w->look, PATIENCE_MS, look, w);
		return false;
	}
	tell_kill(w);
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

/* Where somebody was killed already, who was there before is what counts. */
static void look_who(struct limits_watch *w)
{
	if (w->memory_fd >= 0 && count_kills(w) <= w->kills)
		victims_look(&w->victims, w->memory_fd);
}

static void inotify_ready(struct loop_source *s, uint32_t events _unused_)
{
	struct limits_watch *w = s->data;
	char drain[4096] __attribute__((aligned(8)));

	while (read(s->fd, drain, sizeof(drain)) > 0)
		;
	look_who(w);
	check_memory(w, false);
	check_pids(w);
}

static void look(void *data)
{
	struct limits_watch *w = data;

	check_pids(w);
	if (check_memory(w, false))
		w->looks_left = 0;
	else if (!w->untold && w->looks_left > 0 && w->looks_left-- > 0)
		deadline_set(w->deadlines, &w->look, LOOK_MS, look, w);
}

void limits_look(struct limits_watch *w)
{
	if (w->loop)
		look(w);
}

static void lack_of_memory(struct loop_source *s, uint32_t events _unused_)
{
	struct limits_watch *w = s->data;
	uint64_t count;
	ssize_t n _unused_ = read(s->fd, &count, sizeof(count));

	look_who(w);
	w->looks_left = LOOKS;
	look(w);
}

static void nearly_full(struct loop_source *s, uint32_t events _unused_)
{
	struct limits_watch *w = s->data;
	uint64_t count;
	ssize_t n _unused_ = read(s->fd, &count, sizeof(count));

	look_who(w);
}

/* v1: "EVENTFD KNOBFD ARGUMENT" into cgroup.event_control. */
static int ask_v1(struct limits_watch *w, int event, const char *knob_name, uint64_t argument)
{
	_auto_close_ int knob = openat(w->memory_fd, knob_name, O_RDONLY | O_CLOEXEC);
	char line[64];

	snprintf(line, sizeof(line), "%d %d %llu", event, knob, (unsigned long long)argument);
	return knob < 0 ? -1 : file_write_knob(w->memory_fd, "cgroup.event_control", line);
}

static int add_eventfd(struct limits_watch *w, struct loop_source *s, int fd,
	void (*ready)(struct loop_source *, uint32_t))
{
	if (loop_add_fd(w->loop, s, fd, EPOLLIN, ready, w) < 0)
		return -1;
	s->own_fd = true;
	return 0;
}

/* It tells of the lack of memory in the middle of a kill, which may be over before we are there; so also when memory gets short. */
static void watch_v1_memory(struct limits_watch *w)
{
	uint64_t limit = read_number(w->memory_fd, "memory.limit_in_bytes");
	_auto_close_ int lack = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_auto_close_ int near = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (lack >= 0 && ask_v1(w, lack, "memory.oom_control", 0) == 0 &&
		add_eventfd(w, &w->lack, lack, lack_of_memory) == 0)
		take_fd(&lack);
	for (uint64_t part = 4; near >= 0 && part <= 16; part *= 2) {
		if (ask_v1(w, near, "memory.usage_in_bytes", limit - limit / part) < 0)
			return;
	}
	if (near >= 0 && add_eventfd(w, &w->near, near, nearly_full) == 0)
		take_fd(&near);
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
	w->memory_fd = open_cgroup(cgroups, "memory", "cgroup.procs", &w->unified,
		w->victims.cgroup, sizeof(w->victims.cgroup));
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
	victims_open(&w->victims, pid);
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
	loop_remove(w->loop, &w->lack);
	loop_remove(w->loop, &w->near);
	fd_close(&w->memory_fd);
	fd_close(&w->pids_fd);
	victims_close(&w->victims);
	w->loop = NULL;
}

bool limits_take_oom(struct limits_watch *w, char *to, size_t room)
{
	if (w->loop)
		check_memory(w, true);
	if (!w->oom_ms || monotonic_ms() - w->oom_ms > OOM_FRESH_MS)
		return false;
	snprintf(to, room, "%s", w->oom_text);
	return true;
}
