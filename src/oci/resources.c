/* SPDX-License-Identifier: Apache-2.0 */
/* resources.c - `linux.resources`: what the control groups shall limit. */
#define _GNU_SOURCE
#include <string.h>

#include "oci/fields.h"

#include "base/poison.h"

#define AT(member) offsetof(struct oci_resources, member)

static const struct oci_field memory_fields[] = {
	{ "limit", FIELD_I64, AT(memory.limit), .min = -1, .max = INT64_MAX },
	{ "reservation", FIELD_I64, AT(memory.reservation), .min = -1, .max = INT64_MAX },
	{ "swap", FIELD_I64, AT(memory.swap), .min = -1, .max = INT64_MAX },
	{ "kernel", FIELD_I64, AT(memory.kernel), .min = -1, .max = INT64_MAX },
	{ "kernelTCP", FIELD_I64, AT(memory.kernel_tcp), .min = -1, .max = INT64_MAX },
	{ "swappiness", FIELD_U64, AT(memory.swappiness), .max = UINT64_MAX },
	{ "disableOOMKiller", FIELD_FLAG, AT(memory.disable_oom_killer) },
	{ "useHierarchy", FIELD_FLAG, AT(memory.use_hierarchy) },
	{ "checkBeforeUpdate", FIELD_FLAG, AT(memory.check_before_update) },
	{ NULL },
};

/* The kernel's own format, checked so that no newline or second command slips into the knob. */
static int read_cpu_list(struct oci_parse *p, const struct json_node *n, void *to)
{
	const char *text;

	if (json_as_string(n, &text, p->err) < 0)
		return -1;
	if (text[strspn(text, "0123456789,-:/")])
		return json_fail(n, p->err, "'%s' is not a list such as 0-3,7", text);
	*(const char **)to = text[0] ? text : NULL;
	return 0;
}

static const struct oci_field cpu_fields[] = {
	{ "shares", FIELD_U64, AT(cpu.shares) },
	{ "quota", FIELD_I64, AT(cpu.quota) },
	{ "burst", FIELD_U64, AT(cpu.burst) },
	{ "period", FIELD_U64, AT(cpu.period) },
	{ "realtimeRuntime", FIELD_I64, AT(cpu.rt_runtime) },
	{ "realtimePeriod", FIELD_U64, AT(cpu.rt_period) },
	{ "idle", FIELD_I64, AT(cpu.idle), .min = -1, .max = 1 },
	{ "cpus", FIELD_CUSTOM, AT(cpu.cpus), .custom = read_cpu_list },
	{ "mems", FIELD_CUSTOM, AT(cpu.mems), .custom = read_cpu_list },
	{ NULL },
};

static const struct oci_field pids_fields[] = {
	{ "limit", FIELD_I64, AT(pids_limit) },
	{ NULL },
};

#define BLKIO_AT(member) offsetof(struct oci_blkio_device, member)

static const struct oci_field weight_fields[] = {
	{ "major", FIELD_UINT, BLKIO_AT(major), .required = true },
	{ "minor", FIELD_UINT, BLKIO_AT(minor), .required = true },
	{ "weight", FIELD_U64, BLKIO_AT(weight), .max = UINT16_MAX },
	{ "leafWeight", FIELD_U64, BLKIO_AT(leaf_weight), .max = UINT16_MAX },
	{ NULL },
};

static const struct oci_field rate_fields[] = {
	{ "major", FIELD_UINT, BLKIO_AT(major), .required = true },
	{ "minor", FIELD_UINT, BLKIO_AT(minor), .required = true },
	{ "rate", FIELD_ULONG, BLKIO_AT(rate), .required = true },
	{ NULL },
};

#define BLKIO_LIST(key_, member_, fields_)                                                         \
	{                                                                                          \
		.key = (key_), .kind = FIELD_LIST, .offset = AT(member_),                          \
		.size = sizeof(struct oci_blkio_device), .fields = (fields_)                       \
	}

static const struct oci_field blkio_fields[] = {
	{ "weight", FIELD_U64, AT(blkio.weight), .max = UINT16_MAX },
	{ "leafWeight", FIELD_U64, AT(blkio.leaf_weight), .max = UINT16_MAX },
	BLKIO_LIST("weightDevice", blkio.weights, weight_fields),
	BLKIO_LIST("throttleReadBpsDevice", blkio.throttle[OCI_THROTTLE_READ_BPS], rate_fields),
	BLKIO_LIST("throttleWriteBpsDevice", blkio.throttle[OCI_THROTTLE_WRITE_BPS], rate_fields),
	BLKIO_LIST("throttleReadIOPSDevice", blkio.throttle[OCI_THROTTLE_READ_IOPS], rate_fields),
	BLKIO_LIST("throttleWriteIOPSDevice", blkio.throttle[OCI_THROTTLE_WRITE_IOPS], rate_fields),
	{ NULL },
};

static const struct oci_field hugepage_fields[] = {
	{ "pageSize", FIELD_STRING, offsetof(struct oci_hugepage_limit, page_size),
		.required = true },
	{ "limit", FIELD_ULONG, offsetof(struct oci_hugepage_limit, limit), .required = true },
	{ NULL },
};

/* [1-9][0-9]*[KMGTPE]?B: the page size becomes part of a file's name. */
static int check_hugepage(struct oci_parse *p, const struct json_node *n, void *to)
{
	const char *size = ((struct oci_hugepage_limit *)to)->page_size;
	size_t digits = strspn(size, "0123456789");
	const char *unit = size + digits;

	if (size[0] == '0' || digits == 0 || digits > 10 ||
		!str_eq(unit + (*unit && strchr("KMGTPE", *unit) ? 1 : 0), "B"))
		return json_fail(n, p->err, "pageSize: '%s' is not a size such as 2MB", size);
	return 0;
}

static const struct oci_field priority_fields[] = {
	{ "name", FIELD_STRING, offsetof(struct oci_if_priority, name), .required = true },
	{ "priority", FIELD_UINT, offsetof(struct oci_if_priority, priority), .required = true },
	{ NULL },
};

static const struct oci_field network_fields[] = {
	{ "classID", FIELD_U64, AT(net_class_id), .max = UINT32_MAX },
	{ "priorities", FIELD_LIST, AT(net_priorities), .size = sizeof(struct oci_if_priority),
		.fields = priority_fields },
	{ NULL },
};

static const struct oci_field rdma_fields[] = {
	{ "hcaHandles", FIELD_U64, offsetof(struct oci_rdma, hca_handles), .max = UINT32_MAX },
	{ "hcaObjects", FIELD_U64, offsetof(struct oci_rdma, hca_objects), .max = UINT32_MAX },
	{ NULL },
};

struct rdma_walk {
	struct oci_parse *p;
	struct oci_resources *r;
};

static int add_rdma(const char *key, const struct json_node *value, void *data)
{
	struct rdma_walk *w = data;
	struct oci_rdma *rdma = &w->r->rdma[w->r->rdma_count];

	if (json_as_object(value, w->p->err) < 0 ||
		oci_read_fields(w->p, value, rdma_fields, rdma) < 0)
		return -1;
	rdma->device = key;
	w->r->rdma_count++;
	return 0;
}

static int read_rdma(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct rdma_walk w = { p, to };

	if (json_as_object(n, p->err) < 0)
		return -1;
	w.r->rdma = oci_parse_alloc(p, n, json_member_count(n) + 1, sizeof(*w.r->rdma));
	return w.r->rdma ? json_each_member(n, add_rdma, &w) : -1;
}

static int read_rule_number(struct oci_parse *p, const struct json_node *n, void *to)
{
	return json_as_i64(n, -1, UINT32_MAX, to, p->err);
}

static int read_rule_type(struct oci_parse *p, const struct json_node *n, void *to)
{
	static const struct oci_word types[] = { { "", 'a' }, { "a", 'a' }, { "b", 'b' },
		{ "c", 'c' }, { "u", 'c' }, { NULL, 0 } };
	uint64_t type = 0;

	if (oci_read_word(p, n, types, &type) < 0)
		return -1;
	*(char *)to = (char)type;
	return 0;
}

static int read_access(struct oci_parse *p, const struct json_node *n, void *to)
{
	static const char letters[] = "rwm";
	const char *text;

	if (json_as_string(n, &text, p->err) < 0)
		return -1;
	for (; *text; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter)
			return json_fail(n, p->err, "'%c' is not one of r, w, m", *text);
		*(unsigned int *)to |= 1U << (letter - letters);
	}
	return 0;
}

#define RULE_AT(member) offsetof(struct oci_device_rule, member)

static const struct oci_field rule_fields[] = {
	{ "allow", FIELD_BOOL, RULE_AT(allow), .required = true },
	{ "type", FIELD_CUSTOM, RULE_AT(type), .custom = read_rule_type },
	{ "major", FIELD_CUSTOM, RULE_AT(major), .custom = read_rule_number },
	{ "minor", FIELD_CUSTOM, RULE_AT(minor), .custom = read_rule_number },
	{ "access", FIELD_CUSTOM, RULE_AT(access), .custom = read_access },
	{ NULL },
};

static int read_rule(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_device_rule *rule = to;

	*rule = (struct oci_device_rule){ .type = 'a', .major = -1, .minor = -1 };
	if (json_as_object(n, p->err) < 0 || oci_read_fields(p, n, rule_fields, rule) < 0)
		return -1;
	if (!rule->access)
		rule->access = OCI_DEVICE_ALL;
	return 0;
}

/* A key of `unified` becomes a file's name in the container's group: one path component. */
static int check_unified(struct oci_parse *p, const struct json_node *n, void *to)
{
	const struct oci_pairs *pairs = to;

	for (size_t i = 0; i < pairs->count; i++) {
		const char *key = pairs->items[i].key;

		if (!key[0] || key[0] == '.' || strchr(key, '/') || !strchr(key, '.'))
			return json_fail(n, p->err, "'%s' is not the name of a cgroup file", key);
	}
	return 0;
}

const struct oci_field oci_resources_fields[] = {
	{ "memory", FIELD_OBJECT, 0, .fields = memory_fields },
	{ "cpu", FIELD_OBJECT, 0, .fields = cpu_fields },
	{ "pids", FIELD_OBJECT, 0, .fields = pids_fields },
	{ "blockIO", FIELD_OBJECT, 0, .fields = blkio_fields },
	{ "hugepageLimits", FIELD_LIST, AT(hugepages), .size = sizeof(struct oci_hugepage_limit),
		.fields = hugepage_fields, .custom = check_hugepage },
	{ "network", FIELD_OBJECT, 0, .fields = network_fields },
	{ "rdma", FIELD_CUSTOM, 0, .custom = read_rdma },
	{ "devices", FIELD_LIST, AT(devices), .size = sizeof(struct oci_device_rule),
		.custom = read_rule },
	{ "unified", FIELD_PAIRS, AT(unified), .custom = check_unified },
	{ NULL },
};

int oci_resources_parse(
	const char *text, size_t len, struct oci_resources_doc *ret, struct md_error *err)
{
	struct oci_parse p = { &ret->arena, err };
	struct json_node root;

	*ret = (struct oci_resources_doc){ .doc = JSON_DOC_INIT };
	if (json_parse(&ret->doc, text, len, err) == 0 && json_root(&ret->doc, &root, err) == 0 &&
		oci_read_fields(&p, &root, oci_resources_fields, &ret->resources) == 0)
		return 0;
	oci_resources_done(ret);
	return -1;
}

void oci_resources_done(struct oci_resources_doc *r)
{
	if (!r)
		return;
	json_done(&r->doc);
	arena_done(&r->arena);
}
