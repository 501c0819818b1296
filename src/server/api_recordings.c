/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/recordings: their list, their bytes, their removal. mdocker knows them; what is read comes as a descriptor. */
#define _GNU_SOURCE
#include <string.h>

#include "recording/store.h"
#include "server/peers.h"
#include "server/routes.h"
#include "base/poison.h"

static void on_answer(const union bw_message *m, int fd, void *data)
{
	struct request *q = data;
	bool known = m && m->h.type == BW_OPENED;

	q->pending = NULL;
	if (known && m->opened.status == BW_OK && fd >= 0)
		http_reply_file(q, fd, *q->param ? "application/x-asciicast" : "application/json");
	else
		http_reply_status(
			q, known ? m->opened.status : BW_FAILED, known ? m->opened.text : NULL);
}

static void ask(struct request *q, enum bw_recording_action action)
{
	union bw_message m = { .open = { .h.type = BW_RECORDING, .action = action } };

	if (!request_whose(q))
		return;
	if (action != BW_REC_LIST && !recording_name_valid(q->param)) {
		http_reply_error(q, 404, "not_found", "there is no such recording");
		return;
	}
	memcpy(m.open.token, q->token, BW_TOKEN_SIZE);
	BW_PUT(m.open.address, q->address);
	BW_PUT(m.open.of, q->of);
	BW_PUT(m.open.item, q->param);
	q->pending = peers_ask_broker(&m, on_answer, q);
	if (!q->pending)
		http_reply_status(q, BW_FAILED, NULL);
}

void api_recordings(struct request *q)
{
	ask(q, BW_REC_LIST);
}

void api_recording(struct request *q)
{
	char download[8];

	if (http_query(q, "download=", download, sizeof(download)) &&
		recording_name_valid(q->param))
		buf_addf(&q->head, "content-disposition: attachment; filename=\"%s.cast\"\r\n",
			q->param);
	ask(q, BW_REC_READ);
}

void api_recording_remove(struct request *q)
{
	ask(q, BW_REC_REMOVE);
}
