/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "server/guard.h"
#include "server/peers.h"
#include "base/poison.h"

enum { ACCEPT_AT_ONCE = 64, REST_MS = 200 };

static struct address_count **bucket_of(const char *address)
{
	uint32_t hash = 2166136261u;

	for (; *address; address++)
		hash = (hash ^ (unsigned char)*address) * 16777619u;
	return &web.addresses[hash % WEB_ADDRESS_BUCKETS];
}

/* False if the address has as many as it may. */
static bool count_address(const char *address)
{
	struct address_count **bucket = bucket_of(address), *e = *bucket;

	while (e && !str_eq(e->address, address))
		e = e->next;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return false;
		BW_PUT(e->address, address);
		e->next = *bucket;
		*bucket = e;
	}
	if (e->count >= web.settings.connections_per_address) {
		/* Once for each time that it is reached, not for each connection beyond. */
		if (!e->told)
			peers_audit(BW_EVENT_LIMIT, true, NULL, address, NULL);
		e->told = true;
		return false;
	}
	e->count++;
	return true;
}

void web_uncount(struct conn *c)
{
	struct address_count **at = bucket_of(c->peer);

	if (!c->counted)
		return;
	c->counted = false;
	for (; *at; at = &(*at)->next) {
		struct address_count *e = *at;

		if (!str_eq(e->address, c->peer))
			continue;
		e->told = false;
		if (--e->count == 0) {
			*at = e->next;
			free(e);
		}
		return;
	}
}

static void name_address(const struct sockaddr_storage *from, char ret[BW_ADDRESS_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (from->ss_family == AF_INET)
		inet_ntop(
			AF_INET, &((const struct sockaddr_in *)from)->sin_addr, text, sizeof(text));
	else if (from->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, text,
			sizeof(text));
	/* A v6 socket shows IPv4 peers as ::ffff:1.2.3.4; they are the same people. */
	broker_wire_put(ret, BW_ADDRESS_SIZE, str_starts(text, "::ffff:") ? text + 7 : text);
}

static void adopt(int fd, const struct sockaddr_storage *from)
{
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;
	lws_adopt_desc_t desc = { .vh = web.vhost,
		.type = LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
		.fd.sockfd = fd,
		.opaque = c };

	if (!c || frame_watch_begin(c, fd) < 0) {
		free(c);
		close(fd);
		return;
	}
	name_address(from, c->peer);
	if (!guard_is_proxy(&web.settings, c->peer)) {
		if (!count_address(c->peer)) {
			frame_watch_end(c);
			close(fd);
			free(c);
			return;
		}
		c->counted = true;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* From here on the struct belongs to the wsi, and LWS_CALLBACK_WSI_DESTROY frees it, in a failed adoption too. */
	lws_adopt_descriptor_vhost_via_info(&desc);
}

static void on_listener(uv_poll_t *h, int status, int events);

static void on_rested(uv_timer_t *t _unused_)
{
	uv_poll_start(&web.listener, UV_READABLE, on_listener);
}

/* Out of descriptors or memory: those who wait are accepted when some are free again, not asked for in a busy loop. */
static void rest(void)
{
	log_warning("accept: %s; trying again in %d ms", strerror(errno), REST_MS);
	uv_poll_stop(&web.listener);
	uv_timer_start(&web.rest, on_rested, REST_MS, 0);
}

static void on_listener(uv_poll_t *h, int status _unused_, int events _unused_)
{
	int listen_fd;

	uv_fileno((uv_handle_t *)h, &listen_fd);
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(
			listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
				rest();
			return;
		}
		adopt(fd, &from);
	}
}

int web_listen(int fd, struct md_error *err)
{
	uv_timer_init(&web.loop, &web.rest);
	if (uv_poll_init(&web.loop, &web.listener, fd) != 0 ||
		uv_poll_start(&web.listener, UV_READABLE, on_listener) != 0)
		return md_fail(err, EIO, "watch the listening socket");
	return 0;
}
