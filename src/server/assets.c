/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/x-icon" },
	{ ".woff2", "font/woff2" },
	{ ".wasm", "application/wasm" },
	{ ".txt", "text/plain; charset=utf-8" },
};

/* The Content-Type for a file name, NULL if it is none that we serve. */
static const char *type_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_ends(name, types[i].ending))
			return types[i].type;
	}
	return NULL;
}

static void set_etag(struct asset *f)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[33];

	crypto_hash_sha256(hash, (const unsigned char *)f->data, f->len);
	sodium_bin2hex(hex, sizeof(hex), hash, 16);
	snprintf(f->etag, sizeof(f->etag), "\"%s\"", hex);
}

static int add_file(
	struct assets *a, int dir_fd, const char *name, const char *path, struct md_error *err)
{
	struct asset f = { .type = type_of(name) };
	struct asset *items;

	if (!f.type)
		return 0; /* source maps, notes: not served */
	if (a->count == ASSETS_MAX_FILES)
		return md_fail(err, E2BIG, "more than %d files", ASSETS_MAX_FILES);
	items = mem_resize(a->items, a->count + 1);
	if (!items)
		return md_fail(err, ENOMEM, "no memory");
	a->items = items;
	if (file_read(dir_fd, name, ASSETS_MAX_BYTES - a->bytes, &f.data, &f.len) < 0)
		return md_fail_errno(err, "read '%s'", path);
	f.path = strdup(path);
	if (!f.path) {
		free(f.data);
		return md_fail(err, ENOMEM, "no memory");
	}
	set_etag(&f);
	/* Vite puts a hash of the contents into the names below /assets/. */
	f.immutable = str_starts(path, "/assets/");
	a->items[a->count++] = f;
	a->bytes += f.len;
	return 0;
}

static int add_folder(
	struct assets *a, int dir_fd, const char *prefix, int depth, struct md_error *err)
{
	int fd = dup(dir_fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		fd_close(&fd);
		return md_fail_errno(err, "read '%s'", prefix);
	}
	while (r == 0 && (e = readdir(dir))) {
		_auto_free_ char *path = NULL;
		_auto_close_ int below = -1;

		if (e->d_name[0] == '.')
			continue;
		path = str_format("%s/%s", prefix, e->d_name);
		if (!path) {
			r = md_fail(err, ENOMEM, "no memory");
			break;
		}
		below = openat(dir_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			r = add_file(a, dir_fd, e->d_name, path, err);
		else if (depth < ASSETS_MAX_DEPTH)
			r = add_folder(a, below, path, depth + 1, err);
	}
	closedir(dir);
	return r;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct asset *)a)->path, ((const struct asset *)b)->path);
}

int assets_load(struct assets *a, const char *folder, struct md_error *err)
{
	_auto_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*a = (struct assets){ 0 };
	if (fd < 0)
		return md_fail_errno(err, "--assets '%s'", folder);
	if (add_folder(a, fd, "", 0, err) < 0) {
		assets_done(a);
		return md_wrap(err, "--assets '%s'", folder);
	}
	if (a->count)
		qsort(a->items, a->count, sizeof(*a->items), by_path);
	if (!assets_find(a, "/")) {
		assets_done(a);
		return md_fail(err, ENOENT, "--assets '%s' has no index.html: build the page first",
			folder);
	}
	return 0;
}

void assets_done(struct assets *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->items[i].path);
		free(a->items[i].data);
	}
	free(a->items);
	*a = (struct assets){ 0 };
}

const struct asset *assets_find(const struct assets *a, const char *path)
{
	struct asset key = { .path = (char *)(str_eq(path, "/") ? "/index.html" : path) };

	return a->count ? bsearch(&key, a->items, a->count, sizeof(*a->items), by_path) : NULL;
}
