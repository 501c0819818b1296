/* SPDX-License-Identifier: Apache-2.0 */
/* http_reply.h - how replies are built and sent; for http.c. Handlers use http.h. */
#ifndef MD_SERVER_HTTP_REPLY_H
#define MD_SERVER_HTTP_REPLY_H

#include "server/http.h"

/* The name of the session's cookie for this request. */
const char *http_cookie_name(const struct request *q);

/* Writes the head, or else at most `chunk` bytes of the body. *ret_more: there is more. -1: the connection is gone. */
int http_send_part(struct request *q, size_t chunk, bool *ret_more);

/* Writes a short reply at once, for where no later chance comes. */
void http_send_now(struct request *q);

#endif
