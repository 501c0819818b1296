/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

enum { LEASES_CEILING = 16 << 20, ELEMENTS_CEILING = 64 << 10 };

void network_done(struct network *n)
{
	rules_close(&n->rules);
	link_close(&n->link);
	network_leases_done(&n->leases);
	fd_close(&n->lock);
	fd_close(&n->dir);
	free(n->root);
	n->root = NULL;
}

static int load_leases(struct network *n, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;

	if (file_read(n->dir, "leases.json", LEASES_CEILING, &text, &len) < 0) {
		if (errno != ENOENT)
			return md_fail_errno(err, "network: read leases.json");
		n->leases = (struct network_leases){ .pool = NETWORK_POOL };
		return 0;
	}
	if (network_leases_parse(text, len, &n->leases, err) < 0)
		return md_wrap(err, "network: leases.json");
	return 0;
}

int network_save_leases(const struct network *n, struct md_error *err)
{
	_auto_free_ char *text = network_leases_text(&n->leases);

	if (!text || file_write_atomic(n->dir, "leases.json", text, strlen(text), 0600) < 0)
		return md_fail_errno(err, "network: write leases.json");
	return 0;
}

int network_init(struct network *n, const char *root, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/network/elements", root);

	if (!path || file_mkdirs(path, 0700) < 0)
		return md_fail_errno(err, "network: make '%s/network'", root);
	n->root = realpath(root, NULL);
	if (!n->root)
		return md_fail_errno(err, "network: find '%s'", root);
	*strrchr(path, '/') = '\0';
	n->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->dir < 0)
		return md_fail_errno(err, "network: open '%s'", path);
	n->lock = file_lock(n->dir, "lock", true, true);
	if (n->lock < 0)
		return md_fail_errno(err, "network: lock '%s'", path);
	if (load_leases(n, err) < 0)
		return -1;
	if (link_open(&n->link, -1) < 0)
		return md_fail_errno(err, "network: open rtnetlink");
	return rules_open(&n->rules, err);
}

int network_all_elements(const struct network *n, struct buf *to, struct md_error *err)
{
	int fd = openat(n->dir, "elements", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&fd);
		return md_fail_errno(err, "network: open 'elements'");
	}
	while (r == 0 && (entry = readdir(dir))) {
		_auto_free_ char *text = NULL;
		size_t len;

		if (entry->d_name[0] == '.')
			continue;
		if (file_read(dirfd(dir), entry->d_name, ELEMENTS_CEILING, &text, &len) < 0)
			r = md_fail_errno(err, "network: read 'elements/%s'", entry->d_name);
		else
			buf_add(to, text, len);
	}
	closedir(dir);
	return r;
}

bool network_has_elements(const struct network *n)
{
	_auto_buf_ struct buf text = BUF_INIT(NETWORK_RULES_CEILING);
	struct md_error ignored = MD_ERROR_INIT;

	return network_all_elements(n, &text, &ignored) < 0 || text.len;
}

/* Runs each command of `text` by itself: what isn't there is no error. */
static void run_each(struct network *n, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		if (*line)
			rules_run(&n->rules, line, NULL);
	}
}

int network_remove_elements(struct network *n, const char *id, bool rules, struct md_error *err)
{
	_auto_free_ char *path = str_format("elements/%s", id);
	_auto_free_ char *text = NULL;
	_auto_buf_ struct buf commands = BUF_INIT(ELEMENTS_CEILING * 2);
	char *rest, *line;

	if (!path)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (file_read(n->dir, path, ELEMENTS_CEILING, &text, NULL) < 0) {
		if (errno == ENOENT)
			return 0;
		return md_fail_errno(err, "network: read '%s'", path);
	}
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (str_starts(line, "add "))
			buf_addf(&commands, "delete %s\n", line + strlen("add "));
	}
	if (commands.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (rules && commands.len && rules_run(&n->rules, buf_str(&commands), NULL) < 0)
		run_each(n, commands.data);
	if (unlinkat(n->dir, path, 0) < 0 && errno != ENOENT)
		return md_fail_errno(err, "network: remove '%s'", path);
	return 0;
}

/* The file first, so that whatever happens next, detach knows what to take away. */
int network_add_elements(
	struct network *n, const char *id, const struct rules_endpoint *e, struct md_error *err)
{
	_auto_free_ char *path = str_format("elements/%s", id);
	_auto_buf_ struct buf text = BUF_INIT(ELEMENTS_CEILING);

	rules_add_text(&text, e);
	if (!path || text.failed)
		return md_fail(err, ENOMEM, "network: out of memory");
	if (network_remove_elements(n, id, true, err) < 0)
		return -1;
	if (file_write_atomic(n->dir, path, text.data, text.len, 0600) < 0)
		return md_fail_errno(err, "network: write '%s'", path);
	return rules_run(&n->rules, buf_str(&text), err);
}
