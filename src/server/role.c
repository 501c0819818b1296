/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/role.h"

#include <errno.h>

#include "base/fd.h"
#include "base/poison.h"

int role_receive_settings(struct bw_settings *ret, struct md_error *err)
{
	union bw_message m;
	int fds[BW_MAX_FDS], r;
	bool end;

	fd_set_cloexec(ROLE_BROKER_FD, true);
	fd_set_cloexec(ROLE_PEER_FD, true);
	r = broker_wire_recv(ROLE_BROKER_FD, &m, fds, &end, err);
	if (r < 0)
		return md_wrap(err, "settings");
	if (r == 0 || m.h.type != BW_SETTINGS)
		return md_fail(err, EPROTO, "a role is started by mdockerd itself");
	*ret = m.settings;
	return 0;
}

int role_send_ready(const struct bw_ready *ready, const struct md_error *failure)
{
	union bw_message m = { .ready = *ready };

	m.h.type = BW_READY;
	m.ready.failed = failure != NULL;
	if (failure)
		BW_PUT(m.ready.text, failure->msg);
	return broker_wire_send(ROLE_BROKER_FD, &m, NULL, 0);
}
