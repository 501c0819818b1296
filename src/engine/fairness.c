/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/fairness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/cgroups.h"
#include "engine/profile.h"
#include "engine/spare.h"
#include "base/poison.h"

enum {
	LOOK_MS = 500,
	CALM_MS = 10000, /* without pressure for so long, each has its own weight again */
	FADE = 8,        /* a look takes an eighth of the score away */
	HOT_LOOKS = 2,
	PART_MIN_US = 5000,
	PART_MAX_US = 100000,
	WORK_MIN_US = 100, /* one key: some 150 in its shell */
};

static uint64_t as_it_is(uint64_t shares)
{
	return shares;
}

/* As runtimes do. */
static uint64_t weight_of_shares(uint64_t shares)
{
	return 1 + (shares - 2) * 9999 / 262142;
}

static const struct weight {
	const char *file;
	uint64_t least;
	uint64_t (*of)(uint64_t shares);
} weights[] = {
	{ "cpu.shares", 2, as_it_is },
	{ "cpu.weight", 1, weight_of_shares },
};

/* Half a tenth of a second waited for a processor in half a second. Without CAP_SYS_RESOURCE the kernel takes windows of 2 s only. */
static const char *const triggers[] = { "some 50000 500000", "some 200000 2000000" };

struct fairness {
	struct engine *engine;
	struct loop loop;
	struct loop_source pressure, look, calm, signals;
	int pressure_fd;
	char *weight_dir, *usage_dir;
	const struct weight *weight;
	const char *usage_file;
	struct fairness_share *shares;
	size_t count;
	struct spare spare;
	bool all_processors;
};

void fairness_count(struct fairness_share *s, uint64_t usage_us)
{
	/* A counter that went back is of a new run. */
	uint64_t used = usage_us > s->usage_us ? usage_us - s->usage_us : 0;

	s->score_us -= s->score_us / FADE;
	s->score_us += used;
	s->usage_us = usage_us;
}

void fairness_judge(struct fairness_share *shares, size_t count)
{
	uint64_t total = 0, active = 0, part;

	for (size_t i = 0; i < count; i++) {
		total += shares[i].score_us;
		active += shares[i].score_us > 0;
	}
	part = active ? total / active / 2 : 0;
	part = MD_MIN(MD_MAX(part, (uint64_t)PART_MIN_US), (uint64_t)PART_MAX_US);
	for (size_t i = 0; i < count; i++) {
		struct fairness_share *s = &shares[i];

		s->hot = s->score_us > part ? s->hot + 1 : 0;
		if (s->hot >= HOT_LOOKS)
			s->low = true;
		else if (s->score_us < part / 4)
			s->low = false;
	}
}

static bool has(const char *dir, const char *file)
{
	_auto_free_ char *path = str_format("%s/%s", dir, file);

	return path && access(path, F_OK) == 0;
}

bool fairness_someone_works(const struct fairness_share *shares, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!shares[i].low && shares[i].score_us > WORK_MIN_US)
			return true;
	}
	return false;
}

/* Where the groups of workspaces are; there are none before the first was started. False then. */
static bool find_folders(struct fairness *f)
{
	_auto_strv_ struct strv mounts = STRV_INIT;
	struct md_error ignored = MD_ERROR_INIT;

	if (f->weight_dir && f->usage_dir && access(f->weight_dir, F_OK) == 0)
		return true;
	if (cgroups_mounts(&mounts, &ignored) < 0)
		return false;
	for (size_t i = 0; i < mounts.count; i++) {
		_auto_free_ char *dir = str_format("%s%s", mounts.items[i], PROFILE_CGROUP);

		if (!dir)
			return false;
		for (size_t k = 0; k < ARRAY_SIZE(weights); k++) {
			if (!has(dir, weights[k].file))
				continue;
			free(f->weight_dir);
			f->weight_dir = strdup(dir);
			f->weight = &weights[k];
		}
		if (!has(dir, "cpuacct.usage") && !has(dir, "cpu.weight"))
			continue;
		f->usage_file = has(dir, "cpuacct.usage") ? "cpuacct.usage" : "cpu.stat";
		free(f->usage_dir);
		f->usage_dir = strdup(dir);
	}
	return f->weight_dir && f->usage_dir;
}

/* False for a group that is just ending. */
static bool read_usage(const struct fairness *f, const char *id, uint64_t *ret_us)
{
	_auto_free_ char *path = str_format("%s/%s/%s", f->usage_dir, id, f->usage_file);
	_auto_free_ char *text = NULL;
	const char *number;
	size_t len;

	if (!path || file_read(AT_FDCWD, path, 4096, &text, &len) < 0)
		return false;
	if (str_eq(f->usage_file, "cpuacct.usage")) {
		*ret_us = strtoull(text, NULL, 10) / 1000;
		return true;
	}
	number = strstr(text, "usage_usec ");
	if (!number)
		return false;
	*ret_us = strtoull(number + strlen("usage_usec "), NULL, 10);
	return true;
}

static void write_weight(const struct fairness *f, const char *id, uint64_t weight)
{
	_auto_free_ char *path = str_format("%s/%s/%s", f->weight_dir, id, f->weight->file);
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)weight);
	/* It may have ended meanwhile; and nothing depends on it. */
	if (path)
		file_write_knob(AT_FDCWD, path, text);
}

/* 0 for a group that is just ending. */
static uint64_t read_weight(const struct fairness *f, const char *id)
{
	_auto_free_ char *path = str_format("%s/%s/%s", f->weight_dir, id, f->weight->file);
	_auto_free_ char *text = NULL;
	size_t len;

	if (!path || file_read(AT_FDCWD, path, 64, &text, &len) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

/* What its document says now. False if it is none of ours. */
static bool load_weights(const struct fairness *f, struct fairness_share *s)
{
	_auto_workspace_ struct workspace w = WORKSPACE_INIT;
	struct md_error ignored = MD_ERROR_INIT;

	if (engine_load(f->engine, s->id, &w, &ignored) < 0)
		return false;
	s->own = f->weight->of(w.limits.cpu_shares ? w.limits.cpu_shares : LIMITS_CPU_SHARES);
	s->less = MD_MAX(
		f->weight->least, s->own * f->weight->least / f->weight->of(LIMITS_CPU_SHARES));
	return true;
}

static struct fairness_share *share_of(struct fairness *f, const char *id, uint64_t usage_us)
{
	struct fairness_share made = { .usage_us = usage_us }, *more;

	for (size_t i = 0; i < f->count; i++) {
		if (str_eq(f->shares[i].id, id))
			return &f->shares[i];
	}
	memcpy(made.id, id, sizeof(made.id));
	if (!load_weights(f, &made))
		return NULL;
	/* One that was killed before us may have left it so. */
	made.low = made.less < made.own && read_weight(f, id) == made.less;
	made.off = spare_keeps_off(&f->spare, id);
	more = mem_resize(f->shares, f->count + 1);
	if (!more)
		return NULL;
	f->shares = more;
	more += f->count++;
	*more = made;
	return more;
}

/* Counts what each has used; those that are gone are forgotten. */
static void count_all(struct fairness *f)
{
	DIR *dir = opendir(f->usage_dir);
	struct dirent *entry;
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++)
		f->shares[i].seen = false;
	while (dir && (entry = readdir(dir))) {
		struct fairness_share *s;
		uint64_t usage;

		if (!workspace_id_valid(entry->d_name) || !read_usage(f, entry->d_name, &usage))
			continue;
		s = share_of(f, entry->d_name, usage);
		if (!s)
			continue;
		s->seen = true;
		fairness_count(s, usage);
	}
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < f->count; i++) {
		if (f->shares[i].seen)
			f->shares[kept++] = f->shares[i];
	}
	f->count = kept;
}

static void keep_off(struct fairness *f, struct fairness_share *s, bool off)
{
	/* Those that are kept off already, too: they may have been started anew. */
	if (off || s->off)
		spare_keep_off(&f->spare, f->engine, s->id, off);
	s->off = off;
}

/* Processors come and go, and the first workspace makes the group. */
static void look_for_spare(struct fairness *f)
{
	_auto_strv_ struct strv mounts = STRV_INIT;
	struct md_error ignored = MD_ERROR_INIT;
	struct spare now;

	if (cgroups_mounts(&mounts, &ignored) < 0)
		return;
	spare_find(&now, &mounts);
	for (size_t i = 0; i < f->count && !spare_equal(&now, &f->spare); i++)
		keep_off(f, &f->shares[i], false);
	spare_done(&f->spare);
	f->spare = now;
}

static void on_look(struct loop_source *s, uint32_t events _unused_)
{
	struct fairness *f = s->data;
	bool someone_works;

	loop_take_timer(s);
	if (!find_folders(f))
		return;
	look_for_spare(f);
	count_all(f);
	fairness_judge(f->shares, f->count);
	someone_works = !f->all_processors && fairness_someone_works(f->shares, f->count);
	for (size_t i = 0; i < f->count; i++) {
		struct fairness_share *share = &f->shares[i];

		/* `mdocker update` may have written another one. */
		if ((read_weight(f, share->id) == share->less) != share->low &&
			load_weights(f, share))
			write_weight(f, share->id, share->low ? share->less : share->own);
		keep_off(f, share, share->low && someone_works);
	}
}

static void give_back(struct fairness *f)
{
	if (!find_folders(f))
		return;
	count_all(f);
	for (size_t i = 0; i < f->count; i++) {
		if (f->shares[i].low && load_weights(f, &f->shares[i]))
			write_weight(f, f->shares[i].id, f->shares[i].own);
		keep_off(f, &f->shares[i], false);
	}
	f->count = 0;
}

static void on_calm(struct loop_source *s, uint32_t events _unused_)
{
	struct fairness *f = s->data;

	loop_take_timer(s);
	loop_set_timer(&f->look, 0, 0);
	give_back(f);
}

static void on_pressure(struct loop_source *s, uint32_t events _unused_)
{
	struct fairness *f = s->data;

	if (f->count == 0)
		loop_set_timer(&f->look, 1, LOOK_MS);
	loop_set_timer(&f->calm, CALM_MS, 0);
}

static void on_signal(struct loop_source *s, uint32_t events _unused_)
{
	struct fairness *f = s->data;

	while (loop_take_signal(s) > 0)
		loop_stop(&f->loop);
}

/* A trigger is a write into an open /proc/pressure/cpu, which is then ready for EPOLLPRI at most once in its window. */
static int open_pressure(struct fairness *f, struct md_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(triggers); i++) {
		f->pressure_fd = open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (f->pressure_fd < 0)
			break;
		if (write(f->pressure_fd, triggers[i], strlen(triggers[i]) + 1) > 0)
			return 0;
		fd_close(&f->pressure_fd);
	}
	return md_fail(err, ENOTSUP,
		"the kernel does not tell of pressure (/proc/pressure/cpu): %s", strerror(errno));
}

static int prepare(struct fairness *f, struct md_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (open_pressure(f, err) < 0)
		return -1;
	if (loop_open(&f->loop) < 0 ||
		loop_add_signals(&f->loop, &f->signals, &set, on_signal, f) < 0 ||
		loop_add_timer(&f->loop, &f->look, on_look, f) < 0 ||
		loop_add_timer(&f->loop, &f->calm, on_calm, f) < 0 ||
		loop_add_fd(&f->loop, &f->pressure, f->pressure_fd, EPOLLPRI, on_pressure, f) < 0)
		return md_fail_errno(err, "make the event loop");
	/* As if under pressure, until it shows that there is none: who was killed here may have left some with the smallest weight. */
	on_pressure(&f->pressure, 0);
	return 0;
}

int fairness_run(struct engine *e, bool all_processors, struct md_error *err)
{
	struct fairness f = { .engine = e,
		.all_processors = all_processors,
		.pressure_fd = -1,
		.pressure = LOOP_SOURCE_INIT,
		.look = LOOP_SOURCE_INIT,
		.calm = LOOP_SOURCE_INIT,
		.signals = LOOP_SOURCE_INIT,
		.loop.epoll_fd = -1 };
	int r = prepare(&f, err);

	if (r == 0)
		r = loop_run(&f.loop) < 0 ? md_fail_errno(err, "event loop") : 0;
	give_back(&f);
	fd_close(&f.pressure_fd);
	loop_close(&f.loop);
	free(f.weight_dir);
	free(f.usage_dir);
	free(f.shares);
	spare_done(&f.spare);
	return r;
}
