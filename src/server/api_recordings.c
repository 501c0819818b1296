/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/recordings: their list, their bytes, their removal. mdocker knows them; what is read comes as a descriptor. */
#define _GNU_SOURCE
#include "recording/store.h"
#include "server/routes.h"
#include "base/poison.h"

static void on_answer(const union bw_message *m, int fd, void *data)
{
	const struct request *q = data;

	request_reply_opened(
		data, m, fd, *q->param ? "application/x-asciicast" : "application/json");
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
	BW_PUT(m.open.of, q->of);
	BW_PUT(m.open.item, q->param);
	request_ask_broker(q, &m, on_answer);
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
