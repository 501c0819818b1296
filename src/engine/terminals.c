/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/terminals.h"

#include <errno.h>

#include "base/mem.h"
#include "base/poison.h"

/* As mdocker-shim takes them. */
enum { RING_LEAST = 64 << 10, RING_MOST = 64 << 20, LINES_MOST = 100000 };

int terminal_policy_set(
	struct terminal_policy *p, const char *name, const char *value, struct md_error *err)
{
	uint64_t n;

	if (str_eq(name, "scrollback")) {
		if (str_to_u64(value, LINES_MOST, &p->scrollback) < 0)
			return md_fail(err, EINVAL, "--scrollback: '%.40s' is not between 0 and %d",
				value, LINES_MOST);
		return 0;
	}
	if (!str_eq(name, "ring"))
		return md_fail(err, ENOENT, "'%.40s' is none of terminals", name);
	if (str_to_size(value, &n) < 0 || n < RING_LEAST || n > RING_MOST)
		return md_fail(
			err, EINVAL, "--ring: '%.40s' is not a size between 64k and 64m", value);
	p->ring = n;
	return 0;
}

void terminal_policy_write(const struct terminal_policy *p, struct json_writer *w)
{
	json_object_begin(w, "terminals");
	json_add_u64(w, "ring", p->ring);
	json_add_u64(w, "scrollback", p->scrollback);
	json_object_end(w);
}

int terminal_policy_read(
	const struct json_node *object, struct terminal_policy *ret, struct md_error *err)
{
	if (json_get_u64(object, "ring", RING_MOST, &ret->ring, err) < 0 ||
		json_get_u64(object, "scrollback", LINES_MOST, &ret->scrollback, err) < 0)
		return -1;
	if (ret->ring < RING_LEAST)
		return md_fail(err, EINVAL, "terminals.ring: at least 64 KiB");
	return 0;
}

int terminals_shim_options(const struct terminal_policy *p, struct strv *argv)
{
	if (strv_addf(argv, "--ring=%llu", (unsigned long long)p->ring) < 0)
		return -1;
	return strv_addf(argv, "--scrollback=%llu", (unsigned long long)p->scrollback);
}
