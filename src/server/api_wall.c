/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/wall: all terminals of running workspaces, for an admin's wall. It names them and shows nothing of them; the pictures
 * come through /ws, where each is a look. */
#define _GNU_SOURCE
#include "server/routes.h"
#include "base/poison.h"

static void on_answer(const union bw_message *m, int fd, void *data)
{
	request_reply_opened(data, m, fd, "application/json");
}

void api_wall(struct request *q)
{
	union bw_message m = { .open = { .h.type = BW_WALL } };

	request_ask_broker(q, &m, on_answer);
}
