/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct intern_entry {
	uint32_t hash;
	uint32_t len : 31;
	uint32_t marked : 1;
	char data[];
};

void intern_init(struct intern *t, uint32_t limit, size_t most_bytes)
{
	*t = (struct intern){
		.limit = limit, .most_bytes = most_bytes, .collect_at = INTERN_COLLECT_MIN
	};
}

void intern_done(struct intern *t)
{
	for (uint32_t i = 0; i < t->used; i++)
		free(t->entries[i]);
	free(t->entries);
	free(t->slots);
	intern_init(t, t->limit, t->most_bytes);
}

static uint32_t hash_of(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The slot that holds these bytes, or the free one where they would go. */
static uint32_t *slot_of(const struct intern *t, uint32_t hash, const void *data, size_t len)
{
	uint32_t at = hash & (t->slot_count - 1);

	for (;; at = (at + 1) & (t->slot_count - 1)) {
		const struct intern_entry *e;

		if (!t->slots[at])
			return &t->slots[at];
		e = t->entries[t->slots[at] - 1];
		if (e->hash == hash && e->len == len && !memcmp(e->data, data, len))
			return &t->slots[at];
	}
}

static void fill_slots(struct intern *t)
{
	memset(t->slots, 0, t->slot_count * sizeof(*t->slots));
	for (uint32_t i = 0; i < t->used; i++) {
		const struct intern_entry *e = t->entries[i];

		if (e)
			*slot_of(t, e->hash, e->data, e->len) = i + 1;
	}
}

static int grow_slots(struct intern *t)
{
	uint32_t count = t->slot_count ? t->slot_count * 2 : 16;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return -1;
	free(t->slots);
	t->slots = slots;
	t->slot_count = count;
	fill_slots(t);
	return 0;
}

/* An unused number, 0 if there is none. */
static uint32_t free_number(struct intern *t)
{
	if (t->live < t->used) {
		for (; t->hint < t->used; t->hint++)
			if (!t->entries[t->hint])
				return t->hint + 1;
	}
	if (t->used == t->limit)
		return 0;
	if (t->used == t->room) {
		uint32_t room = t->room ? t->room * 2 : 8;
		struct intern_entry **entries = mem_resize(t->entries, room);

		if (!entries)
			return 0;
		t->entries = entries;
		t->room = room;
	}
	t->entries[t->used++] = NULL;
	return t->used;
}

/* What is refused makes it worth to collect, the first time and then now and then: each time looks at all of the screen. */
static bool has_room(struct intern *t, size_t bytes)
{
	if (t->bytes + bytes <= t->most_bytes && t->live < t->limit)
		return true;
	if (t->refused++ % INTERN_COLLECT_MIN == 0)
		t->collect_at = 0;
	return false;
}

uint32_t intern_add(struct intern *t, const void *data, size_t len)
{
	uint32_t hash = hash_of(data, len), number, *slot;
	struct intern_entry *e;

	if ((t->live + 1) * 2 > t->slot_count && grow_slots(t) == -1)
		return 0;
	slot = slot_of(t, hash, data, len);
	if (*slot)
		return *slot;
	number = has_room(t, sizeof(*e) + len) ? free_number(t) : 0;
	e = number ? malloc(sizeof(*e) + len) : NULL;
	if (!e)
		return 0;
	*e = (struct intern_entry){ .hash = hash, .len = len };
	memcpy(e->data, data, len);
	t->entries[number - 1] = e;
	t->bytes += sizeof(*e) + len;
	t->live++;
	*slot = number;
	return number;
}

const void *intern_get(const struct intern *t, uint32_t number, size_t *ret_len)
{
	const struct intern_entry *e = t->entries[number - 1];

	if (ret_len)
		*ret_len = e->len;
	return e->data;
}

void intern_unmark(struct intern *t)
{
	for (uint32_t i = 0; i < t->used; i++)
		if (t->entries[i])
			t->entries[i]->marked = 0;
}

void intern_mark(struct intern *t, uint32_t number)
{
	if (number)
		t->entries[number - 1]->marked = 1;
}

void intern_sweep(struct intern *t)
{
	for (uint32_t i = 0; i < t->used; i++) {
		struct intern_entry *e = t->entries[i];

		if (!e || e->marked)
			continue;
		t->bytes -= sizeof(*e) + e->len;
		t->live--;
		free(e);
		t->entries[i] = NULL;
	}
	while (t->used && !t->entries[t->used - 1])
		t->used--;
	t->hint = 0;
	if (t->slots)
		fill_slots(t);
	t->collect_at = MD_MAX(t->live * 2, (uint32_t)INTERN_COLLECT_MIN);
}
