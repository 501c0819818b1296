/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BUFFER = 256 << 10,
	ACK_EVERY = 32 << 10, /* as the page does */
	OPCODE_CONTINUED = 0,
	OPCODE_TEXT = 1,
	OPCODE_BINARY = 2,
	OPCODE_CLOSE = 8,
	OPCODE_PING = 9,
	OPCODE_PONG = 10,
};

void fail(const char *what)
{
	fprintf(stderr, "bench-client: %s: %s\n", what, errno ? strerror(errno) : "it ended");
	exit(1);
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("write");
		at += n;
		len -= (size_t)n;
	}
}

/* A whole frame, masked with zeros. */
static void send_frame(struct channel *c, int opcode, const void *data, size_t len)
{
	unsigned char frame[16 + 4096] = { (unsigned char)(0x80 | opcode) };
	size_t head = 2;

	if (len > 4096) {
		errno = EMSGSIZE;
		fail("send");
	}
	if (len < 126) {
		frame[1] = (unsigned char)(0x80 | len);
	} else {
		frame[1] = 0x80 | 126;
		frame[2] = (unsigned char)(len >> 8);
		frame[3] = (unsigned char)len;
		head = 4;
	}
	memcpy(frame + head + 4, data, len);
	write_all(c->fd, frame, head + 4 + len);
}

void channel_send(struct channel *c, const void *data, size_t len)
{
	char command[4096] = "0"; /* ttyd: input */

	if (c->kind == CHANNEL_PTY) {
		write_all(c->fd, data, len);
	} else if (c->kind == CHANNEL_MDOCKER) {
		send_frame(c, OPCODE_BINARY, data, len);
	} else {
		memcpy(command + 1, data, len);
		send_frame(c, OPCODE_BINARY, command, len + 1);
	}
}

static void open_pty(struct channel *c)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	c->pid = forkpty(&c->fd, NULL, NULL, &size);
	if (c->pid < 0)
		fail("forkpty");
	if (c->pid == 0) {
		execl("/bin/bash", "bash", "--norc", (char *)NULL);
		_exit(127);
	}
}

static void connect_to(struct channel *c, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void upgrade(
	struct channel *c, int port, const char *query, const char *cookie, const char *protocol)
{
	char text[1024], *end;
	int n = snprintf(text, sizeof(text),
		"GET /ws%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
		"Upgrade\r\n"
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Protocol: %s\r\n%s%s%s\r\n",
		query, port, protocol, *cookie ? "Cookie: " : "", cookie, *cookie ? "\r\n" : "");

	write_all(c->fd, text, (size_t)n);
	do {
		ssize_t got = read(c->fd, c->buffer + c->len, BUFFER - 1 - c->len);

		if (got <= 0)
			fail("upgrade");
		c->len += (size_t)got;
		c->buffer[c->len] = '\0';
		end = strstr(c->buffer, "\r\n\r\n");
	} while (!end);
	if (strncmp(c->buffer, "HTTP/1.1 101", 12) != 0) {
		*end = '\0';
		errno = EPROTO;
		fail(c->buffer);
	}
	c->at = (size_t)(end + 4 - c->buffer);
	c->wire = c->len - c->at;
}

void channel_open(struct channel *c, const char *name)
{
	char query[256] = "", cookie[256] = "";
	int port;

	memset(c, 0, sizeof(*c));
	c->opcode = -1;
	c->buffer = malloc(BUFFER);
	if (!c->buffer)
		fail("memory");
	if (strcmp(name, "pty") == 0) {
		c->kind = CHANNEL_PTY;
		open_pty(c);
	} else if (sscanf(name, "mdocker:%d:%255[^:]:%255s", &port, query, cookie) == 3) {
		c->kind = CHANNEL_MDOCKER;
		connect_to(c, port);
		upgrade(c, port, query, cookie, "mdocker.v1");
	} else if (sscanf(name, "ttyd:%d", &port) == 1) {
		static const char start[] = "{\"AuthToken\":\"\",\"columns\":80,\"rows\":24}";

		c->kind = CHANNEL_TTYD;
		connect_to(c, port);
		upgrade(c, port, "", "", "tty");
		send_frame(c, OPCODE_BINARY, start, sizeof(start) - 1);
	} else {
		errno = EINVAL;
		fail(name);
	}
}

void channel_close(struct channel *c)
{
	close(c->fd);
	free(c->buffer);
	c->fd = -1;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
}

void channel_abandon(struct channel *c)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	channel_close(c);
}

static uint64_t number_in(const char *text, const char *field)
{
	const char *at = strstr(text, field);

	return at ? strtoull(at + strlen(field), NULL, 10) : 0;
}

/* A text frame or a control frame is complete. */
static void take_text(struct channel *c, int opcode)
{
	c->text[c->text_len < sizeof(c->text) ? c->text_len : sizeof(c->text) - 1] = '\0';
	if (opcode == OPCODE_PING) {
		send_frame(c, OPCODE_PONG, c->text, c->text_len);
	} else if (opcode == OPCODE_CLOSE) {
		fprintf(stderr, "bench-client: closed: %s\n", c->text + 2);
		exit(1);
	} else if (opcode == OPCODE_TEXT && strstr(c->text, "\"type\":\"hello\"")) {
		c->greeted = true;
		c->offset = c->acknowledged = number_in(c->text, "\"offset\":");
		c->snapshot = number_in(c->text, "\"snapshot\":"); /* null reads as 0 */
	}
	c->text_len = 0;
}

/* The head of the next frame; false if not all of it is there. */
static bool take_head(struct channel *c)
{
	const unsigned char *head = (const unsigned char *)c->buffer + c->at;
	size_t have = c->len - c->at, extra;

	if (have < 2)
		return false;
	extra = head[1] == 126 ? 2 : head[1] == 127 ? 8 : 0;
	if (have < 2 + extra)
		return false;
	if ((head[0] & 15) != OPCODE_CONTINUED)
		c->opcode = head[0] & 15;
	c->left = extra ? 0 : head[1];
	for (size_t i = 0; i < extra; i++)
		c->left = c->left << 8 | head[2 + i];
	c->at += 2 + extra;
	c->skip = c->kind == CHANNEL_TTYD && c->opcode == OPCODE_BINARY ? 1 : 0;
	return true;
}

static void count_output(struct channel *c, size_t len)
{
	uint64_t shown = len < c->snapshot ? len : c->snapshot;
	char text[64];
	int n;

	if (c->kind != CHANNEL_MDOCKER)
		return;
	c->snapshot -= shown;
	c->offset += len - shown;
	if (c->offset - c->acknowledged < ACK_EVERY)
		return;
	c->acknowledged = c->offset;
	n = snprintf(text, sizeof(text), "{\"type\":\"ack\",\"offset\":%llu}",
		(unsigned long long)c->offset);
	send_frame(c, OPCODE_TEXT, text, (size_t)n);
}

/* A piece of a frame's payload; 0 if it is none of the terminal's. */
static size_t take_payload(struct channel *c, const char **ret)
{
	size_t have = c->len - c->at;
	size_t len = have < c->left ? have : (size_t)c->left;

	*ret = c->buffer + c->at;
	c->at += len;
	c->left -= len;
	if (c->opcode == OPCODE_BINARY) {
		size_t skip = c->skip < len ? c->skip : len;

		if (skip && **ret != '0') /* ttyd: a title or its settings */
			c->opcode = -1;
		c->skip -= skip;
		*ret += skip;
		count_output(c, len - skip);
		return c->opcode == OPCODE_BINARY ? len - skip : 0;
	}
	for (size_t i = 0; i < len && c->text_len < sizeof(c->text); i++)
		c->text[c->text_len++] = (*ret)[i];
	if (c->left == 0)
		take_text(c, c->opcode);
	return 0;
}

size_t channel_next(struct channel *c, const char **ret)
{
	size_t len = 0;

	if (c->kind == CHANNEL_PTY) {
		*ret = c->buffer + c->at;
		len = c->len - c->at;
		c->at = c->len;
		return len;
	}
	while (len == 0) {
		if (c->left == 0 && !take_head(c))
			break;
		if (c->left == 0 && c->opcode != OPCODE_BINARY)
			take_text(c, c->opcode);
		if (c->left && c->at == c->len)
			break;
		if (c->left)
			len = take_payload(c, ret);
	}
	return len;
}

bool channel_receive(struct channel *c, int ms, bool *ended)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	ssize_t n;

	memmove(c->buffer, c->buffer + c->at, c->len - c->at);
	c->len -= c->at;
	c->at = 0;
	if (ms >= 0 && poll(&p, 1, ms) <= 0)
		return false;
	n = read(c->fd, c->buffer + c->len, BUFFER - c->len);
	if (n <= 0) {
		*ended = true;
		errno = n ? errno : 0;
		return false;
	}
	c->len += (size_t)n;
	c->wire += (uint64_t)n;
	return true;
}
