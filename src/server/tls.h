/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - the virtual hosts of libwebsockets that new connections belong to: one with plain HTTP, or with TLS one for each
 * certificate that was loaded. Connections keep the one that they began with, so a reload drops nobody.
 */
#ifndef MD_SERVER_TLS_H
#define MD_SERVER_TLS_H

#include "base/error.h"

/* Makes web.vhost for plain HTTP. */
int tls_none(struct md_error *err);

/* Reads the certificate chain and the key (PEM) and makes a new web.vhost with them. On failure the present one stays. */
int tls_load(int cert_fd, int key_fd, struct md_error *err);

/* LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: puts what tls_load() read into the SSL_CTX. */
int tls_fill_context(void *ssl_ctx);

#endif
