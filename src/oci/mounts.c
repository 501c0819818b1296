/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.c - `mounts`: what each option means to the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "oci/fields.h"

#include "base/poison.h"

enum option_kind {
	OPTION_NONE,
	OPTION_SET,   /* flags on */
	OPTION_CLEAR, /* flags off */
	OPTION_PROPAGATE,
	OPTION_REC_SET,   /* attributes of the whole tree on */
	OPTION_REC_CLEAR, /* and off */
	OPTION_REC_ATIME, /* one of the three ways to keep access times, whole tree */
	OPTION_IDMAP,
	OPTION_TMPCOPYUP,
	OPTION_COPY_SYMLINK,
};

struct mount_option {
	const char *name;
	enum option_kind kind;
	uint64_t bits;
};

static const struct mount_option options[] = {
	{ "acl", OPTION_SET, MS_POSIXACL },
	{ "async", OPTION_CLEAR, MS_SYNCHRONOUS },
	{ "atime", OPTION_CLEAR, MS_NOATIME },
	{ "bind", OPTION_SET, MS_BIND },
	{ "copy-symlink", OPTION_COPY_SYMLINK, 0 },
	{ "defaults", OPTION_NONE, 0 },
	{ "dev", OPTION_CLEAR, MS_NODEV },
	{ "diratime", OPTION_CLEAR, MS_NODIRATIME },
	{ "dirsync", OPTION_SET, MS_DIRSYNC },
	{ "exec", OPTION_CLEAR, MS_NOEXEC },
	{ "idmap", OPTION_IDMAP, OCI_IDMAP },
	{ "iversion", OPTION_SET, MS_I_VERSION },
	{ "lazytime", OPTION_SET, MS_LAZYTIME },
	{ "loud", OPTION_CLEAR, MS_SILENT },
	{ "mand", OPTION_SET, MS_MANDLOCK },
	{ "noacl", OPTION_CLEAR, MS_POSIXACL },
	{ "noatime", OPTION_SET, MS_NOATIME },
	{ "nodev", OPTION_SET, MS_NODEV },
	{ "nodiratime", OPTION_SET, MS_NODIRATIME },
	{ "noexec", OPTION_SET, MS_NOEXEC },
	{ "noiversion", OPTION_CLEAR, MS_I_VERSION },
	{ "nolazytime", OPTION_CLEAR, MS_LAZYTIME },
	{ "nomand", OPTION_CLEAR, MS_MANDLOCK },
	{ "norelatime", OPTION_CLEAR, MS_RELATIME },
	{ "nostrictatime", OPTION_CLEAR, MS_STRICTATIME },
	{ "nosuid", OPTION_SET, MS_NOSUID },
	{ "nosymfollow", OPTION_SET, MS_NOSYMFOLLOW },
	{ "private", OPTION_PROPAGATE, MS_PRIVATE },
	{ "ratime", OPTION_REC_CLEAR, MOUNT_ATTR_NOATIME },
	{ "rbind", OPTION_SET, MS_BIND | MS_REC },
	{ "rdev", OPTION_REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rdiratime", OPTION_REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "relatime", OPTION_SET, MS_RELATIME },
	{ "remount", OPTION_SET, MS_REMOUNT },
	{ "rexec", OPTION_REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "ridmap", OPTION_IDMAP, OCI_IDMAP_REC },
	{ "rnoatime", OPTION_REC_ATIME, MOUNT_ATTR_NOATIME },
	{ "rnodev", OPTION_REC_SET, MOUNT_ATTR_NODEV },
	{ "rnodiratime", OPTION_REC_SET, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", OPTION_REC_SET, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", OPTION_REC_CLEAR, MOUNT_ATTR_RELATIME },
	{ "rnostrictatime", OPTION_REC_CLEAR, MOUNT_ATTR_STRICTATIME },
	{ "rnosuid", OPTION_REC_SET, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", OPTION_REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", OPTION_SET, MS_RDONLY },
	{ "rprivate", OPTION_PROPAGATE, MS_PRIVATE | MS_REC },
	{ "rrelatime", OPTION_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rro", OPTION_REC_SET, MOUNT_ATTR_RDONLY },
	{ "rrw", OPTION_REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rshared", OPTION_PROPAGATE, MS_SHARED | MS_REC },
	{ "rslave", OPTION_PROPAGATE, MS_SLAVE | MS_REC },
	{ "rstrictatime", OPTION_REC_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", OPTION_REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", OPTION_REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", OPTION_PROPAGATE, MS_UNBINDABLE | MS_REC },
	{ "rw", OPTION_CLEAR, MS_RDONLY },
	{ "shared", OPTION_PROPAGATE, MS_SHARED },
	{ "silent", OPTION_SET, MS_SILENT },
	{ "slave", OPTION_PROPAGATE, MS_SLAVE },
	{ "strictatime", OPTION_SET, MS_STRICTATIME },
	{ "suid", OPTION_CLEAR, MS_NOSUID },
	{ "symfollow", OPTION_CLEAR, MS_NOSYMFOLLOW },
	{ "sync", OPTION_SET, MS_SYNCHRONOUS },
	{ "tmpcopyup", OPTION_TMPCOPYUP, 0 },
	{ "unbindable", OPTION_PROPAGATE, MS_UNBINDABLE },
};

const struct oci_word oci_propagation_words[] = {
	{ "", 0 },
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ NULL, 0 },
};

const char *const *oci_mount_option_names(void)
{
	static const char *names[ARRAY_SIZE(options) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	return names;
}

static int compare_option(const void *name, const void *option)
{
	return strcmp(name, ((const struct mount_option *)option)->name);
}

/* The later of two contradicting options wins, as with mount(8). */
static void apply_option(struct oci_mount *m, const struct mount_option *o)
{
	switch (o->kind) {
	case OPTION_NONE:
		break;
	case OPTION_SET:
		m->flags |= o->bits;
		m->cleared &= ~o->bits;
		break;
	case OPTION_CLEAR:
		m->flags &= ~o->bits;
		m->cleared |= o->bits;
		break;
	case OPTION_PROPAGATE:
		m->propagation = o->bits;
		break;
	case OPTION_REC_ATIME:
		m->rec_clear |= MOUNT_ATTR__ATIME;
		m->rec_set = (m->rec_set & ~(uint64_t)MOUNT_ATTR__ATIME) | o->bits;
		break;
	case OPTION_REC_SET:
		m->rec_set |= o->bits;
		m->rec_clear &= ~o->bits;
		break;
	case OPTION_REC_CLEAR:
		/* The kernel takes the access time mode only as a whole. */
		m->rec_clear |= o->bits & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : o->bits;
		m->rec_set &= ~o->bits;
		break;
	case OPTION_IDMAP:
		m->idmap = (enum oci_idmap)o->bits;
		break;
	case OPTION_TMPCOPYUP:
		m->tmpcopyup = true;
		break;
	case OPTION_COPY_SYMLINK:
		m->copy_symlink = true;
		break;
	}
}

/* `idmap=uids=0-1000-10;gids=...`: mappings given in the option itself: "container-host-size", more with '#'. With '@' before it the second
 * number is one of the container's user namespace. */
static int read_inline_maps(
	struct oci_parse *p, const struct json_node *n, const char *text, struct oci_id_maps *ret)
{
	size_t count = 1;

	for (const char *c = text; *c && *c != ';'; c++)
		count += *c == '#';
	ret->items = oci_parse_alloc(p, n, count, sizeof(*ret->items));
	if (!ret->items)
		return -1;
	ret->count = 0;
	while (*text && *text != ';') {
		bool relative = *text == '@';
		unsigned long long part[3];
		char *end = (char *)text + (relative || *text == '+');

		for (int i = 0; i < 3; i++) {
			if (*end < '0' || *end > '9')
				return json_fail(n, p->err, "bad mapping at '%s'", text);
			part[i] = strtoull(end, &end, 10);
			if (part[i] > UINT32_MAX || (i < 2 && *end++ != '-'))
				return json_fail(n, p->err, "bad mapping at '%s'", text);
		}
		ret->items[ret->count++] = (struct oci_id_map){ (uint32_t)part[0],
			(uint32_t)part[1], (uint32_t)part[2], relative };
		if (*end && *end != '#' && *end != ';')
			return json_fail(n, p->err, "bad mapping at '%s'", text);
		text = *end == '#' ? end + 1 : end;
	}
	return 0;
}

static int read_idmap_option(
	struct oci_parse *p, const struct json_node *n, const char *word, struct oci_mount *m)
{
	const char *maps = strchr(word, '=') + 1;

	m->idmap = word[0] == 'r' ? OCI_IDMAP_REC : OCI_IDMAP;
	while (*maps) {
		struct oci_id_maps *to = str_starts(maps, "uids=")   ? &m->uid_maps
					 : str_starts(maps, "gids=") ? &m->gid_maps
								     : NULL;

		if (!to)
			return json_fail(n, p->err, "expected uids= or gids= at '%s'", maps);
		if (read_inline_maps(p, n, maps + 5, to) < 0)
			return -1;
		maps += strcspn(maps, ";");
		maps += *maps == ';';
	}
	return 0;
}

static int read_options(struct oci_parse *p, const struct json_node *n, void *to)
{
	_auto_buf_ struct buf data = BUF_INIT(64 * 1024);
	struct oci_mount *m = to;
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct mount_option *o;
		const char *word;

		json_item(n, i, &item);
		if (json_as_string(&item, &word, p->err) < 0)
			return -1;
		o = bsearch(word, options, ARRAY_SIZE(options), sizeof(options[0]), compare_option);
		if (o)
			apply_option(m, o);
		else if (str_starts(word, "idmap=") || str_starts(word, "ridmap=")) {
			if (read_idmap_option(p, &item, word, m) < 0)
				return -1;
		} else if (word[0])
			buf_addf(&data, "%s%s", data.len ? "," : "", word);
	}
	if (data.failed)
		return json_fail(n, p->err, "too long");
	if (data.len) {
		m->data = arena_strn(p->arena, data.data, data.len);
		if (!m->data)
			return json_fail(n, p->err, "out of memory");
	}
	return 0;
}

#define AT(type, member) offsetof(struct type, member)

const struct oci_field oci_id_map_fields[] = {
	{ "containerID", FIELD_UINT, AT(oci_id_map, container), .required = true },
	{ "hostID", FIELD_UINT, AT(oci_id_map, host), .required = true },
	{ "size", FIELD_UINT, AT(oci_id_map, size), .required = true },
	{ NULL },
};

#define ID_MAPS(key_, member_)                                                                     \
	{                                                                                          \
		.key = (key_), .kind = FIELD_LIST, .offset = AT(oci_mount, member_),               \
		.size = sizeof(struct oci_id_map), .fields = oci_id_map_fields                     \
	}

const struct oci_field oci_mount_fields[] = {
	{ "destination", FIELD_STRING, AT(oci_mount, destination), .required = true },
	{ "source", FIELD_STRING, AT(oci_mount, source) },
	{ "type", FIELD_STRING, AT(oci_mount, type) },
	{ "options", FIELD_CUSTOM, 0, .custom = read_options },
	ID_MAPS("uidMappings", uid_maps),
	ID_MAPS("gidMappings", gid_maps),
	{ NULL },
};

int oci_read_mount(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_mount *m = to;

	if (!m->destination[0])
		return json_fail(n, p->err, "destination is empty");
	if (m->destination[0] != '/') {
		/* The specification wants it absolute; engines of old gave "dev/shm" and runc takes
		 * that still. */
		size_t len = strlen(m->destination);
		char *path = arena_alloc(p->arena, len + 2, 1);

		if (!path)
			return json_fail(n, p->err, "out of memory");
		path[0] = '/';
		memcpy(path + 1, m->destination, len);
		m->destination = path;
	}
	if (m->type && str_eq(m->type, "bind") && !(m->flags & MS_BIND))
		m->flags |= MS_BIND;
	if (m->flags & MS_BIND || (m->type && !m->type[0]))
		m->type = NULL;
	if (m->flags & MS_BIND && !m->source)
		return json_fail(n, p->err, "a bind mount needs a source");
	/* Mappings without the word ask for this mount's own idmap, as runc has it. */
	if (m->idmap == OCI_IDMAP_NONE && (m->uid_maps.count || m->gid_maps.count))
		m->idmap = OCI_IDMAP;
	if (!m->uid_maps.count != !m->gid_maps.count)
		return json_fail(n, p->err, "uidMappings and gidMappings go together");
	return 0;
}

/* The ids of `maps` that are meant inside of the user namespace, as the host has them. */
static int resolve_maps(const struct oci_id_maps *maps, const struct oci_id_maps *userns,
	const char *target, struct md_error *err)
{
	for (size_t i = 0; i < maps->count; i++) {
		struct oci_id_map *m = &maps->items[i];
		size_t k = 0;

		if (!m->relative)
			continue;
		while (k < userns->count &&
			(m->host < userns->items[k].container ||
				m->host - userns->items[k].container >= userns->items[k].size))
			k++;
		if (k == userns->count)
			return md_fail(err, EINVAL,
				"mounts: idmap of '%s': %u is no id of the user namespace", target,
				m->host);
		m->host += userns->items[k].host - userns->items[k].container;
		m->relative = false;
	}
	return 0;
}

int oci_mounts_resolve(struct oci_spec *s, struct md_error *err)
{
	for (size_t i = 0; i < s->mount_count; i++) {
		const struct oci_mount *m = &s->mounts[i];

		if (resolve_maps(&m->uid_maps, &s->uid_maps, m->destination, err) < 0 ||
			resolve_maps(&m->gid_maps, &s->gid_maps, m->destination, err) < 0)
			return -1;
	}
	return 0;
}
