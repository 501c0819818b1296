/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "engine/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/profile_kind.h"
#include "network/network.h"
#include "base/poison.h"

static const char *const kinds[] = { "none", "bridge", "host", "auto" };

static bool on_bridge(const struct workspace *w)
{
	return w->network && (str_eq(w->network, "bridge") || str_eq(w->network, "auto"));
}

static int fill_endpoint(
	const struct workspace *w, struct network_endpoint *ret, struct md_error *err)
{
	struct network_endpoint e = { .id = w->id, .bytes_per_second = w->limits.bandwidth };

	if (network_policy_parse(w->egress, &e.policy, err) < 0)
		return -1;
	if (w->publish.count > NETWORK_MAX_PUBLISHED)
		return md_fail(err, E2BIG, "more than %d published ports", NETWORK_MAX_PUBLISHED);
	for (size_t i = 0; i < w->publish.count; i++) {
		if (network_published_parse(w->publish.items[i], &e.published[i], err) < 0)
			return -1;
	}
	e.published_count = w->publish.count;
	*ret = e;
	return 0;
}

int connect_check_words(const char *network, const char *egress, struct md_error *err)
{
	struct network_policy policy;
	size_t i = 0;

	while (network && i < ARRAY_SIZE(kinds) && !str_eq(network, kinds[i]))
		i++;
	if (i == ARRAY_SIZE(kinds))
		return md_fail(
			err, EINVAL, "network '%.40s' is not none, bridge, host or auto", network);
	return egress ? network_policy_parse(egress, &policy, err) : 0;
}

int connect_check(const struct workspace *w, struct md_error *err)
{
	struct network_endpoint endpoint;

	if (connect_check_words(w->network, NULL, err) < 0)
		return -1;
	if (!on_bridge(w) && w->publish.count)
		return md_fail(err, EINVAL, "published ports need --network bridge");
	return fill_endpoint(w, &endpoint, err);
}

const char *connect_settle(const struct engine *e, const struct workspace *w)
{
	const struct profile_kind *profile = profile_kind_find(w->profile, NULL);
	struct md_error why = MD_ERROR_INIT;

	if (!str_eq(w->network, "auto"))
		return w->network;
	if (profile && (profile->traits & PROFILE_NO_NETWORK))
		return "none";
	if (network_ready(e->root, &why) == 0)
		return "bridge";
	log_warning("workspace '%s' has no network but its loopback: %s", w->name, why.msg);
	return "none";
}

int connect_prepare(const struct workspace *w, const char *bundle, struct md_error *err)
{
	_auto_free_ char *path = str_format("%s/resolv.conf", bundle);
	_auto_buf_ struct buf text = BUF_INIT(4096);

	if (!on_bridge(w))
		return 0;
	network_resolv_conf(&text);
	if (!path || text.failed ||
		file_write_atomic(AT_FDCWD, path, buf_str(&text), text.len, 0644) < 0)
		return md_fail_errno(err, "'%s/resolv.conf'", bundle);
	return 0;
}

int connect_attach(
	const struct engine *e, const struct workspace *w, int netns_fd, struct md_error *err)
{
	struct network_endpoint endpoint;

	if (!on_bridge(w))
		return md_fail(err, EINVAL, "workspace '%s' is not on a bridge", w->name);
	if (fill_endpoint(w, &endpoint, err) < 0)
		return -1;
	return network_attach(e->root, &endpoint, netns_fd, NULL, err);
}

int connect_limit(const struct engine *e, const struct workspace *w, uint64_t bytes_per_second,
	int netns_fd, struct md_error *err)
{
	return network_limit(e->root, w->id, bytes_per_second, netns_fd, err);
}

int connect_detach(const struct engine *e, const struct workspace *w, struct md_error *err)
{
	return on_bridge(w) ? network_detach(e->root, w->id, err) : 0;
}

int connect_release(const struct engine *e, const struct workspace *w, struct md_error *err)
{
	return on_bridge(w) ? network_release(e->root, w->id, err) : 0;
}
