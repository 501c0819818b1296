/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/poison.h"

enum { END_MS = 15000 };

int session_open(
	struct engine *e, const struct workspace *w, struct shim_client *c, struct md_error *err)
{
	_auto_free_ char *path = workspace_socket(e, w);

	if (!path)
		return md_fail_errno(err, "workspace '%s'", w->name);
	if (workspace_is_running(e, w)) {
		if (shim_client_open(c, path, 0, "root@" PROGRAM, err) == 0)
			return 0;
		/* It may have ended in between. */
		if (workspace_is_running(e, w))
			return -1;
	}
	return md_fail(err, ESRCH,
		"workspace '%s' is not running: `" PROGRAM " start %s` starts it", w->name,
		w->name);
}

void session_wait_end(struct engine *e, const struct workspace *w)
{
	_auto_close_ int pidfd = workspace_shim_pidfd(e, w);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	/* No connection is kept meanwhile: the shim lingers for those who may still want to hear
	 * something. */
	if (pidfd >= 0)
		poll(&p, 1, END_MS);
}

int session_exit_code(struct engine *e, const struct workspace *w)
{
	_auto_status_ struct workspace_status s = { .state = WORKSPACE_STOPPED };
	struct md_error ignored = MD_ERROR_INIT;

	if (workspace_status(e, w, &s, &ignored) < 0 || !s.has_exit)
		return -1;
	return s.exit_code;
}

int session_env(const struct strv *given, struct strv *ret, struct md_error *err)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *item = given->items[i];
		const char *value;
		int r = 0;

		if (item[0] == '=' || !item[0])
			return md_fail(
				err, EINVAL, "environment '%.80s': write it as NAME=value", item);
		if (strchr(item, '='))
			r = strv_add(ret, item);
		else if ((value = getenv(item)))
			r = strv_addf(ret, "%s=%s", item, value);
		if (r < 0)
			return md_fail_errno(err, "environment");
	}
	return 0;
}
