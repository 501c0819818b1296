/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf)BUF_INIT(ceiling);
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT(b->ceiling);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void *buf_reserve(struct buf *b, size_t more)
{
	size_t need, capacity;
	char *data;

	if (b->failed)
		return NULL;
	if (more > b->ceiling || b->len > b->ceiling - more) {
		b->failed = true;
		errno = ENOBUFS;
		return NULL;
	}
	need = b->len + more + 1;
	if (need <= b->capacity)
		return b->data + b->len;
	capacity = MD_MAX(b->capacity * 2, (size_t)64);
	capacity = MD_MAX(capacity, need);
	capacity = MD_MIN(capacity, MD_MAX(b->ceiling + 1, need));
	data = realloc(b->data, capacity);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->capacity = capacity;
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t by)
{
	b->len += by;
	b->data[b->len] = '\0';
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	void *to = buf_reserve(b, len);

	if (!to)
		return -1;
	if (len)
		memcpy(to, data, len);
	buf_grew(b, len);
	return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *to;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0) {
		b->failed = true;
		return -1;
	}
	to = buf_reserve(b, (size_t)len);
	if (!to)
		return -1;
	vsnprintf(to, (size_t)len + 1, fmt, ap);
	buf_grew(b, (size_t)len);
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return r;
}

void buf_consume(struct buf *b, size_t n)
{
	n = MD_MIN(n, b->len);
	if (!n)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

char *buf_take(struct buf *b)
{
	char *data;

	if (b->failed || !buf_reserve(b, 0))
		return NULL;
	data = b->data;
	data[b->len] = '\0';
	b->data = NULL;
	b->len = b->capacity = 0;
	return data;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}
