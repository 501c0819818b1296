/* SPDX-License-Identifier: Apache-2.0 */
/* linux.c - the `linux` object but for its resources and seccomp. */
#define _GNU_SOURCE
#include <net/if.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include "oci/fields.h"

#include "base/poison.h"

#define AT(member) offsetof(struct oci_spec, member)

static int find_namespace(struct oci_parse *p, const struct json_node *n, enum oci_ns_kind *ret)
{
	const char *name;

	if (json_as_string(n, &name, p->err) < 0)
		return -1;
	for (int i = 0; i < OCI_NS_KINDS; i++) {
		if (str_eq(oci_ns_info[i].name, name)) {
			*ret = (enum oci_ns_kind)i;
			return 0;
		}
	}
	return json_fail(n, p->err, "'%s' is not a kind of namespace", name);
}

static int read_namespace(
	struct oci_parse *p, const struct json_node *n, struct oci_namespace *table)
{
	static const struct oci_field fields[] = { { "path", FIELD_STRING, 0 }, { NULL } };
	const char *path = NULL;
	struct json_node type;
	enum oci_ns_kind kind = OCI_NS_USER;

	if (json_as_object(n, p->err) < 0)
		return -1;
	if (!json_member(n, "type", &type))
		return json_fail(n, p->err, "type is missing");
	if (find_namespace(p, &type, &kind) < 0 || oci_read_fields(p, n, fields, &path) < 0)
		return -1;
	if (table[kind].set)
		return json_fail(n, p->err, "namespace %s is given twice", oci_ns_info[kind].name);
	if (path && path[0] && path[0] != '/')
		return json_fail(n, p->err, "path: '%s' is not an absolute path", path);
	table[kind] = (struct oci_namespace){ true, path && path[0] ? path : NULL };
	return 0;
}

static int read_namespaces(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		json_item(n, i, &item);
		if (read_namespace(p, &item, to) < 0)
			return -1;
	}
	return 0;
}

#define DEVICE_AT(member) offsetof(struct oci_device, member)

static int read_device_type(struct oci_parse *p, const struct json_node *n, void *to)
{
	static const struct oci_word types[] = { { "c", S_IFCHR }, { "u", S_IFCHR },
		{ "b", S_IFBLK }, { "p", S_IFIFO }, { NULL, 0 } };
	uint64_t type = 0;

	if (oci_read_word(p, n, types, &type) < 0)
		return -1;
	*(mode_t *)to = (mode_t)type;
	return 0;
}

static const struct oci_field device_fields[] = {
	{ "path", FIELD_PATH, DEVICE_AT(path), .required = true },
	{ "type", FIELD_CUSTOM, DEVICE_AT(type), .required = true, .custom = read_device_type },
	{ "major", FIELD_UINT, DEVICE_AT(major), .max = 4095 },
	{ "minor", FIELD_UINT, DEVICE_AT(minor), .max = 1048575 },
	{ "fileMode", FIELD_UINT, DEVICE_AT(mode), .max = UINT32_MAX },
	{ "uid", FIELD_UINT, DEVICE_AT(uid), .max = UINT32_MAX - 1 },
	{ "gid", FIELD_UINT, DEVICE_AT(gid), .max = UINT32_MAX - 1 },
	{ NULL },
};

static int read_device(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_device *d = to;

	d->mode = 0666;
	if (json_as_object(n, p->err) < 0 || oci_read_fields(p, n, device_fields, d) < 0)
		return -1;
	/* Docker sends the whole st_mode here. */
	d->mode &= 07777;
	return 0;
}

struct net_walk {
	struct oci_parse *p;
	struct oci_spec *spec;
};

static int check_if_name(struct oci_parse *p, const struct json_node *n, const char *name)
{
	if (!name[0] || strlen(name) >= IFNAMSIZ || str_eq(name, ".") || str_eq(name, "..") ||
		name[strcspn(name, "/: \t\n\v\f\r")])
		return json_fail(n, p->err, "'%s' is not the name of a network device", name);
	return 0;
}

static int add_net_device(const char *key, const struct json_node *value, void *data)
{
	static const struct oci_field fields[] = {
		{ "name", FIELD_STRING, offsetof(struct oci_net_device, new_name) }, { NULL }
	};
	struct net_walk *w = data;
	struct oci_net_device *d = &w->spec->net_devices[w->spec->net_device_count];

	if (json_as_object(value, w->p->err) < 0 || check_if_name(w->p, value, key) < 0 ||
		oci_read_fields(w->p, value, fields, d) < 0)
		return -1;
	if (d->new_name && !d->new_name[0])
		d->new_name = NULL;
	if (d->new_name && check_if_name(w->p, value, d->new_name) < 0)
		return -1;
	d->name = key;
	w->spec->net_device_count++;
	return 0;
}

static int read_net_devices(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct net_walk w = { p, to };

	if (json_as_object(n, p->err) < 0)
		return -1;
	w.spec->net_devices =
		oci_parse_alloc(p, n, json_member_count(n) + 1, sizeof(*w.spec->net_devices));
	return w.spec->net_devices ? json_each_member(n, add_net_device, &w) : -1;
}

static int read_personality(struct oci_parse *p, const struct json_node *n, void *to)
{
	static const struct oci_word domains[] = { { "LINUX", PER_LINUX },
		{ "LINUX32", PER_LINUX32 }, { NULL, 0 } };
	struct json_node domain, flags;
	uint64_t value = 0;
	size_t count = 0;

	if (json_as_object(n, p->err) < 0)
		return -1;
	if (!json_member(n, "domain", &domain))
		return json_fail(n, p->err, "domain is missing");
	if (oci_read_word(p, &domain, domains, &value) < 0 ||
		json_get_array(n, "flags", &flags, &count, p->err) < 0)
		return -1;
	if (count)
		return json_fail(&flags, p->err, "no flag is supported");
	*(struct oci_i64 *)to = (struct oci_i64){ true, (int64_t)value };
	return 0;
}

#define OFFSET_AT(member) offsetof(struct oci_time_offset, member)

static int read_offset_secs(struct oci_parse *p, const struct json_node *n, void *to)
{
	return json_as_i64(n, INT64_MIN, INT64_MAX, to, p->err);
}

static const struct oci_field offset_fields[] = {
	{ "secs", FIELD_CUSTOM, OFFSET_AT(secs), .custom = read_offset_secs },
	{ "nanosecs", FIELD_UINT, OFFSET_AT(nanosecs), .max = 999999999 },
	{ NULL },
};

static int offset_is_set(struct oci_parse *p _unused_, const struct json_node *n _unused_, void *to)
{
	((struct oci_time_offset *)to)->set = true;
	return 0;
}

static const struct oci_field offsets_fields[] = {
	{ "boottime", FIELD_OBJECT, AT(boottime), .fields = offset_fields,
		.custom = offset_is_set },
	{ "monotonic", FIELD_OBJECT, AT(monotonic), .fields = offset_fields,
		.custom = offset_is_set },
	{ NULL },
};

#define RDT_AT(member) offsetof(struct oci_intel_rdt, member)

static const struct oci_field rdt_fields[] = {
	{ "closID", FIELD_STRING, RDT_AT(clos_id) },
	{ "l3CacheSchema", FIELD_STRING, RDT_AT(l3_schema) },
	{ "memBwSchema", FIELD_STRING, RDT_AT(mem_bw_schema) },
	{ "schemata", FIELD_STRS, RDT_AT(schemata) },
	{ "enableCMT", FIELD_BOOL, RDT_AT(enable_cmt) },
	{ "enableMBM", FIELD_BOOL, RDT_AT(enable_mbm) },
	{ NULL },
};

/* closID becomes the name of a folder of resctrl. */
static int check_rdt(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_intel_rdt *rdt = to;
	const char *id = rdt->clos_id;

	if (id && (!id[0] || str_eq(id, ".") || str_eq(id, "..") || strchr(id, '/')))
		return json_fail(n, p->err, "closID: '%s' is not a name", id);
	if (rdt->mem_bw_schema && rdt->mem_bw_schema[0] &&
		(!str_starts(rdt->mem_bw_schema, "MB:") || strchr(rdt->mem_bw_schema, '\n')))
		return json_fail(n, p->err,
			"memBwSchema: '%s' is not one line that begins with MB:",
			rdt->mem_bw_schema);
	rdt->set = true;
	return 0;
}

static int read_propagation(struct oci_parse *p, const struct json_node *n, void *to)
{
	return oci_read_word(p, n, oci_propagation_words, to);
}

#define ID_MAPS(key_, member_)                                                                     \
	{                                                                                          \
		.key = (key_), .kind = FIELD_LIST, .offset = AT(member_),                          \
		.size = sizeof(struct oci_id_map), .fields = oci_id_map_fields                     \
	}

const struct oci_field oci_linux_fields[] = {
	{ "namespaces", FIELD_CUSTOM, AT(ns), .custom = read_namespaces },
	ID_MAPS("uidMappings", uid_maps),
	ID_MAPS("gidMappings", gid_maps),
	{ "devices", FIELD_LIST, AT(devices), .size = sizeof(struct oci_device),
		.custom = read_device },
	{ "netDevices", FIELD_CUSTOM, 0, .custom = read_net_devices },
	{ "cgroupsPath", FIELD_STRING, AT(cgroups_path) },
	{ "resources", FIELD_OBJECT, AT(resources), .fields = oci_resources_fields },
	{ "sysctl", FIELD_PAIRS, AT(sysctl) },
	{ "rootfsPropagation", FIELD_CUSTOM, AT(rootfs_propagation), .custom = read_propagation },
	{ "seccomp", FIELD_OBJECT, AT(seccomp), .custom = oci_read_seccomp },
	{ "maskedPaths", FIELD_STRS, AT(masked_paths) },
	{ "readonlyPaths", FIELD_STRS, AT(readonly_paths) },
	{ "mountLabel", FIELD_STRING, AT(mount_label) },
	{ "personality", FIELD_CUSTOM, AT(personality), .custom = read_personality },
	{ "intelRdt", FIELD_OBJECT, AT(intel_rdt), .fields = rdt_fields, .custom = check_rdt },
	{ "timeOffsets", FIELD_OBJECT, 0, .fields = offsets_fields },
	{ NULL },
};
