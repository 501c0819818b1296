/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/output_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utc.h"
#include "json/json_write.h"
#include "base/poison.h"

enum { MAX_LINE = 16 * 1024 };

int output_log_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void output_log_open(struct output_log *l, int fd, int old, uint64_t limit)
{
	struct stat st;

	*l = (struct output_log){ .fd = fd, .old = old, .limit = limit };
	for (size_t i = 0; i < ARRAY_SIZE(l->partial); i++)
		buf_init(&l->partial[i], MAX_LINE);
	if (fd >= 0 && fstat(fd, &st) == 0)
		l->size = (uint64_t)st.st_size;
}

/* Moves the contents to the old file. What a full disk doesn't take there is lost. */
static void rotate(struct output_log *l)
{
	char part[16384];
	off_t at = 0;
	ssize_t n;

	if (ftruncate(l->old, 0) == 0) {
		while ((n = pread(l->fd, part, sizeof(part), at)) > 0 &&
			fd_write_all(l->old, part, (size_t)n) == 0)
			at += n;
	}
	if (ftruncate(l->fd, 0) < 0) {
		log_warning("the output log can't be emptied: %s", strerror(errno));
		fd_close(&l->fd);
	}
	l->size = 0;
}

/* Writes what is gathered of a stream as one entry. */
static void write_entry(struct output_log *l, enum output_stream stream)
{
	static const char *const names[] = { "stdout", "stderr" };
	_auto_buf_ struct buf out = BUF_INIT(8 * MAX_LINE);
	struct json_writer w = { .out = &out };
	struct buf *partial = &l->partial[stream];
	char when[UTC_TEXT];

	for (size_t i = 0; i < partial->len; i++) /* a NUL would end the string */
		partial->data[i] = partial->data[i] ? partial->data[i] : ' ';
	json_object_begin(&w, NULL);
	json_add_string(&w, "log", buf_str(partial));
	json_add_string(&w, "stream", names[stream]);
	json_add_string(&w, "time", utc_now(when, 9));
	json_object_end(&w);
	buf_add_char(&out, '\n');
	buf_reset(partial);
	if (out.failed)
		return;
	if (fd_write_all(l->fd, out.data, out.len) < 0) {
		/* Half an entry would be the beginning of the next one. */
		if (ftruncate(l->fd, (off_t)l->size) < 0)
			log_warning("half an entry of the output log stays: %s", strerror(errno));
		return;
	}
	l->size += out.len;
	if (l->size >= l->limit)
		rotate(l);
}

void output_log_write(struct output_log *l, enum output_stream stream, const void *data, size_t len)
{
	struct buf *partial = &l->partial[stream];
	const char *at = data;

	while (l->fd >= 0 && len > 0) {
		const char *end = memchr(at, '\n', len);
		size_t line = end ? (size_t)(end - at) + 1 : len;
		size_t room = MAX_LINE - partial->len;
		bool whole = end && line <= room;

		line = MD_MIN(line, room);
		if (buf_add(partial, at, line) < 0)
			buf_reset(partial);
		if (whole || line == room)
			write_entry(l, stream);
		at += line;
		len -= line;
	}
	if (!partial->len)
		buf_done(partial);
}

void output_log_close(struct output_log *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(l->partial); i++) {
		if (l->fd >= 0 && l->partial[i].len)
			write_entry(l, (enum output_stream)i);
		buf_done(&l->partial[i]);
	}
	fd_close(&l->fd);
	fd_close(&l->old);
}
