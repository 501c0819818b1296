/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - JSON objects into structs by tables: a table lists the members of an object, what each
 * must be and where in the struct it goes. Internal to src/oci.
 */
#ifndef MD_OCI_FIELDS_H
#define MD_OCI_FIELDS_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "json/json_read.h"
#include "oci/spec.h"

struct oci_parse {
	struct arena *arena;
	struct md_error *err;
};

enum oci_field_kind {
	FIELD_STRING, /* const char * */
	FIELD_PATH,   /* const char *, absolute */
	FIELD_BOOL,   /* bool */
	FIELD_STRS,   /* struct oci_strs */
	FIELD_I64,    /* struct oci_i64 in [min, max] */
	FIELD_U64,    /* struct oci_u64, at most max */
	FIELD_INT,    /* int32_t in [min, max] */
	FIELD_UINT,   /* uint32_t, at most max */
	FIELD_ULONG,  /* uint64_t, at most max */
	FIELD_FLAG,   /* a boolean as struct oci_i64: 0 or 1 */
	FIELD_WORD,   /* uint64_t: one of `words` */
	FIELD_OBJECT, /* a struct at `offset` by `fields` (then `custom`) */
	FIELD_LIST,   /* { T *items; size_t count; }: items of `size` bytes, each by `fields` and/or
			 `custom` */
	FIELD_PAIRS,  /* struct oci_pairs: an object of strings (then `custom`) */
	FIELD_CUSTOM, /* what `custom` does */
};

struct oci_word {
	const char *word;
	uint64_t value;
};

struct oci_field {
	const char *key;
	enum oci_field_kind kind;
	size_t offset;
	bool required;
	int64_t min;
	uint64_t max;
	const struct oci_word *words;
	const struct oci_field *fields;
	size_t size;
	/* `to` is the field itself; for a list, one item. */
	int (*custom)(struct oci_parse *p, const struct json_node *value, void *to);
};

/* Reads the members of `object` that the table names into the struct at `to`. */
int oci_read_fields(struct oci_parse *p, const struct json_node *object,
	const struct oci_field *table, void *to);

/* The value of the word at `n`, a string; else "PATH: 'x' is not one of a, b, c". */
int oci_read_word(struct oci_parse *p, const struct json_node *n, const struct oci_word *words,
	uint64_t *ret);
/* Room for `count` items in the arena; fails with the node's path. */
void *oci_parse_alloc(struct oci_parse *p, const struct json_node *n, size_t count, size_t size);

extern const struct oci_field oci_process_fields[];
extern const struct oci_field oci_mount_fields[];
extern const struct oci_field oci_id_map_fields[];
extern const struct oci_field oci_resources_fields[];
extern const struct oci_field oci_linux_fields[];

int oci_read_mount(struct oci_parse *p, const struct json_node *n, void *to);
int oci_read_seccomp(struct oci_parse *p, const struct json_node *n, void *to);
int oci_read_process_end(struct oci_parse *p, const struct json_node *n, void *to);

/* Propagation words ("rslave") to MS_* bits. */
extern const struct oci_word oci_propagation_words[];

/* Ids of mounts that are given as the user namespace has them, as the host has them. */
int oci_mounts_resolve(struct oci_spec *s, struct md_error *err);

/* What no single field shows: namespaces that others need, sysctls, mappings. */
int oci_spec_check(const struct oci_spec *s, struct md_error *err);

#endif
