/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/frame_watch.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "server/bridge.h"
#include "server/web.h"
#include "base/poison.h"

/* What libwebsockets sees of a frame that broke the rules: the beginning of one that keeps them. It waits for more until the bridge
 * has closed, with its own code. */
enum { PART_OF_MESSAGE = 0x00, PART_OF_NEW_MESSAGE = 0x02, SHORT_AND_MASKED = 0x80 | 125 };

/* By descriptor. */
static struct {
	struct conn **items;
	size_t count;
} watched;

int frame_watch_begin(struct conn *c, int fd)
{
	size_t at = (size_t)fd;

	if (at >= watched.count) {
		size_t count = MD_MAX(at + 1, watched.count * 2);
		struct conn **more = reallocarray(watched.items, count, sizeof(*more));

		if (!more)
			return -1;
		memset(more + watched.count, 0, (count - watched.count) * sizeof(*more));
		watched.items = more;
		watched.count = count;
	}
	watched.items[at] = c;
	c->frames = (struct frame_watch){ .fd = fd };
	return 0;
}

void frame_watch_end(struct conn *c)
{
	if (c->frames.fd >= 0 && watched.items[c->frames.fd] == c)
		watched.items[c->frames.fd] = NULL;
	c->frames.fd = -1;
}

bool frame_watch_is_quiet(const struct conn *c)
{
	return c->frames.last == ('\r' << 24 | '\n' << 16 | '\r' << 8 | '\n');
}

/* Returns how many of the bytes libwebsockets is shown: all, or with the first wrong one the last. */
static size_t look(int fd, uint8_t *data, size_t len)
{
	struct conn *c = fd >= 0 && (size_t)fd < watched.count ? watched.items[fd] : NULL;
	struct frame_check *f;
	size_t wrong;

	if (!c)
		return len;
	f = &c->frames.check;
	if (!c->bridge) {
		for (size_t i = len > 4 ? len - 4 : 0; i < len; i++)
			c->frames.last = c->frames.last << 8 | data[i];
		return len;
	}
	if (f->wrong) {
		data[0] = 0;
		return 1;
	}
	wrong = frame_check_feed(f, data, len);
	if (wrong == SIZE_MAX)
		return len;
	if (f->at == 0)
		data[wrong] = f->in_message ? PART_OF_MESSAGE : PART_OF_NEW_MESSAGE;
	else if (f->at == 1)
		data[wrong] = SHORT_AND_MASKED;
	bridge_broke_protocol(c->bridge, f->wrong);
	return wrong + 1;
}

/* These two stand before the C library's recv() and OpenSSL's SSL_read(), for libwebsockets too: of two functions of one name the
 * dynamic linker takes the program's own. */
ssize_t recv(int fd, void *to, size_t room, int flags)
{
	ssize_t n = recvfrom(fd, to, room, flags, NULL, NULL);

	return n > 0 && !(flags & MSG_PEEK) ? (ssize_t)look(fd, to, (size_t)n) : n;
}

int SSL_read(SSL *tls, void *to, int room)
{
	size_t n;

	if (room < 0 || SSL_read_ex(tls, to, (size_t)room, &n) != 1)
		return -1;
	return (int)look(SSL_get_fd(tls), to, n);
}
