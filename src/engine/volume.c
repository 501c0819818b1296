/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

void volumes_done(struct volumes *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].source);
		free(v->items[i].target);
	}
	free(v->items);
	v->items = NULL;
	v->count = 0;
}

/* "/a//b/./c/" becomes "/a/b/c" in place. false if it has a "..". */
static bool clean_path(char *path)
{
	char *to = path, *at = path, *part;

	while ((part = strsep(&at, "/"))) {
		size_t len = strlen(part);

		if (str_eq(part, ".."))
			return false;
		if (len == 0 || str_eq(part, "."))
			continue;
		*to++ = '/';
		memmove(to, part, len);
		to += len;
	}
	*to = '\0';
	return true;
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static int check_target(const struct volumes *v, const char *target, struct md_error *err)
{
	/* What the profile masks there must not be undone by a volume. */
	static const char *const kept[] = { "/proc", "/sys", "/dev" };

	if (target[0] == '\0')
		return md_fail(err, EINVAL, "a volume can't be mounted on /");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (is_below(target, kept[i]))
			return md_fail(err, EINVAL, "a volume can't be mounted in %s", kept[i]);
	}
	for (size_t i = 0; i < v->count; i++) {
		if (str_eq(v->items[i].target, target))
			return md_fail(err, EINVAL, "two volumes at '%s'", target);
	}
	return 0;
}

int volumes_add(struct volumes *v, const char *source, const char *target, bool read_only,
	struct md_error *err)
{
	_auto_free_ char *from = strdup(source);
	_auto_free_ char *to = strdup(target);
	struct volume *grown;

	if (!from || !to)
		return md_fail_errno(err, "volume '%s'", source);
	if (from[0] != '/' || to[0] != '/')
		return md_fail(err, EINVAL, "volume '%.200s': '%.200s' is not an absolute path",
			source, from[0] != '/' ? from : to);
	if (!clean_path(to))
		return md_fail(err, EINVAL, "volume '%.200s': no '..' in '%.200s'", source, target);
	if (check_target(v, to, err) < 0)
		return -1;
	if (v->count == VOLUMES_MAX)
		return md_fail(err, E2BIG, "more than %d volumes", VOLUMES_MAX);
	grown = mem_resize(v->items, v->count + 1);
	if (!grown)
		return md_fail_errno(err, "volume '%s'", source);
	v->items = grown;
	v->items[v->count].source = take_ptr(from);
	v->items[v->count].target = take_ptr(to);
	v->items[v->count].read_only = read_only;
	v->count++;
	return 0;
}

int volumes_add_text(struct volumes *v, const char *text, struct md_error *err)
{
	_auto_free_ char *copy = strdup(text);
	char *target = copy ? strchr(copy, ':') : NULL;
	char *mode = target ? strchr(target + 1, ':') : NULL;

	if (!copy)
		return md_fail_errno(err, "volume");
	if (!target)
		return md_fail(err, EINVAL,
			"volume '%.200s': write it as SOURCE:TARGET or SOURCE:TARGET:ro", text);
	*target++ = '\0';
	if (mode)
		*mode++ = '\0';
	if (mode && !str_eq(mode, "ro") && !str_eq(mode, "rw"))
		return md_fail(
			err, EINVAL, "volume '%.200s': '%.40s' is neither ro nor rw", text, mode);
	return volumes_add(v, copy, target, mode && str_eq(mode, "ro"), err);
}
