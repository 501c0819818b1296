/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "runtime/rdt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/rdt_text.h"
#include "base/poison.h"

#define RDT_ROOT "/sys/fs/resctrl"

enum { FILE_CEILING = 65536 };

/* ---- the record: "own NAME", "shared NAME", "monitored NAME" ---- */

static bool wants_counters(const struct oci_intel_rdt *r)
{
	return r->enable_cmt || r->enable_mbm;
}

char *rdt_record(const struct oci_intel_rdt *r, const char *id)
{
	if (!r->clos_id)
		return str_format("own %s", id);
	return str_format("%s %s", wants_counters(r) ? "monitored" : "shared", r->clos_id);
}

static const char *name_of(const char *record)
{
	const char *space = strchr(record, ' ');

	return space ? space + 1 : record;
}

/* ---- files ---- */

static int open_root(struct md_error *err)
{
	_auto_close_ int fd = open(RDT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && faccessat(fd, "schemata", F_OK, 0) == 0)
		return take_fd(&fd);
	return md_fail(
		err, ENOTSUP, "linux.intelRdt: no resctrl file system is mounted on " RDT_ROOT);
}

static int open_group(int root, const char *name, struct md_error *err)
{
	int fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? md_fail_errno(err, "linux.intelRdt: the group '%s' of " RDT_ROOT, name)
		      : fd;
}

/* The whole text without its last newline; NULL: there is none. */
static char *read_text(int dir, const char *path)
{
	char *text = NULL;
	size_t len;

	if (file_read(dir, path, FILE_CEILING, &text, &len) < 0)
		return NULL;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return text;
}

static int write_text(int dir, const char *path, const char *text)
{
	_auto_close_ int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* ---- schemata ---- */

/* The lines of `text`, those for bandwidth left out if `but_bandwidth`, each with its newline. */
static void add_lines(struct buf *to, const char *text, bool but_bandwidth)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		if (len && !(but_bandwidth && str_starts(text, "MB:"))) {
			buf_add(to, text, len);
			buf_add_char(to, '\n');
		}
		text += len + (text[len] == '\n');
	}
}

static void add_schemas(struct buf *to, const char *l3, const char *mem_bw)
{
	bool bandwidth = mem_bw && mem_bw[0];

	add_lines(to, l3, bandwidth);
	if (bandwidth)
		add_lines(to, mem_bw, false);
}

/* The kernel's own words lie in a file of their own. */
static int fail_schemata(int root, const char *text, struct md_error *err)
{
	int saved = errno;
	_auto_free_ char *words = read_text(root, "info/last_cmd_status");

	errno = saved;
	return md_fail_errno(err, "linux.intelRdt: write the schemata '%.200s'%s%s", text,
		words ? ": " : "", words ? words : "");
}

static int write_schemata(int root, int group, const struct buf *text, struct md_error *err)
{
	if (text->failed)
		return md_fail(err, ENOMEM, "out of memory");
	if (text->len && write_text(group, "schemata", buf_str(text)) < 0)
		return fail_schemata(root, buf_str(text), err);
	return 0;
}

/* What others have made must be what is wanted; it isn't ours to be changed. */
static int compare_schemata(
	int group, const char *name, const struct buf *wanted, struct md_error *err)
{
	_auto_free_ char *text = read_text(group, "schemata");
	_auto_free_ char *copy = strdup(buf_str(wanted));
	char *rest = copy;

	if (!text || !copy)
		return md_fail_errno(err, "linux.intelRdt: read the schemata of '%s'", name);
	while (rest) {
		char *line = strsep(&rest, "\n");

		if (*line && !rdt_text_has(text, line))
			return md_fail(err, EEXIST,
				"linux.intelRdt: the group '%s' is there with other schemata than "
				"'%s'",
				name, line);
	}
	return 0;
}

/* ---- making ---- */

static bool counts(int root, const char *feature)
{
	_auto_free_ char *features = read_text(root, "info/L3_MON/mon_features");

	return features && strstr(features, feature);
}

static int check_counters(int root, const struct oci_intel_rdt *r, struct md_error *err)
{
	if (r->enable_cmt && !counts(root, "llc_occupancy"))
		return md_fail(err, ENOTSUP,
			"linux.intelRdt.enableCMT: this host doesn't count the use of caches");
	if (r->enable_mbm && !counts(root, "mbm_total_bytes") && !counts(root, "mbm_local_bytes"))
		return md_fail(err, ENOTSUP,
			"linux.intelRdt.enableMBM: this host doesn't count the bandwidth of "
			"memory");
	return 0;
}

static int make_folder(int root, const char *name, bool *ret_fresh, struct md_error *err)
{
	*ret_fresh = mkdirat(root, name, 0755) == 0;
	if (*ret_fresh || errno == EEXIST)
		return 0;
	if (errno == ENOSPC)
		return md_fail(err, ENOSPC,
			"linux.intelRdt: the processor has no class of service left for '%s'",
			name);
	return md_fail_errno(err, "linux.intelRdt: make the group '%s' of " RDT_ROOT, name);
}

static int make_monitor(
	int group, const struct oci_intel_rdt *r, const char *id, struct md_error *err)
{
	_auto_free_ char *path = str_format("mon_groups/%s", id);

	if (!r->clos_id || !wants_counters(r))
		return 0;
	if (!path || (mkdirat(group, path, 0755) < 0 && errno != EEXIST))
		return md_fail_errno(err, "linux.intelRdt: make the monitoring group '%s'", id);
	return 0;
}

static int fill_group(
	int root, const struct oci_intel_rdt *r, const char *id, bool fresh, struct md_error *err)
{
	const char *name = r->clos_id ? r->clos_id : id;
	_auto_buf_ struct buf first = BUF_INIT(FILE_CEILING);
	_auto_buf_ struct buf then = BUF_INIT(FILE_CEILING);
	_auto_close_ int group = open_group(root, name, err);

	if (group < 0)
		return -1;
	add_schemas(&first, r->l3_schema, r->mem_bw_schema);
	for (size_t i = 0; i < r->schemata.count; i++)
		add_lines(&then, r->schemata.items[i], false);
	if (fresh && (write_schemata(root, group, &first, err) < 0 ||
			     write_schemata(root, group, &then, err) < 0))
		return -1;
	if (!fresh && (compare_schemata(group, name, &first, err) < 0 ||
			      compare_schemata(group, name, &then, err) < 0))
		return -1;
	return make_monitor(group, r, id, err);
}

int rdt_make(const struct oci_intel_rdt *r, const char *id, struct md_error *err)
{
	const char *name = r->clos_id ? r->clos_id : id;
	_auto_close_ int root = open_root(err);
	bool wanted = r->l3_schema || r->mem_bw_schema || r->schemata.count;
	bool fresh = false;

	if (root < 0 || check_counters(root, r, err) < 0)
		return -1;
	if ((!r->clos_id || wanted) && make_folder(root, name, &fresh, err) < 0)
		return -1;
	if (!r->clos_id && !fresh)
		return md_fail(err, EEXIST,
			"linux.intelRdt: there is a group '%s' of " RDT_ROOT " already", name);
	if (fill_group(root, r, id, fresh, err) == 0)
		return 0;
	if (fresh)
		unlinkat(root, name, AT_REMOVEDIR);
	return -1;
}

/* ---- what is there ---- */

static int enter(int dir, const char *path, const char *name, pid_t pid, struct md_error *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	if (write_text(dir, path, text) < 0)
		return md_fail_errno(err, "linux.intelRdt: enter the group '%s'", name);
	return 0;
}

int rdt_enter(const char *record, const char *id, pid_t pid, struct md_error *err)
{
	const char *name = name_of(record);
	_auto_close_ int root = open_root(err);
	_auto_close_ int group = root < 0 ? -1 : open_group(root, name, err);
	_auto_free_ char *monitor = str_format("mon_groups/%s/tasks", id);

	if (group < 0 || enter(group, "tasks", name, pid, err) < 0)
		return -1;
	if (!str_starts(record, "monitored "))
		return 0;
	return monitor ? enter(group, monitor, id, pid, err)
		       : md_fail(err, ENOMEM, "out of memory");
}

int rdt_update(const char *record, const char *l3, const char *mem_bw, struct md_error *err)
{
	_auto_buf_ struct buf text = BUF_INIT(FILE_CEILING);
	_auto_close_ int root = open_root(err);
	_auto_close_ int group = root < 0 ? -1 : open_group(root, name_of(record), err);

	if (group < 0)
		return -1;
	add_schemas(&text, l3, mem_bw);
	return write_schemata(root, group, &text, err);
}

int rdt_remove(const char *record, const char *id, struct md_error *err)
{
	const char *name = name_of(record);
	_auto_close_ int root = open_root(NULL);
	_auto_free_ char *path = NULL;

	if (root < 0 || str_starts(record, "shared "))
		return 0;
	path = str_starts(record, "own ") ? strdup(name) : str_format("%s/mon_groups/%s", name, id);
	if (!path)
		return md_fail(err, ENOMEM, "out of memory");
	if (unlinkat(root, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return md_fail_errno(
			err, "linux.intelRdt: remove the group '%s' of " RDT_ROOT, path);
	return 0;
}

/* ---- statistics ---- */

static void add_number(struct json_writer *w, int root, const char *folder, const char *file)
{
	_auto_free_ char *path = str_format("info/%s/%s", folder, file);
	_auto_free_ char *text = path ? read_text(root, path) : NULL;

	if (text)
		json_add_u64(w, file, strtoull(text, NULL, 10));
}

static void add_line(struct json_writer *w, const char *key, int dir, const char *resource)
{
	_auto_free_ char *text = read_text(dir, "schemata");
	_auto_free_ char *line = rdt_text_line(text, resource, strlen(resource));

	if (line)
		json_add_string(w, key, line);
}

static void add_cache(struct json_writer *w, int root, int group)
{
	_auto_free_ char *mask = read_text(root, "info/L3/cbm_mask");

	if (!mask)
		return;
	json_object_begin(w, "l3_cache_info");
	json_add_string(w, "cbm_mask", mask);
	add_number(w, root, "L3", "min_cbm_bits");
	add_number(w, root, "L3", "num_closids");
	json_object_end(w);
	add_line(w, "l3_cache_schema_root", root, "L3");
	add_line(w, "l3_cache_schema", group, "L3");
}

static void add_bandwidth(struct json_writer *w, int root, int group)
{
	static const char *const numbers[] = { "bandwidth_gran", "delay_linear", "min_bandwidth",
		"num_closids" };

	if (faccessat(root, "info/MB", F_OK, 0) < 0)
		return;
	json_object_begin(w, "mem_bw_info");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		add_number(w, root, "MB", numbers[i]);
	json_object_end(w);
	add_line(w, "mem_bw_schema_root", root, "MB");
	add_line(w, "mem_bw_schema", group, "MB");
}

/* An object for each domain (mon_data/mon_L3_00, ...), with those of the counters that it has; none: no member. */
static void add_counters(struct json_writer *w, int group, const char *data, const char *key,
	const char *const *counters, size_t count)
{
	int fd = openat(group, data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool any = false;
	struct dirent *e;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d))) {
		bool begun = false;

		if (!str_starts(e->d_name, "mon_L3_"))
			continue;
		for (size_t i = 0; i < count; i++) {
			_auto_free_ char *path = str_format("%s/%s", e->d_name, counters[i]);
			_auto_free_ char *text = path ? read_text(fd, path) : NULL;

			if (!text)
				continue;
			if (!any)
				json_array_begin(w, key);
			if (!begun)
				json_object_begin(w, NULL);
			any = begun = true;
			json_add_u64(w, counters[i], strtoull(text, NULL, 10));
		}
		if (begun)
			json_object_end(w);
	}
	if (any)
		json_array_end(w);
	closedir(d);
}

void rdt_write_stats(const char *record, const char *id, struct json_writer *w)
{
	static const char *const bandwidth[] = { "mbm_total_bytes", "mbm_local_bytes" };
	static const char *const occupancy[] = { "llc_occupancy" };
	_auto_close_ int root = record ? open_root(NULL) : -1;
	_auto_close_ int group = root < 0 ? -1 : open_group(root, name_of(record), NULL);
	_auto_free_ char *data = NULL;

	if (group < 0)
		return;
	data = str_starts(record, "monitored ") ? str_format("mon_groups/%s/mon_data", id)
						: strdup("mon_data");
	if (!data)
		return;
	add_cache(w, root, group);
	add_bandwidth(w, root, group);
	add_counters(w, group, data, "mbm_stats", bandwidth, ARRAY_SIZE(bandwidth));
	add_counters(w, group, data, "cmt_stats", occupancy, ARRAY_SIZE(occupancy));
}
