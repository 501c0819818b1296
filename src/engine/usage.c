/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/usage.h"

#include <errno.h>

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

int workspace_usage(
	struct engine *e, const struct workspace *w, struct usage *ret, struct md_error *err)
{
	const char *const args[] = { "events", "--stats", w->id, NULL };
	_auto_buf_ struct buf text = BUF_INIT(STATS_MAX);
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	struct json_node root, data;
	int r;

	*ret = (struct usage){ .cpu_ns = 0 };
	if (runtime_run(e, args, NULL, &text, err) < 0 ||
		json_parse(&doc, buf_str(&text), text.len, err) < 0 ||
		json_root(&doc, &root, err) < 0)
		return -1;
	r = json_get_object(&root, "data", &data, err);
	if (r <= 0)
		return r < 0 ? -1 : md_fail(err, EPROTO, "runtime events: no data");
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		read_figure(&data, &figures[i], ret);
	return storage_usage(e, w, &ret->disk, err);
}
