/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "server/web.h"
#include "base/poison.h"

enum { PEM_MAX_BYTES = 256 << 10 };

/* Between tls_load() and the callback from within lws_create_vhost(). */
static struct {
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
} loaded;

static const struct lws_protocols protocols[] = {
	{ .name = "mdocker-http", .callback = http_callback, .rx_buffer_size = 16384 },
	{ .name = "mdocker.v1", .callback = http_callback, .rx_buffer_size = 16384 },
	{ .name = NULL },
};

/* A dead peer is found by pings: every 20 s, and 10 s for the answer. */
static const lws_retry_bo_t pings = { .secs_since_valid_ping = 20, .secs_since_valid_hangup = 30 };

static int make_vhost(bool tls, struct md_error *err)
{
	char name[32];
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.vhost_name = name,
		.alpn = "http/1.1",
		.retry_and_idle_policy = &pings,
		.keepalive_timeout = 60,
		.timeout_secs_ah_idle = 10,
	};
	struct lws_vhost *vhost;

	snprintf(name, sizeof(name), "vhost-%u", web.vhost_count++);
	info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
	if (tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
				LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
	vhost = lws_create_vhost(web.lws, &info);
	if (!vhost)
		return md_fail(err, EIO, "set up %s", tls ? "TLS with this certificate" : "HTTP");
	web.vhost = vhost;
	return 0;
}

int tls_none(struct md_error *err)
{
	return make_vhost(false, err);
}

static void unload(void)
{
	X509_free(loaded.cert);
	sk_X509_pop_free(loaded.chain, X509_free);
	EVP_PKEY_free(loaded.key);
	memset(&loaded, 0, sizeof(loaded));
	ERR_clear_error();
}

static BIO *read_pem(int fd, const char *what, struct md_error *err)
{
	_auto_free_ char *text = NULL;
	size_t len;
	BIO *bio;

	if (fd_read_to_end(fd, PEM_MAX_BYTES, &text, &len) < 0) {
		md_fail_errno(err, "read the %s", what);
		return NULL;
	}
	bio = BIO_new(BIO_s_mem());
	if (!bio || BIO_write(bio, text, (int)len) != (int)len) {
		BIO_free(bio);
		md_fail(err, ENOMEM, "no memory");
		bio = NULL;
	}
	explicit_bzero(text, len);
	return bio;
}

/* A key with a pass phrase is an error, not a question on the terminal. */
static int no_pass_phrase(
	char *buf _unused_, int size _unused_, int write _unused_, void *data _unused_)
{
	return -1;
}

static int read_chain(int cert_fd, struct md_error *err)
{
	BIO *bio = read_pem(cert_fd, "certificate", err);
	X509 *next;

	if (!bio)
		return -1;
	loaded.cert = PEM_read_bio_X509_AUX(bio, NULL, no_pass_phrase, NULL);
	loaded.chain = sk_X509_new_null();
	while (loaded.chain && (next = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)))
		sk_X509_push(loaded.chain, next);
	BIO_free(bio);
	if (!loaded.cert || !loaded.chain)
		return md_fail(err, EINVAL, "--tls-cert holds no certificate (PEM)");
	return 0;
}

static int read_key(int key_fd, struct md_error *err)
{
	BIO *bio = read_pem(key_fd, "key", err);

	if (!bio)
		return -1;
	loaded.key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
	BIO_free(bio);
	if (!loaded.key)
		return md_fail(err, EINVAL, "--tls-key holds no key (PEM, without a pass phrase)");
	if (X509_check_private_key(loaded.cert, loaded.key) != 1)
		return md_fail(err, EINVAL, "--tls-key is not the key of --tls-cert");
	return 0;
}

int tls_load(int cert_fd, int key_fd, struct md_error *err)
{
	int r = read_chain(cert_fd, err);

	if (r == 0)
		r = read_key(key_fd, err);
	if (r == 0)
		r = make_vhost(true, err);
	unload();
	return r;
}

int tls_fill_context(void *ssl_ctx)
{
	SSL_CTX *ctx = ssl_ctx;

	if (!loaded.cert)
		return -1;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
		SSL_CTX_use_certificate(ctx, loaded.cert) != 1 ||
		SSL_CTX_use_PrivateKey(ctx, loaded.key) != 1)
		return -1;
	return SSL_CTX_set1_chain(ctx, loaded.chain) == 1 ? 0 : -1;
}
