/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/idblock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

void id_ranges_done(struct id_ranges *r)
{
	free(r->items);
	r->items = NULL;
	r->count = 0;
}

int id_ranges_add(struct id_ranges *r, uint32_t base, uint32_t count)
{
	struct id_range *grown = mem_resize(r->items, r->count + 1);

	if (!grown)
		return -1;
	r->items = grown;
	r->items[r->count].base = base;
	r->items[r->count].count = count;
	r->count++;
	return 0;
}

static int add_subid_line(struct id_ranges *r, char *line)
{
	char *base_text = strchr(line, ':');
	char *count_text = base_text ? strchr(base_text + 1, ':') : NULL;
	uint64_t base, count;

	if (!count_text)
		return 0;
	*count_text = '\0';
	if (str_to_u64(base_text + 1, UINT32_MAX, &base) < 0 ||
		str_to_u64(count_text + 1, UINT32_MAX, &count) < 0)
		return 0;
	return id_ranges_add(r, (uint32_t)base, (uint32_t)count);
}

int id_ranges_add_subids(struct id_ranges *r, const char *text, size_t len)
{
	_auto_free_ char *copy = strndup(text, len);
	char *at = copy, *line;

	if (!copy)
		return -1;
	while ((line = strsep(&at, "\n"))) {
		if (add_subid_line(r, line) < 0)
			return -1;
	}
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

int id_block_pick(struct id_ranges *used, uint32_t *ret_base, struct md_error *err)
{
	uint64_t base = ID_BLOCK_FIRST;

	if (used->count)
		qsort(used->items, used->count, sizeof(*used->items), by_base);
	for (size_t i = 0; i < used->count; i++) {
		uint64_t end = (uint64_t)used->items[i].base + used->items[i].count;

		if (end <= base)
			continue;
		if (used->items[i].base >= base + ID_BLOCK_SIZE)
			break;
		base = (end + ID_BLOCK_SIZE - 1) / ID_BLOCK_SIZE * ID_BLOCK_SIZE;
	}
	if (base + ID_BLOCK_SIZE > ID_BLOCK_END)
		return md_fail(err, ENOSPC,
			"no block of user ids is left: remove workspaces (mdocker rm)");
	*ret_base = (uint32_t)base;
	return 0;
}
