/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser.h - UTF-8 and the state machine of escape sequences (after P. Williams' VT500 parser, with
 * the rules of xterm.js where they differ). What it has understood goes to the functions of
 * control.h.
 */
#ifndef MD_SCREEN_PARSER_H
#define MD_SCREEN_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum parser_state {
	PARSER_GROUND,
	PARSER_ESCAPE,
	PARSER_ESCAPE_INTERMEDIATE,
	PARSER_CSI_ENTRY,
	PARSER_CSI_PARAM,
	PARSER_CSI_INTERMEDIATE,
	PARSER_CSI_IGNORE,
	PARSER_STRING, /* SOS, PM, APC: nothing in them matters */
	PARSER_OSC,
	PARSER_DCS_ENTRY,
	PARSER_DCS_PARAM,
	PARSER_DCS_INTERMEDIATE,
	PARSER_DCS_IGNORE,
	PARSER_DCS_PASSTHROUGH,
};

#define PARAMS_MAX 32

/* 1;2:3;4 are the parameters 1, 2 and 4, where 2 has the sub-parameter 3. */
struct params {
	uint8_t count, sub_count;
	bool full, subs_full, in_sub;
	uint8_t sub_end[PARAMS_MAX]; /* the parameter's sub-parameters end here in `subs` */
	int32_t values[PARAMS_MAX];
	int32_t subs[PARAMS_MAX]; /* -1: empty */
};

/* A sequence's bytes as they came, for a snapshot in its middle. */
#define PARSER_PENDING_MAX 65536

struct parser {
	enum parser_state state;
	uint8_t prefix;       /* one of <=>? or 0 */
	uint8_t collected[2]; /* intermediates */
	uint8_t collected_count;
	uint8_t utf8_len;
	unsigned char utf8[4];
	struct params params;
	struct buf pending; /* since the introducer, without what was executed in between */
	bool overlong;      /* it did not fit into `pending`: the sequence will have no effect */
};

struct screen;

void parser_init(struct parser *p);
void parser_done(struct parser *p);
void parser_feed(struct screen *s, const unsigned char *data, size_t len);

/* How many bytes from `p` on are printable ASCII. */
size_t parser_printable_run(const unsigned char *p, size_t len);

/* Adds what a parser in ground state must read to get to this one's state. */
int parser_write_pending(const struct parser *p, struct buf *out);

static inline bool parser_is_mid_sequence(const struct parser *p)
{
	return p->state != PARSER_GROUND || p->utf8_len;
}

/* The parameter at `i`, or `otherwise` where it is 0 or missing. */
static inline int32_t param_or(const struct params *p, unsigned int i, int32_t otherwise)
{
	return i < p->count && p->values[i] ? p->values[i] : otherwise;
}

static inline unsigned int param_subs(
	const struct params *p, unsigned int i, const int32_t **ret_subs)
{
	unsigned int start = i ? p->sub_end[i - 1] : 0;

	*ret_subs = p->subs + start;
	return p->sub_end[i] - start;
}

#endif
