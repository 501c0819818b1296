/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/wall: all terminals of running workspaces, for an admin's wall. It names them and shows nothing of them; the pictures
 * come through /ws, where each is a look. */
#define _GNU_SOURCE
#include <string.h>

#include "server/peers.h"
#include "server/routes.h"
#include "base/poison.h"

static void on_answer(const union bw_message *m, int fd, void *data)
{
	struct request *q = data;
	bool known = m && m->h.type == BW_OPENED;

	q->pending = NULL;
	if (known && m->opened.status == BW_OK && fd >= 0)
		http_reply_file(q, fd, "application/json");
	else
		http_reply_status(
			q, known ? m->opened.status : BW_FAILED, known ? m->opened.text : NULL);
}

void api_wall(struct request *q)
{
	union bw_message m = { .open = { .h.type = BW_WALL } };

	memcpy(m.open.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m.open.address, q->address);
	q->pending = peers_ask_broker(&m, on_answer, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
}
