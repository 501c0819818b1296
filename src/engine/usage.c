/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/usage.h"

#include <errno.h>
#include <linux/major.h>
#include <string.h>

#include "base/buf.h"
#include "engine/runtime_cli.h"
#include "json/json_read.h"
#include "base/poison.h"

enum { STATS_MAX = 1 << 20 };

/* Where a figure stands in the runtime's document. */
static const struct figure {
	const char *path[4]; /* below "data"; NULL ends it */
	size_t offset;
} figures[] = {
	{ { "cpu", "usage", "total" }, offsetof(struct usage, cpu_ns) },
	{ { "memory", "usage", "usage" }, offsetof(struct usage, memory) },
	{ { "memory", "usage", "limit" }, offsetof(struct usage, memory_limit) },
	{ { "pids", "current" }, offsetof(struct usage, pids) },
	{ { "pids", "limit" }, offsetof(struct usage, pids_limit) },
};

static void read_figure(const struct json_node *data, const struct figure *f, struct usage *ret)
{
	struct json_node nodes[4];
	const struct json_node *at = data;

	for (size_t i = 0; f->path[i]; i++) {
		if (!json_member(at, f->path[i], &nodes[i]))
			return; /* not counted on this host */
		at = &nodes[i];
	}
	json_as_u64(at, UINT64_MAX, (uint64_t *)((char *)ret + f->offset), NULL);
}

static const struct io_figure {
	const char *list, *op;
	size_t offset;
} io_figures[] = {
	{ "ioServiceBytesRecursive", "read", offsetof(struct usage, read_bytes) },
	{ "ioServiceBytesRecursive", "write", offsetof(struct usage, write_bytes) },
	{ "ioServicedRecursive", "read", offsetof(struct usage, reads) },
	{ "ioServicedRecursive", "write", offsetof(struct usage, writes) },
};

/* Adds up one operation over the devices. What goes through a loop device goes to the device under
 * it once more, so that with a disk of its own only that one counts. */
static uint64_t add_up(const struct json_node *array, size_t count, const char *op, bool loop_only)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t major = 0, value = 0;
		const char *name = "";
		struct json_node item;

		json_item(array, i, &item);
		if (json_get_u64(&item, "major", UINT32_MAX, &major, NULL) < 0 ||
			json_get_string(&item, "op", &name, NULL) < 0 ||
			json_get_u64(&item, "value", UINT64_MAX, &value, NULL) < 0)
			continue;
		if (strcasecmp(name, op) == 0 && (!loop_only || major == LOOP_MAJOR))
			sum += value;
	}
	return sum;
}

static void read_io(const struct json_node *data, bool loop_only, struct usage *ret)
{
	struct json_node io, array;
	size_t count = 0;

	if (!json_member(data, "blkio", &io))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(io_figures); i++) {
		const struct io_figure *f = &io_figures[i];

		if (json_get_array(&io, f->list, &array, &count, NULL) > 0)
			*(uint64_t *)((char *)ret + f->offset) =
				add_up(&array, count, f->op, loop_only);
	}
}

int workspace_usage(
	struct engine *e, const struct workspace *w, struct usage *ret, struct md_error *err)
{
	const char *const args[] = { "events", "--stats", w->id, NULL };
	_auto_buf_ struct buf text = BUF_INIT(STATS_MAX);
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root, data;
	int r;

	*ret = (struct usage){ .disk_kind = storage_kind(e, w) };
	if (runtime_run(e, args, NULL, &text, err) < 0 ||
		json_parse(&doc, buf_str(&text), text.len, err) < 0 ||
		json_root(&doc, &root, err) < 0)
		return -1;
	r = json_get_object(&root, "data", &data, err);
	if (r <= 0)
		return r < 0 ? -1 : md_fail(err, EPROTO, "runtime events: no data");
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		read_figure(&data, &figures[i], ret);
	read_io(&data, str_eq(ret->disk_kind, "loop"), ret);
	return storage_usage(e, w, &ret->disk, err);
}
