/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json_write.h"
#include "shim/deadline.h"
#include "base/poison.h"

enum { PART = 16 * 1024, MAX_EVENT = 8 * PART, GATHER = 32 * 1024 };

struct recording {
	int fd;
	uint64_t start; /* ms, monotonic */
	uint64_t size;
	uint64_t limit;
	struct buf out; /* events not yet written */
	char cut[4];    /* the beginning of a UTF-8 character whose rest is to come */
	size_t cut_len;
	int ended;
};

static void end(struct recording *r, int why)
{
	r->ended = why;
	fd_close(&r->fd);
}

/* Events are gathered, so that a keystroke's echo isn't a write to the disk. */
static void write_out(struct recording *r)
{
	if (r->fd < 0 || !r->out.len)
		return;
	r->size += r->out.len;
	if (fd_write_all(r->fd, r->out.data, r->out.len) < 0) {
		log_warning("recording: %s", strerror(errno));
		end(r, errno);
	}
	buf_reset(&r->out);
}

static void add_event(struct recording *r, const char *kind, const char *text)
{
	uint64_t now = monotonic_ms() - r->start;
	size_t before = r->out.len;
	struct json_writer w = { .out = &r->out };

	if (r->fd < 0)
		return;
	buf_addf(&r->out, "[%llu.%03u,\"%s\",", (unsigned long long)(now / 1000),
		(unsigned int)(now % 1000), kind);
	json_add_string(&w, NULL, text);
	buf_add_str(&r->out, "]\n");
	if (r->out.failed || r->size + r->out.len > r->limit) {
		r->out.failed = false;
		r->out.len = before;
		buf_addf(&r->out, "[%llu.%03u,\"m\",\"the recording reached its size limit\"]\n",
			(unsigned long long)(now / 1000), (unsigned int)(now % 1000));
		write_out(r);
		end(r, EFBIG);
	} else if (r->out.len > GATHER) {
		write_out(r);
	}
}

static int write_head(struct recording *r, const struct recording_head *head)
{
	struct json_writer w = { .out = &r->out };

	json_object_begin(&w, NULL);
	json_add_u64(&w, "version", 2);
	json_add_u64(&w, "width", head->cols);
	json_add_u64(&w, "height", head->rows);
	json_add_u64(&w, "timestamp", realtime_ms() / 1000);
	if (*head->title)
		json_add_string(&w, "title", head->title);
	if (*head->command)
		json_add_string(&w, "command", head->command);
	json_object_end(&w);
	buf_add_char(&r->out, '\n');
	write_out(r);
	return r->fd < 0 ? -1 : 0;
}

struct recording *recording_new(int fd, const struct recording_head *head, uint64_t limit)
{
	struct recording *r = calloc(1, sizeof(*r));

	if (!r) {
		fd_close(&fd);
		return NULL;
	}
	buf_init(&r->out, GATHER + MAX_EVENT);
	r->start = monotonic_ms();
	r->limit = limit;
	r->fd = fd;
	if (write_head(r, head) < 0) {
		recording_close(r);
		return NULL;
	}
	return r;
}

/* How many bytes at the end begin a character that isn't complete; 0..3. */
static size_t cut_at_end(const char *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)text[len - back];
		size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if ((c & 0xc0) == 0x80)
			continue;
		return need > back ? back : 0;
	}
	return 0;
}

void recording_output(struct recording *r, const void *data, size_t len)
{
	const char *at = data;
	char text[PART + 8];

	while (r && r->fd >= 0 && len > 0) {
		size_t n = MD_MIN(len, (size_t)PART), total = r->cut_len + n;

		memcpy(text, r->cut, r->cut_len);
		memcpy(text + r->cut_len, at, n);
		at += n;
		len -= n;
		r->cut_len = cut_at_end(text, total);
		total -= r->cut_len;
		memcpy(r->cut, text + total, r->cut_len);
		text[total] = '\0';
		for (size_t i = 0; i < total; i++) /* a NUL draws nothing */
			text[i] = text[i] ? text[i] : ' ';
		if (total)
			add_event(r, "o", text);
	}
}

void recording_size(struct recording *r, uint16_t rows, uint16_t cols)
{
	char text[32];

	if (!r)
		return;
	snprintf(text, sizeof(text), "%ux%u", cols, rows);
	add_event(r, "r", text);
}

void recording_flush(struct recording *r)
{
	if (r)
		write_out(r);
}

int recording_ended(const struct recording *r)
{
	return r ? r->ended : 0;
}

uint64_t recording_age(const struct recording *r)
{
	return r ? monotonic_ms() - r->start : 0;
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	write_out(r);
	fd_close(&r->fd);
	buf_done(&r->out);
	free(r);
}
