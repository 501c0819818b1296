/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "wire/shim_wire.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

enum tail_kind {
	TAIL_NONE,
	TAIL_BYTES,
	TAIL_STRINGS,
};

struct field {
	uint8_t offset; /* in struct shim_msg */
	uint8_t width;  /* bytes; 0 ends a row */
};

struct shape {
	const char *name; /* NULL: no such type */
	uint8_t required; /* bytes of fixed part that version 1 had */
	uint8_t strings;  /* TAIL_STRINGS: how many there must be at least */
	enum tail_kind tail;
	struct field fields[13];
};

#define F(member)                                                                                  \
	{                                                                                          \
		offsetof(struct shim_msg, member), sizeof(((struct shim_msg *)0)->member)          \
	}

static const struct shape shapes[] = {
	[SHIM_HELLO] = { "hello", 8, 1, TAIL_STRINGS,
		{ F(hello.magic), F(hello.version), F(hello.flags) } },
	[SHIM_ATTACH] = { "attach", 20, 1, TAIL_STRINGS,
		{ F(attach.terminal), F(attach.flags), F(attach.from), F(attach.rows),
			F(attach.cols), F(attach.life), F(attach.input), F(attach.input_taken) } },
	[SHIM_INPUT] = { "input", 0, 0, TAIL_BYTES, { { 0, 0 } } },
	[SHIM_RESIZE] = { "resize", 4, 0, TAIL_NONE, { F(resize.rows), F(resize.cols) } },
	[SHIM_ACK] = { "ack", 8, 0, TAIL_NONE, { F(ack.offset), F(ack.window) } },
	[SHIM_PING] = { "ping", 8, 0, TAIL_NONE, { F(ping.cookie) } },
	[SHIM_NEW_TERMINAL] = { "new terminal", 16, 3, TAIL_STRINGS,
		{ F(new_terminal.flags), F(new_terminal.cwd_from), F(new_terminal.rows),
			F(new_terminal.cols), F(new_terminal.argc), F(new_terminal.envc) } },
	[SHIM_LIST] = { "list", 0, 0, TAIL_NONE, { { 0, 0 } } },
	[SHIM_RENAME] = { "rename", 4, 1, TAIL_STRINGS, { F(ref.terminal) } },
	[SHIM_CLOSE] = { "close", 4, 0, TAIL_NONE, { F(ref.terminal) } },
	[SHIM_SIGNAL] = { "signal", 8, 0, TAIL_NONE, { F(signal.terminal), F(signal.signo) } },
	[SHIM_WAIT] = { "wait", 4, 0, TAIL_NONE, { F(ref.terminal) } },
	[SHIM_STATUS] = { "status", 0, 0, TAIL_NONE, { { 0, 0 } } },
	[SHIM_STOP] = { "stop", 8, 1, TAIL_STRINGS, { F(stop.timeout_ms), F(stop.signo) } },
	[SHIM_MOVE] = { "move", 8, 0, TAIL_NONE, { F(move.terminal), F(move.position) } },
	[SHIM_RECORD] = { "record", 8, 0, TAIL_NONE, { F(record.terminal), F(record.on) } },
	[SHIM_ATTACHED] = { "attached", 20, 0, TAIL_NONE,
		{ F(attached.terminal), F(attached.flags), F(attached.offset), F(attached.rows),
			F(attached.cols), F(attached.life), F(attached.input_taken) } },
	[SHIM_OUTPUT] = { "output", 8, 0, TAIL_BYTES, { F(output.offset) } },
	[SHIM_SNAPSHOT] = { "snapshot", 16, 0, TAIL_BYTES,
		{ F(snapshot.offset), F(snapshot.flags), F(snapshot.rows), F(snapshot.cols) } },
	[SHIM_SIZE] = { "size", 4, 1, TAIL_STRINGS, { F(size.rows), F(size.cols) } },
	[SHIM_NOTICE] = { "notice", 8, 1, TAIL_STRINGS,
		{ F(notice.kind), F(notice.terminal), F(notice.on) } },
	[SHIM_EXIT] = { "exit", 16, 1, TAIL_STRINGS,
		{ F(exit.terminal), F(exit.code), F(exit.signal), F(exit.reason) } },
	[SHIM_ERROR] = { "error", 12, 1, TAIL_STRINGS,
		{ F(error.code), F(error.exit_code), F(error.request), F(error.zero) } },
	[SHIM_PONG] = { "pong", 8, 0, TAIL_NONE, { F(ping.cookie) } },
	[SHIM_TERMINAL] = { "terminal", 64, 3, TAIL_STRINGS,
		{ F(terminal.terminal), F(terminal.flags), F(terminal.position), F(terminal.pid),
			F(terminal.clients), F(terminal.exit), F(terminal.rows), F(terminal.cols),
			F(terminal.zero), F(terminal.offset), F(terminal.started_ms),
			F(terminal.output_ms), F(terminal.input_ms) } },
	[SHIM_STATE] = { "state", 48, 3, TAIL_STRINGS,
		{ F(state.state), F(state.shim_pid), F(state.init_pid), F(state.terminals),
			F(state.clients), F(state.zero), F(state.started_ms), F(state.output_bytes),
			F(state.active_ms) } },
	[SHIM_CREATED] = { "created", 4, 0, TAIL_NONE, { F(ref.terminal) } },
	[SHIM_DONE] = { "done", 0, 0, TAIL_NONE, { { 0, 0 } } },
	[SHIM_PRESENCE] = { "presence", 8, 0, TAIL_STRINGS,
		{ F(presence.terminal), F(presence.count) } },
	[SHIM_RING] = { "ring", 8, 0, TAIL_NONE, { F(ring.size) } },
	[SHIM_ADVANCE] = { "advance", 16, 0, TAIL_NONE, { F(advance.from), F(advance.to) } },
	[SHIM_TAKEN] = { "taken", 8, 0, TAIL_NONE, { F(taken.input_taken) } },
};

static const struct shape *shape_of(uint16_t type)
{
	return type < ARRAY_SIZE(shapes) && shapes[type].name ? &shapes[type] : NULL;
}

const char *shim_type_name(uint16_t type)
{
	const struct shape *shape = shape_of(type);

	return shape ? shape->name : "?";
}

static void put_number(uint8_t *to, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_number(const uint8_t *from, size_t width)
{
	uint64_t value = 0;

	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

/* A field of the struct as a number, in the host's byte order. */
static uint64_t load_field(const struct shim_msg *m, const struct field *f)
{
	const void *at = (const char *)m + f->offset;

	switch (f->width) {
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void store_field(struct shim_msg *m, const struct field *f, uint64_t value)
{
	void *at = (char *)m + f->offset;

	switch (f->width) {
	case 2:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(uint64_t *)at = value;
		break;
	}
}

ssize_t shim_encode_head(const struct shim_msg *m, void *to)
{
	const struct shape *shape = shape_of(m->type);
	uint8_t *at = (uint8_t *)to + SHIM_HEADER;

	if (!shape) {
		errno = EINVAL;
		return -1;
	}
	for (const struct field *f = shape->fields; f->width; f++) {
		put_number(at, load_field(m, f), f->width);
		at += f->width;
	}
	put_number(to, m->type, 2);
	put_number((uint8_t *)to + 2, (uint64_t)(at - (uint8_t *)to) - SHIM_HEADER, 2);
	put_number((uint8_t *)to + 4, m->serial, 4);
	return at - (uint8_t *)to;
}

ssize_t shim_encode(const struct shim_msg *m, void *to, size_t room)
{
	uint8_t head[SHIM_HEADER + SHIM_MAX_FIXED];
	ssize_t len = shim_encode_head(m, head);

	if (len < 0)
		return -1;
	if (m->tail_len > SHIM_MAX_TAIL || (size_t)len + m->tail_len > room) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(to, head, (size_t)len);
	if (m->tail_len)
		memcpy((char *)to + len, m->tail, m->tail_len);
	return len + (ssize_t)m->tail_len;
}

/* How many strings must stand in the tail: the type's own and those that its fields count. */
static size_t wanted_strings(const struct shim_msg *m, const struct shape *shape)
{
	switch (m->type) {
	case SHIM_NEW_TERMINAL:
		return shape->strings + (size_t)m->new_terminal.argc + m->new_terminal.envc;
	case SHIM_PRESENCE:
		return m->presence.count;
	default:
		return shape->strings;
	}
}

static bool tail_is_good(const struct shim_msg *m, const struct shape *shape)
{
	size_t count = 0;

	if (m->tail_len > SHIM_MAX_TAIL)
		return false;
	if (shape->tail != TAIL_STRINGS)
		return shape->tail == TAIL_BYTES || m->tail_len == 0;
	if (m->tail_len && m->tail[m->tail_len - 1] != '\0')
		return false;
	for (size_t i = 0; i < m->tail_len; i++)
		count += m->tail[i] == '\0';
	return count >= wanted_strings(m, shape);
}

int shim_decode(const void *packet, size_t len, struct shim_msg *ret)
{
	const uint8_t *data = packet;
	const struct shape *shape;
	size_t fixed, at = 0;

	*ret = (struct shim_msg){ 0 };
	if (len < SHIM_HEADER)
		goto malformed;
	ret->type = (uint16_t)get_number(data, 2);
	fixed = (size_t)get_number(data + 2, 2);
	ret->serial = (uint32_t)get_number(data + 4, 4);
	if (fixed > SHIM_MAX_FIXED || len - SHIM_HEADER < fixed || len > SHIM_MAX_PACKET)
		goto malformed;
	data += SHIM_HEADER;
	shape = shape_of(ret->type);
	if (!shape) {
		errno = ENOSYS;
		return -1;
	}
	if (fixed < shape->required)
		goto malformed;
	for (const struct field *f = shape->fields; f->width && at + f->width <= fixed; f++) {
		store_field(ret, f, get_number(data + at, f->width));
		at += f->width;
	}
	ret->tail = (const char *)data + fixed;
	ret->tail_len = len - SHIM_HEADER - fixed;
	if (tail_is_good(ret, shape))
		return 0;
malformed:
	errno = EBADMSG;
	return -1;
}

int shim_add_string(struct buf *tail, const char *s)
{
	return s ? buf_add(tail, s, strlen(s) + 1) : buf_add(tail, "", 1);
}

const char *shim_next_string(const struct shim_msg *m, const char **at)
{
	const char *s = *at ? *at : m->tail;

	if (!s || s >= m->tail + m->tail_len)
		return NULL;
	*at = s + strlen(s) + 1;
	return s;
}

const char *shim_string(const struct shim_msg *m, size_t index)
{
	const char *at = NULL, *s = NULL;

	for (size_t i = 0; i <= index; i++) {
		s = shim_next_string(m, &at);
		if (!s)
			return "";
	}
	return s;
}
