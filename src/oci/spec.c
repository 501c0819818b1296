/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "oci/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "oci/fields.h"

#include "base/poison.h"

#define AT(member) offsetof(struct oci_spec, member)

static int read_process(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_process *process = oci_parse_alloc(p, n, 1, sizeof(*process));

	if (!process || json_as_object(n, p->err) < 0 ||
		oci_read_fields(p, n, oci_process_fields, process) < 0 ||
		oci_read_process_end(p, n, process) < 0)
		return -1;
	*(struct oci_process **)to = process;
	return 0;
}

static int read_root_path(struct oci_parse *p, const struct json_node *n, void *to)
{
	const char *path;

	if (json_as_string(n, &path, p->err) < 0)
		return -1;
	if (!path[0])
		return json_fail(n, p->err, "is empty");
	*(const char **)to = path;
	return 0;
}

static const struct oci_field root_fields[] = {
	{ "path", FIELD_CUSTOM, AT(root_path), .required = true, .custom = read_root_path },
	{ "readonly", FIELD_BOOL, AT(root_readonly) },
	{ NULL },
};

static const struct oci_field hook_fields[] = {
	{ "path", FIELD_PATH, offsetof(struct oci_hook, path), .required = true },
	{ "args", FIELD_STRS, offsetof(struct oci_hook, args) },
	{ "env", FIELD_STRS, offsetof(struct oci_hook, env) },
	{ "timeout", FIELD_I64, offsetof(struct oci_hook, timeout), .min = 1, .max = INT32_MAX },
	{ NULL },
};

/* Without args, argv[0] is the path itself. */
static int finish_hook(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_hook *h = to;

	if (!h->args.count) {
		h->args.items = oci_parse_alloc(p, n, 2, sizeof(char *));
		if (!h->args.items)
			return -1;
		h->args.items[0] = (char *)h->path;
		h->args.count = 1;
	}
	h->env_set = h->env.items;
	if (!h->env.items)
		h->env.items = oci_parse_alloc(p, n, 1, sizeof(char *));
	return h->env.items ? 0 : -1;
}

#define HOOKS(key_, kind_)                                                                         \
	{                                                                                          \
		.key = (key_), .kind = FIELD_LIST, .offset = AT(hooks[kind_]),                     \
		.size = sizeof(struct oci_hook), .fields = hook_fields, .custom = finish_hook      \
	}

static const struct oci_field hooks_fields[] = {
	HOOKS("prestart", OCI_HOOK_PRESTART),
	HOOKS("createRuntime", OCI_HOOK_CREATE_RUNTIME),
	HOOKS("createContainer", OCI_HOOK_CREATE_CONTAINER),
	HOOKS("startContainer", OCI_HOOK_START_CONTAINER),
	HOOKS("poststart", OCI_HOOK_POSTSTART),
	HOOKS("poststop", OCI_HOOK_POSTSTOP),
	{ NULL },
};

static const struct oci_field spec_fields[] = {
	{ "ociVersion", FIELD_STRING, AT(version) },
	{ "process", FIELD_CUSTOM, AT(process), .custom = read_process },
	{ "root", FIELD_OBJECT, 0, .fields = root_fields },
	{ "mounts", FIELD_LIST, AT(mounts), .size = sizeof(struct oci_mount),
		.fields = oci_mount_fields, .custom = oci_read_mount },
	{ "hostname", FIELD_STRING, AT(hostname) },
	{ "domainname", FIELD_STRING, AT(domainname) },
	{ "hooks", FIELD_OBJECT, 0, .fields = hooks_fields },
	{ "annotations", FIELD_PAIRS, AT(annotations) },
	{ "linux", FIELD_OBJECT, 0, .fields = oci_linux_fields },
	{ NULL },
};

/* A new user namespace without mappings: root's has the same ids as the host, another user's has
 * root for that user. */
static int fill_maps(struct oci_parse *p, struct oci_spec *s)
{
	const struct oci_id_map all = { 0, 0, UINT32_MAX };
	const struct oci_id_map user = { 0, geteuid(), 1 }, group = { 0, getegid(), 1 };
	struct oci_id_map *maps;

	if (!s->ns[OCI_NS_USER].set || s->ns[OCI_NS_USER].path || s->uid_maps.count ||
		s->gid_maps.count)
		return 0;
	maps = arena_new(p->arena, struct oci_id_map, 2);
	if (!maps)
		return md_fail(p->err, ENOMEM, "out of memory");
	maps[0] = geteuid() == 0 ? all : user;
	maps[1] = geteuid() == 0 ? all : group;
	s->uid_maps = (struct oci_id_maps){ &maps[0], 1 };
	s->gid_maps = (struct oci_id_maps){ &maps[1], 1 };
	return 0;
}

/* Lists that the document leaves out are empty, not NULL. */
static int fill_lists(struct oci_parse *p, struct oci_spec *s)
{
	struct oci_strs *lists[] = { &s->seccomp.architectures, &s->masked_paths,
		&s->readonly_paths, &s->intel_rdt.schemata };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (!lists[i]->items)
			lists[i]->items = arena_new(p->arena, char *, 1);
		if (!lists[i]->items)
			return md_fail(p->err, ENOMEM, "out of memory");
	}
	return 0;
}

/* A mount on "/" would lie below the container's root: it is the root itself that is meant. */
static void find_root_readonly(struct oci_spec *s)
{
	for (size_t i = 0; i < s->readonly_paths.count; i++)
		s->root_readonly |= oci_is_root(s->readonly_paths.items[i]);
}

int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct md_error *err)
{
	struct oci_parse p = { &ret->arena, err };
	struct json_node root;

	*ret = (struct oci_spec)OCI_SPEC_INIT;
	if (json_parse(&ret->doc, text, len, err) == 0 && json_root(&ret->doc, &root, err) == 0 &&
		oci_read_fields(&p, &root, spec_fields, ret) == 0 && fill_lists(&p, ret) == 0 &&
		fill_maps(&p, ret) == 0 && oci_mounts_resolve(ret, err) == 0 &&
		oci_spec_check(ret, err) == 0) {
		find_root_readonly(ret);
		return 0;
	}
	oci_spec_done(ret);
	return -1;
}

int oci_spec_load(const char *bundle, struct oci_spec *ret, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/config.json", bundle);
	_auto_free_ char *text = NULL;
	size_t len;

	if (!path)
		return md_fail(err, ENOMEM, "out of memory");
	if (file_read(AT_FDCWD, path, OCI_CONFIG_CEILING, &text, &len) < 0)
		return md_fail_errno(err, "open %s", path);
	if (oci_spec_parse(text, len, ret, err) < 0)
		return md_wrap(err, "%s", path);
	return 0;
}

void oci_spec_done(struct oci_spec *s)
{
	if (!s)
		return;
	json_done(&s->doc);
	arena_done(&s->arena);
	*s = (struct oci_spec)OCI_SPEC_INIT;
}

const char *oci_annotation(const struct oci_spec *s, const char *key)
{
	for (size_t i = 0; i < s->annotations.count; i++) {
		if (str_eq(s->annotations.items[i].key, key))
			return s->annotations.items[i].value;
	}
	return NULL;
}
