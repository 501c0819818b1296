/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

/* The first chunk is small, so that a shell that has said little costs little. */
#define CHUNK_SMALLEST 2048u
#define CHUNK_USUAL    32768u

/* Before a body: its length in a byte, or ESCAPE and four bytes; the top bit says "wrapped". */
#define HEADER_SHORT   1u
#define HEADER_LONG    5u
#define HEADER_ESCAPE  0x7fu
#define HEADER_WRAPPED 0x80u

struct history_chunk {
	struct history_chunk *next;
	size_t room, start, end;
	unsigned char data[];
};

void history_done(struct history *h)
{
	while (h->first) {
		struct history_chunk *next = h->first->next;

		free(h->first);
		h->first = next;
	}
	free(h->spare);
	*h = (struct history){ 0 };
}

static struct history_chunk *chunk_new(struct history *h, size_t need)
{
	struct history_chunk *c = h->spare;
	size_t room;

	if (c && c->room >= need) {
		h->spare = NULL;
	} else {
		room = h->last ? MD_MIN(h->last->room * 2, (size_t)CHUNK_USUAL) : CHUNK_SMALLEST;
		room = MD_MAX(room, need);
		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		c->room = room;
		h->bytes += sizeof(*c) + room;
	}
	c->next = NULL;
	c->start = c->end = 0;
	return c;
}

/* The chunk that has room for `need` bytes more. */
static struct history_chunk *chunk_with_room(struct history *h, size_t need)
{
	struct history_chunk *c = h->last;

	if (c && c->room - c->end >= need)
		return c;
	c = chunk_new(h, need);
	if (!c)
		return NULL;
	if (h->last)
		h->last->next = c;
	else
		h->first = c;
	h->last = c;
	return c;
}

unsigned char *history_add(struct history *h, size_t len, bool wrapped)
{
	size_t header = len < HEADER_ESCAPE ? HEADER_SHORT : HEADER_LONG;
	struct history_chunk *c = chunk_with_room(h, header + len);
	unsigned char *p;
	uint32_t len32 = (uint32_t)len;

	if (!c)
		return NULL;
	h->last_at = c->end;
	p = c->data + c->end;
	*p = header == HEADER_SHORT ? (unsigned char)len : HEADER_ESCAPE;
	if (wrapped)
		*p |= HEADER_WRAPPED;
	if (header == HEADER_LONG)
		memcpy(p + 1, &len32, sizeof(len32));
	c->end += header + len;
	h->lines++;
	return p + header;
}

/* The line at `p`; returns the bytes it takes. */
static size_t line_at(const unsigned char *p, struct history_line *ret_line)
{
	size_t len = *p & ~HEADER_WRAPPED, header = HEADER_SHORT;
	uint32_t len32;

	if (len == HEADER_ESCAPE) {
		memcpy(&len32, p + 1, sizeof(len32));
		len = len32;
		header = HEADER_LONG;
	}
	*ret_line = (struct history_line){ p + header, len, *p & HEADER_WRAPPED };
	return header + len;
}

bool history_last(const struct history *h, struct history_line *ret_line)
{
	if (h->last)
		line_at(h->last->data + h->last_at, ret_line);
	return h->last;
}

int history_append(struct history *h, const struct history_line *line)
{
	unsigned char *body = history_add(h, line->len, line->wrapped);

	if (!body)
		return -1;
	if (line->len)
		memcpy(body, line->body, line->len);
	return 0;
}

static void retire(struct history *h, struct history_chunk *c)
{
	struct history_chunk *worse = c;

	if (!h->spare || h->spare->room < c->room) {
		worse = h->spare;
		h->spare = c;
	}
	if (worse) {
		h->bytes -= sizeof(*worse) + worse->room;
		free(worse);
	}
}

void history_drop_first(struct history *h)
{
	struct history_chunk *c = h->first;
	struct history_line line;

	if (!h->lines)
		return;
	c->start += line_at(c->data + c->start, &line);
	h->lines--;
	if (c->start < c->end)
		return;
	h->first = c->next;
	if (!h->first)
		h->last = NULL;
	retire(h, c);
}

void history_end_wrap(struct history *h, unsigned int n)
{
	struct history_line line;

	for (struct history_chunk *c = h->first; c; c = c->next) {
		for (size_t at = c->start; at < c->end; n--) {
			if (!n) {
				c->data[at] &= (unsigned char)~HEADER_WRAPPED;
				return;
			}
			at += line_at(c->data + at, &line);
		}
	}
}

struct history_cursor history_start(const struct history *h)
{
	return (struct history_cursor){ h->first, h->first ? h->first->start : 0 };
}

bool history_next(struct history_cursor *c, struct history_line *ret_line)
{
	while (c->chunk && c->at == c->chunk->end) {
		c->chunk = c->chunk->next;
		c->at = c->chunk ? c->chunk->start : 0;
	}
	if (!c->chunk)
		return false;
	c->at += line_at(c->chunk->data + c->at, ret_line);
	return true;
}
