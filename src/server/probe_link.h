/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_link.h - one connection of the probe: TCP, TLS where the address says so, one request, one reply. It waits as long as
 * it takes; the probe's alarm is the deadline.
 */
#ifndef MD_SERVER_PROBE_LINK_H
#define MD_SERVER_PROBE_LINK_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "base/error.h"
#include "server/public_url.h"

enum { PROBE_REPLY_MAX = 16 << 10 };

struct probe_link {
	int fd;
	SSL_CTX *context;
	SSL *tls; /* NULL: plain */
};

#define PROBE_LINK_INIT                                                                            \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Connects to the first address of the host that answers. -1: the name's or the connection's error. */
int probe_connect(struct probe_link *l, const struct public_url *u, struct md_error *err);

/* Speaks TLS from here on. What is wrong with the certificate is no error: SSL_get_verify_result() has it. */
int probe_secure(struct probe_link *l, const struct public_url *u, struct md_error *err);

struct probe_reply {
	int status;
	char location[256]; /* of a redirect, else "" */
	char *body;         /* points into text */
	char text[PROBE_REPLY_MAX];
};

/* Sends GET of `path` below the address with `headers` (lines, each with its end) and reads the reply. */
int probe_get(struct probe_link *l, const struct public_url *u, const char *path,
	const char *headers, struct probe_reply *ret, struct md_error *err);

void probe_close(struct probe_link *l);
#define _auto_probe_link_ _auto_(probe_close)

#endif
