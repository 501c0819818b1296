/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/probe_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/poison.h"

int probe_connect(struct probe_link *l, const struct public_url *u, struct md_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	int failed = getaddrinfo(u->host, u->port, &hints, &found);

	if (failed)
		return md_fail(err, ENOENT, "the name '%s' is not found: %s", u->host,
			gai_strerror(failed));
	errno = ENOENT;
	for (struct addrinfo *a = found; a && l->fd < 0; a = a->ai_next) {
		l->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (l->fd >= 0 && connect(l->fd, a->ai_addr, a->ai_addrlen) < 0)
			fd_close(&l->fd);
	}
	freeaddrinfo(found);
	if (l->fd < 0)
		return md_fail_errno(err, "connect to '%s' port %s", u->host, u->port);
	return 0;
}

static int expect_host(SSL *tls, const char *host)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(tls);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(p, host);
	return X509_VERIFY_PARAM_set1_host(p, host, 0) && SSL_set_tlsext_host_name(tls, host);
}

int probe_secure(struct probe_link *l, const struct public_url *u, struct md_error *err)
{
	l->context = SSL_CTX_new(TLS_client_method());
	if (!l->context || SSL_CTX_set_default_verify_paths(l->context) != 1)
		return md_fail(err, EIO, "OpenSSL does not start");
	l->tls = SSL_new(l->context);
	if (!l->tls || expect_host(l->tls, u->host) != 1 || SSL_set_fd(l->tls, l->fd) != 1)
		return md_fail(err, EIO, "OpenSSL does not start");
	if (SSL_connect(l->tls) != 1) {
		const char *why = ERR_reason_error_string(ERR_get_error());

		return md_fail(err, EPROTO, "no TLS: %s", why ? why : "the connection was closed");
	}
	return 0;
}

static ssize_t send_some(struct probe_link *l, const char *data, size_t len)
{
	return l->tls ? SSL_write(l->tls, data, (int)len) : send(l->fd, data, len, MSG_NOSIGNAL);
}

static ssize_t receive_some(struct probe_link *l, char *to, size_t room)
{
	return l->tls ? SSL_read(l->tls, to, (int)room) : recv(l->fd, to, room, 0);
}

/* Is all of the reply there? One to an upgrade that was granted has a head only; "Connection: close" ends the others, and so
 * does their length. */
static bool is_whole(const char *text, size_t len)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = end ? strcasestr(text, "\r\ncontent-length:") : NULL;

	if (!end)
		return false;
	if (str_starts(text, "HTTP/1.1 101 "))
		return true;
	return length && length < end &&
	       len - (size_t)(end + 4 - text) >= strtoul(length + 17, NULL, 10);
}

static int read_reply(struct probe_link *l, struct probe_reply *r, struct md_error *err)
{
	size_t len = 0;
	char *end, *at;

	while (len < sizeof(r->text) - 1 && !is_whole(r->text, len)) {
		ssize_t n = receive_some(l, r->text + len, sizeof(r->text) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
		r->text[len] = '\0';
	}
	end = strstr(r->text, "\r\n\r\n");
	if (!str_starts(r->text, "HTTP/1.") || !end)
		return md_fail(err, EPROTO, "%s",
			len ? "what answers there speaks no HTTP/1.1"
			    : "the connection was closed without an answer");
	r->status = (int)strtol(r->text + strlen("HTTP/1.1 "), NULL, 10);
	end[2] = '\0';
	r->body = end + 4;
	at = strcasestr(r->text, "\r\nlocation:");
	if (at) {
		at += strlen("\r\nlocation:");
		at += strspn(at, " \t");
		snprintf(r->location, sizeof(r->location), "%.*s", (int)strcspn(at, "\r"), at);
	}
	return 0;
}

int probe_get(struct probe_link *l, const struct public_url *u, const char *path,
	const char *headers, struct probe_reply *ret, struct md_error *err)
{
	_auto_buf_ struct buf q = BUF_INIT(8192);

	buf_addf(&q, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mdocker-doctor\r\n%s\r\n",
		u->path, path, u->authority, headers);
	if (q.failed || send_some(l, q.data, q.len) != (ssize_t)q.len)
		return md_fail(err, EPIPE, "the connection was closed before the request");
	*ret = (struct probe_reply){ .status = 0 };
	return read_reply(l, ret, err);
}

void probe_close(struct probe_link *l)
{
	SSL_free(l->tls);
	SSL_CTX_free(l->context);
	l->tls = NULL;
	l->context = NULL;
	fd_close(&l->fd);
}
