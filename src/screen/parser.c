/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "screen/parser.h"

#include <string.h>

#include "screen/control.h"
#include "screen/state.h"
#include "screen/utf8.h"

#define ESC     0x1b
#define CAN     0x18
#define SUB     0x1a
#define DEL     0x7f
#define BEL     0x07
#define LAST_C1 0x9f

void parser_init(struct parser *p)
{
	*p = (struct parser){ .pending = BUF_INIT(PARSER_PENDING_MAX) };
}

void parser_done(struct parser *p)
{
	buf_done(&p->pending);
}

/* To the ground; a big string's memory is not kept. */
static void to_ground(struct parser *p)
{
	p->state = PARSER_GROUND;
	p->overlong = false;
	if (p->pending.capacity > 1024)
		buf_done(&p->pending);
	else
		buf_reset(&p->pending);
}

static void params_reset(struct params *p)
{
	p->count = 1;
	p->sub_count = 0;
	p->full = p->subs_full = p->in_sub = false;
	p->values[0] = 0;
	p->sub_end[0] = 0;
}

static void params_add_digit(struct params *p, int digit)
{
	int32_t *value = p->in_sub ? &p->subs[p->sub_count - 1] : &p->values[p->count - 1];

	if (p->full || (p->in_sub && p->subs_full))
		return;
	if (*value < 0)
		*value = digit;
	else if (__builtin_mul_overflow(*value, 10, value) ||
		 __builtin_add_overflow(*value, digit, value))
		*value = INT32_MAX;
}

static void params_add(struct params *p, uint32_t code)
{
	if (code == ';') {
		p->in_sub = false;
		if (p->count == PARAMS_MAX) {
			p->full = true;
			return;
		}
		p->values[p->count] = 0;
		p->sub_end[p->count++] = p->sub_count;
	} else if (code == ':') {
		p->in_sub = true;
		if (p->full || p->sub_count == PARAMS_MAX) {
			p->subs_full = true;
			return;
		}
		p->subs[p->sub_count++] = -1;
		p->sub_end[p->count - 1] = p->sub_count;
	} else {
		params_add_digit(p, (int)code - '0');
	}
}

/* Remembers one more byte or character of the sequence. */
static void keep(struct parser *p, uint32_t code)
{
	char utf8[UTF8_MAX];
	size_t len;

	/* Nearly all are ASCII and find room. */
	if (code < 0x80 && p->pending.len + 1 < p->pending.capacity) {
		p->pending.data[p->pending.len++] = (char)code;
		p->pending.data[p->pending.len] = '\0';
		return;
	}
	len = utf8_encode(code, utf8);
	if (!p->overlong && buf_add(&p->pending, utf8, len) == -1)
		p->overlong = true;
}

/* A new sequence; `introducer` is the byte behind ESC, 0 for ESC alone. */
static void begin(struct parser *p, enum parser_state state, char introducer)
{
	to_ground(p);
	p->state = state;
	p->prefix = 0;
	p->collected_count = 0;
	params_reset(&p->params);
	keep(p, ESC);
	if (introducer)
		keep(p, (unsigned char)introducer);
}

static void collect(struct parser *p, uint32_t code, enum parser_state next)
{
	if (p->collected_count < sizeof(p->collected))
		p->collected[p->collected_count] = (uint8_t)code;
	if (p->collected_count < UINT8_MAX)
		p->collected_count++;
	keep(p, code);
	p->state = next;
}

static void take_prefix(struct parser *p, uint32_t code, enum parser_state next)
{
	p->prefix = (uint8_t)code;
	keep(p, code);
	p->state = next;
}

static void take_param(struct parser *p, uint32_t code, enum parser_state next)
{
	params_add(&p->params, code);
	keep(p, code);
	p->state = next;
}

static void end_osc(struct screen *s, bool complete)
{
	struct parser *p = &s->parser;

	if (complete && !p->overlong)
		control_osc(s, p->pending.data + 2, p->pending.len - 2);
	control_end_run(s);
	to_ground(p);
}

static void on_escape(struct screen *s, uint32_t code)
{
	struct parser *p = &s->parser;

	if (code < 0x20) {
		control_execute(s, code);
	} else if (code < 0x30) {
		collect(p, code, PARSER_ESCAPE_INTERMEDIATE);
	} else if (p->state == PARSER_ESCAPE && code < DEL && strchr("[]PX^_", (int)code)) {
		enum parser_state next = code == '['   ? PARSER_CSI_ENTRY
					 : code == ']' ? PARSER_OSC
					 : code == 'P' ? PARSER_DCS_ENTRY
						       : PARSER_STRING;

		begin(p, next, (char)code);
	} else if (code < DEL) {
		control_escape(s, (char)code);
		control_end_run(s);
		to_ground(p);
	} else if (code != DEL) {
		to_ground(p);
	}
}

static void on_csi(struct screen *s, uint32_t code)
{
	struct parser *p = &s->parser;

	if (code < 0x20) {
		control_execute(s, code);
	} else if (code > DEL) {
		if (p->state != PARSER_CSI_IGNORE)
			to_ground(p);
	} else if (code == DEL) {
		return;
	} else if (code >= 0x40) {
		if (p->state != PARSER_CSI_IGNORE) {
			control_csi(s, (char)code);
			control_end_run(s);
		}
		to_ground(p);
	} else if (p->state == PARSER_CSI_IGNORE) {
		return;
	} else if (code < 0x30) {
		collect(p, code, PARSER_CSI_INTERMEDIATE);
	} else if (p->state == PARSER_CSI_INTERMEDIATE) {
		take_prefix(p, code, PARSER_CSI_IGNORE);
	} else if (code < 0x3c) {
		take_param(p, code, PARSER_CSI_PARAM);
	} else {
		take_prefix(p, code,
			p->state == PARSER_CSI_ENTRY ? PARSER_CSI_PARAM : PARSER_CSI_IGNORE);
	}
	if (p->overlong)
		p->state = PARSER_CSI_IGNORE;
}

static void on_dcs(struct screen *s, uint32_t code)
{
	struct parser *p = &s->parser;

	if (p->state == PARSER_DCS_PASSTHROUGH) {
		if (code != DEL)
			keep(p, code);
		return;
	}
	if (code < 0x20 || code == DEL || p->state == PARSER_DCS_IGNORE)
		return;
	if (code > DEL)
		to_ground(p);
	else if (code < 0x30)
		collect(p, code, PARSER_DCS_INTERMEDIATE);
	else if (code >= 0x40)
		take_prefix(p, code, PARSER_DCS_PASSTHROUGH);
	else if (p->state == PARSER_DCS_INTERMEDIATE)
		take_prefix(p, code, PARSER_DCS_IGNORE);
	else if (code < 0x3c)
		take_param(p, code, PARSER_DCS_PARAM);
	else
		take_prefix(p, code,
			p->state == PARSER_DCS_ENTRY ? PARSER_DCS_PARAM : PARSER_DCS_IGNORE);
}

/* What acts in every state. Returns whether the code was such a one. */
static bool on_anywhere(struct screen *s, uint32_t code)
{
	struct parser *p = &s->parser;
	bool is_string_end = code == 0x9c || code == ESC || code == CAN || code == SUB;

	if (p->state == PARSER_OSC && (is_string_end || code == BEL)) {
		end_osc(s, code != CAN && code != SUB);
		if (code == ESC)
			begin(p, PARSER_ESCAPE, 0);
		return true;
	}
	if (p->state == PARSER_DCS_PASSTHROUGH && is_string_end) {
		control_end_run(s);
		to_ground(p);
		if (code == ESC)
			begin(p, PARSER_ESCAPE, 0);
		return true;
	}
	switch (code) {
	case ESC:
		begin(p, PARSER_ESCAPE, 0);
		return true;
	case 0x90:
		begin(p, PARSER_DCS_ENTRY, 'P');
		return true;
	case 0x9b:
		begin(p, PARSER_CSI_ENTRY, '[');
		return true;
	case 0x9d:
		begin(p, PARSER_OSC, ']');
		return true;
	case 0x98:
	case 0x9e:
	case 0x9f:
		begin(p, PARSER_STRING, 'X');
		return true;
	case 0x9c:
		to_ground(p);
		return true;
	}
	if (code != CAN && code != SUB && (code < 0x80 || code > LAST_C1))
		return false;
	to_ground(p);
	control_execute(s, code);
	return true;
}

static void on_code(struct screen *s, uint32_t code)
{
	struct parser *p = &s->parser;

	if (on_anywhere(s, code))
		return;
	switch (p->state) {
	case PARSER_GROUND:
		if (code < 0x20)
			control_execute(s, code);
		else if (code != DEL)
			control_print(s, code);
		break;
	case PARSER_ESCAPE:
	case PARSER_ESCAPE_INTERMEDIATE:
		on_escape(s, code);
		break;
	case PARSER_CSI_ENTRY:
	case PARSER_CSI_PARAM:
	case PARSER_CSI_INTERMEDIATE:
	case PARSER_CSI_IGNORE:
		on_csi(s, code);
		break;
	case PARSER_STRING:
		break;
	case PARSER_OSC:
		if (code >= 0x20)
			keep(p, code);
		break;
	default:
		on_dcs(s, code);
	}
}

/* Whether three or four bytes are a character of the client: no overlong form, surrogate or BOM. */
static bool is_character(uint32_t code, size_t len)
{
	switch (len) {
	case 2:
		return code >= 0x80;
	case 3:
		return code >= 0x800 && !(code >= 0xd800 && code <= 0xdfff) && code != 0xfeff;
	default:
		return code >= 0x10000 && code <= 0x10ffff;
	}
}

static unsigned int sequence_length(unsigned char lead)
{
	if ((lead & 0xe0) == 0xc0)
		return 2;
	if ((lead & 0xf0) == 0xe0)
		return 3;
	return (lead & 0xf8) == 0xf0 ? 4 : 0;
}

/* One byte of a character that is not ASCII. What is malformed is dropped without a trace. */
static void on_high_byte(struct screen *s, unsigned char byte)
{
	struct parser *p = &s->parser;
	uint32_t code;
	size_t used;

	if ((byte & 0xc0) != 0x80 || !p->utf8_len) {
		p->utf8_len = 0;
		if (sequence_length(byte))
			p->utf8[p->utf8_len++] = byte;
		return;
	}
	p->utf8[p->utf8_len++] = byte;
	if (p->utf8_len < sequence_length(p->utf8[0]))
		return;
	code = utf8_decode(p->utf8, p->utf8_len, &used);
	p->utf8_len = 0;
	if (is_character(code, used))
		on_code(s, code);
}

#define EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

/*
 * Whether one of eight bytes is not printable ASCII. A byte too many may be suspected, none is
 * missed.
 */
static bool has_unprintable(const unsigned char *p)
{
	uint64_t word, del;

	memcpy(&word, p, sizeof(word));
	del = word ^ EACH_BYTE(DEL);
	return ((word | (word - EACH_BYTE(0x20)) | (del - EACH_BYTE(1))) & EACH_BYTE(0x80)) != 0;
}

size_t parser_printable_run(const unsigned char *p, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(uint64_t) && !has_unprintable(p + n))
		n += sizeof(uint64_t);
	while (n < len && p[n] >= 0x20 && p[n] < DEL)
		n++;
	return n;
}

/* A whole character in ground state, printed; 0 where it has to be looked at byte by byte. */
static size_t print_character(struct screen *s, const unsigned char *data, size_t len)
{
	size_t need = sequence_length(data[0]), used;
	uint32_t code;

	if (!need || need > len || s->parser.utf8_len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	code = utf8_decode(data, need, &used);
	if (code <= LAST_C1 || !is_character(code, need))
		return 0;
	control_print(s, code);
	return need;
}

/*
 * Something of more than one byte that is usual in ground state; returns how many were taken, or 0.
 */
static size_t take_stretch(struct screen *s, const unsigned char *data, size_t len)
{
	size_t run;

	if (data[0] >= 0x80)
		return print_character(s, data, len);
	run = control_print_lines(s, data, len);
	if (run)
		return run;
	run = parser_printable_run(data, len);
	if (run)
		control_print_ascii(s, data, run);
	return run;
}

void parser_feed(struct screen *s, const unsigned char *data, size_t len)
{
	struct parser *p = &s->parser;

	s->no_flood_before = data;
	for (size_t i = 0; i < len;) {
		if (data[i] < 0x80)
			p->utf8_len = 0;
		if (p->state == PARSER_GROUND) {
			size_t taken = take_stretch(s, data + i, len - i);

			i += taken;
			if (taken)
				continue;
		}
		if (data[i] < 0x80)
			on_code(s, data[i++]);
		else
			on_high_byte(s, data[i++]);
	}
}

/* Something that stands in the same state and has no effect when it ends. */
static const char *inert(enum parser_state state)
{
	switch (state) {
	case PARSER_OSC:
		return "\033]99999;";
	case PARSER_DCS_ENTRY:
	case PARSER_DCS_PARAM:
	case PARSER_DCS_INTERMEDIATE:
	case PARSER_DCS_IGNORE:
	case PARSER_DCS_PASSTHROUGH:
		return "\033Pz";
	default:
		return "\033[0?";
	}
}

int parser_write_pending(const struct parser *p, struct buf *out)
{
	if (p->overlong)
		buf_add_str(out, inert(p->state));
	else
		buf_add(out, p->pending.data, p->pending.len);
	return buf_add(out, p->utf8, p->utf8_len);
}
