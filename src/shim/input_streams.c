/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/input_streams.h"

#include "base/compiler.h"
#include "base/poison.h"

/* A row that may be taken: an empty one, else the one without a connection that was used longest ago. */
static struct input_stream *find_room(struct input_streams *s)
{
	struct input_stream *oldest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(s->rows); i++) {
		struct input_stream *row = &s->rows[i];

		if (!row->owner && (!oldest || row->used < oldest->used))
			oldest = row;
	}
	return oldest;
}

static struct input_stream *find(struct input_streams *s, uint64_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->rows); i++) {
		if (s->rows[i].id == id)
			return &s->rows[i];
	}
	return NULL;
}

struct input_stream *input_streams_adopt(struct input_streams *s, uint64_t id, uint64_t taken,
	uint64_t owner, uint64_t *ret_before, bool *ret_new)
{
	struct input_stream *row = id ? find(s, id) : NULL;
	bool is_new = !row;

	*ret_before = 0;
	if (!row && id)
		row = find_room(s);
	if (!row)
		return NULL;
	if (is_new)
		*row = (struct input_stream){ .id = id, .taken = taken };
	*ret_before = row->owner;
	*ret_new = is_new;
	row->owner = owner;
	row->used = ++s->clock;
	return row;
}

struct input_stream *input_streams_of(struct input_streams *s, uint64_t owner)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->rows); i++) {
		if (s->rows[i].id && s->rows[i].owner == owner)
			return &s->rows[i];
	}
	return NULL;
}

void input_streams_leave(struct input_streams *s, uint64_t owner)
{
	struct input_stream *row = input_streams_of(s, owner);

	if (row)
		row->owner = 0;
}
