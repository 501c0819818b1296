/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "recording/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "json/json_read.h"
#include "base/poison.h"

enum {
	HEAD_MAX = 4096,
	TAIL_MAX = 128 << 10, /* an event's line is shorter */
	FILE_SIZE = RECORDING_NAME_SIZE + 8,
	SAME_SECOND = 100, /* recordings of one terminal begun in one second */
	DAY = 86400,
};

static const char suffix[] = ".cast", digits[] = "0123456789";

void recordings_done(struct recordings *l)
{
	free(l->items);
	*l = (struct recordings){ NULL, 0 };
}

/* Reads "20260131T120000Z-t3" or "...-t3-2" into its parts. */
static bool read_name(const char *name, int64_t *ret_started, uint32_t *ret_terminal)
{
	struct tm utc = { 0 };
	unsigned int terminal, number = 2;
	int at = 0, end = 0;
	char again[RECORDING_NAME_SIZE];

	/* Digits only: no signs where numbers are read. */
	if (strnlen(name, RECORDING_NAME_SIZE) >= RECORDING_NAME_SIZE ||
		strspn(name, digits) != 8 || name[8] != 'T' || strspn(name + 9, digits) != 6)
		return false;
	if (sscanf(name, "%4d%2d%2dT%2d%2d%2dZ-t%9u%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
		    &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &terminal, &at) != 7)
		return false;
	if (name[at] && (sscanf(name + at, "-%2u%n", &number, &end) != 1 || name[at + end]))
		return false;
	/* Written again it must be the same: no other spelling. */
	snprintf(again, sizeof(again),
		name[at] ? "%04d%02d%02dT%02d%02d%02dZ-t%u-%u" : "%04d%02d%02dT%02d%02d%02dZ-t%u",
		utc.tm_year, utc.tm_mon, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, terminal,
		number);
	if (!str_eq(again, name))
		return false;
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	*ret_started = timegm(&utc);
	*ret_terminal = terminal;
	return true;
}

bool recording_name_valid(const char *name)
{
	int64_t started;
	uint32_t terminal;

	return read_name(name, &started, &terminal);
}

static int open_folder(const char *folder)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_file(int dir, const char *name)
{
	char file[FILE_SIZE];
	struct stat st;
	int fd;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		fd_close(&fd);
		errno = EINVAL;
	}
	return fd;
}

static bool is_live(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return true;
	flock(fd, LOCK_UN);
	return false;
}

/* The line of head: who trusts it gets at most a wrong title. */
static void read_head(int fd, struct recording_info *r)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	char text[HEAD_MAX + 1];
	ssize_t n = pread(fd, text, HEAD_MAX, 0);
	const char *title = NULL, *end;
	struct json_node root;
	uint64_t rows = 0, cols = 0;

	end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
	if (!end || json_parse(&doc, text, (size_t)(end - text), NULL) < 0 ||
		json_root(&doc, &root, NULL) < 0)
		return;
	json_get_u64(&root, "height", 10000, &rows, NULL);
	json_get_u64(&root, "width", 10000, &cols, NULL);
	json_get_string(&root, "title", &title, NULL);
	r->rows = (uint32_t)rows;
	r->cols = (uint32_t)cols;
	/* Cut in the middle of a character, it is mended by whoever writes JSON of it. */
	snprintf(r->title, sizeof(r->title), "%s", title ? title : "");
}

/* The time of the last event: [12.345,"o",... */
static uint64_t read_duration(int fd, uint64_t size)
{
	uint64_t from = size > TAIL_MAX ? size - TAIL_MAX : 0;
	_auto_free_ char *text = malloc(TAIL_MAX + 1);
	ssize_t n = text ? pread(fd, text, TAIL_MAX, (off_t)from) : -1;
	unsigned long long seconds;
	unsigned int ms;
	char *line;

	while (n > 0 && text[n - 1] != '\n') /* what was cut by a crash */
		n--;
	if (n <= 0)
		return 0;
	text[n - 1] = '\0';
	line = strrchr(text, '\n');
	if (!line || sscanf(line + 1, "[%9llu.%3u,", &seconds, &ms) != 2)
		return 0;
	return seconds * 1000 + ms;
}

static void look(int fd, const struct stat *st, struct recording_info *r)
{
	r->bytes = (uint64_t)st->st_size;
	r->live = is_live(fd);
	read_head(fd, r);
	r->duration_ms = read_duration(fd, r->bytes);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct recording_info *)b)->name, ((const struct recording_info *)a)->name);
}

/* The name of a folder's entry if it is a recording. */
static bool take_entry(const struct dirent *entry, struct recording_info *r)
{
	size_t len = strlen(entry->d_name);

	*r = (struct recording_info){ 0 };
	if (!str_ends(entry->d_name, suffix) || len - strlen(suffix) >= sizeof(r->name))
		return false;
	memcpy(r->name, entry->d_name, len - strlen(suffix));
	return read_name(r->name, &r->started, &r->terminal);
}

static int add(struct recordings *l, const struct recording_info *r)
{
	if ((l->count & (l->count + 1)) == 0) {
		struct recording_info *more =
			reallocarray(l->items, 2 * l->count + 1, sizeof(*more));

		if (!more)
			return -1;
		l->items = more;
	}
	l->items[l->count++] = *r;
	return 0;
}

/* All of a folder; `whole`: with what stands in the files, else names, sizes and locks only. */
static int read_folder(int dirfd, bool whole, struct recordings *ret)
{
	int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&own);
		return -1;
	}
	while (r == 0 && (entry = readdir(dir))) {
		_auto_close_ int fd = -1;
		struct recording_info info;
		struct stat st;

		if (!take_entry(entry, &info))
			continue;
		fd = open_file(dirfd, info.name);
		if (fd < 0 || fstat(fd, &st) < 0)
			continue; /* removed meanwhile */
		if (whole) {
			look(fd, &st, &info);
		} else {
			info.bytes = (uint64_t)st.st_size;
			info.live = is_live(fd);
		}
		r = add(ret, &info);
	}
	closedir(dir);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r;
}

int recordings_list(const char *folder, struct recordings *ret, struct md_error *err)
{
	_auto_recordings_ struct recordings l = { NULL, 0 };
	_auto_close_ int dir = open_folder(folder);

	*ret = (struct recordings){ NULL, 0 };
	if (dir < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "recordings '%s'", folder);
	if (read_folder(dir, true, &l) < 0)
		return md_fail_errno(err, "recordings '%s'", folder);
	*ret = l;
	l = (struct recordings){ NULL, 0 };
	return 0;
}

static int remove_file(int dir, const char *name)
{
	char file[FILE_SIZE];

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	return unlinkat(dir, file, 0);
}

int recordings_prune(const char *folder, const struct recording_limits *limits, uint64_t room,
	struct md_error *err)
{
	_auto_recordings_ struct recordings l = { NULL, 0 };
	_auto_close_ int dir = open_folder(folder);
	int64_t oldest = limits->days ? time(NULL) - (int64_t)limits->days * DAY : 0;
	uint64_t sum = room;
	bool full = false;
	int removed = 0;

	if (dir < 0)
		return errno == ENOENT ? 0 : md_fail_errno(err, "recordings '%s'", folder);
	if (read_folder(dir, false, &l) < 0)
		return md_fail_errno(err, "recordings '%s'", folder);
	/* From the newest on: behind the first that is too much or too old nothing stays. */
	for (size_t i = 0; i < l.count; i++) {
		const struct recording_info *r = &l.items[i];

		if (r->live)
			continue;
		sum += r->bytes;
		full = full || r->started < oldest || i >= RECORDINGS_MOST ||
		       (limits->total && sum > limits->total);
		if (full && remove_file(dir, r->name) == 0)
			removed++;
	}
	return removed;
}

int recording_make(const char *folder, uint32_t terminal, const struct recording_limits *limits,
	uint64_t room, struct md_error *err)
{
	_auto_close_ int dir = -1;
	_auto_close_ int fd = -1;
	char file[FILE_SIZE], when[32], again[8] = "";
	time_t now = time(NULL);
	struct tm utc;

	if (file_mkdirs(folder, 0700) < 0 || recordings_prune(folder, limits, room, err) < 0)
		return md_fail_errno(err, "recordings '%s'", folder);
	dir = open_folder(folder);
	if (dir < 0)
		return md_fail_errno(err, "recordings '%s'", folder);
	gmtime_r(&now, &utc);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
	for (unsigned int n = 1; fd < 0 && n < SAME_SECOND; n++) {
		if (n > 1)
			snprintf(again, sizeof(again), "-%u", n);
		snprintf(file, sizeof(file), "%s-t%u%s%s", when, terminal, again, suffix);
		fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return md_fail_errno(err, "make the recording '%s/%s'", folder, file);
	/* It belongs to the open file, which the writer gets: it ends with the last descriptor. */
	if (flock(fd, LOCK_EX) < 0)
		return md_fail_errno(err, "lock the recording '%s/%s'", folder, file);
	return take_fd(&fd);
}

static int open_checked(const char *folder, const char *name, int *ret_dir, struct md_error *err)
{
	_auto_close_ int dir = -1;
	int fd;

	if (!recording_name_valid(name))
		return md_fail(err, EINVAL, "'%.60s' is no recording's name", name);
	dir = open_folder(folder);
	fd = dir < 0 ? -1 : open_file(dir, name);
	if (fd < 0 && errno == ENOENT)
		return md_fail(err, ENOENT, "there is no recording '%s'", name);
	if (fd < 0)
		return md_fail_errno(err, "recording '%s'", name);
	if (ret_dir)
		*ret_dir = take_fd(&dir);
	return fd;
}

int recording_open(const char *folder, const char *name, struct md_error *err)
{
	return open_checked(folder, name, NULL, err);
}

int recording_remove(const char *folder, const char *name, struct md_error *err)
{
	_auto_close_ int dir = -1;
	_auto_close_ int fd = open_checked(folder, name, &dir, err);

	if (fd < 0)
		return -1;
	if (is_live(fd))
		return md_fail(
			err, EBUSY, "recording '%s' is still being made: end it first", name);
	if (remove_file(dir, name) < 0)
		return md_fail_errno(err, "recording '%s'", name);
	return 0;
}
