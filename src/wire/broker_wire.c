/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "wire/broker_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/sock.h"
#include "base/poison.h"

enum { MAX_STRINGS = 6 };

struct string_field {
	uint16_t offset, size;
};

struct enum_field {
	uint16_t offset, count; /* valid: 0..count-1 */
};

/* One row a type: its size, how many descriptors ride along, which fields are strings and which are
 * enums. */
struct entry {
	size_t size;
	uint8_t min_fds, max_fds;
	struct string_field strings[MAX_STRINGS];
	struct enum_field enums[2];
};

#define STRING(type, field)                                                                        \
	{                                                                                          \
		offsetof(struct type, field), sizeof(((struct type *)0)->field)                    \
	}
#define ENUM(type, field, count)                                                                   \
	{                                                                                          \
		offsetof(struct type, field), (count)                                              \
	}

/* clang-format off */
static const struct entry catalogue[BW_TYPE_COUNT] = {
	[BW_SETTINGS] = { sizeof(struct bw_settings), 0, 0, {
		STRING(bw_settings, assets), STRING(bw_settings, auth_dir), STRING(bw_settings, empty_dir),
		STRING(bw_settings, base_path) } },
	[BW_PEER] = { sizeof(struct bw_plain), 1, 1 },
	[BW_BROKEN] = { sizeof(struct bw_plain), 0, 0 },
	[BW_ALIVE] = { sizeof(struct bw_plain), 0, 0 },
	[BW_TLS] = { sizeof(struct bw_plain), 2, 2 },
	[BW_READY] = { sizeof(struct bw_ready), 0, 0, {
		STRING(bw_ready, text), STRING(bw_ready, first_user), STRING(bw_ready, first_password) } },
	[BW_LOGIN] = { sizeof(struct bw_login), 0, 0, {
		STRING(bw_login, user), STRING(bw_login, password), STRING(bw_login, address) } },
	[BW_CHECK] = { sizeof(struct bw_token), 0, 0, { STRING(bw_token, after) } },
	[BW_LOGOUT] = { sizeof(struct bw_token), 0, 0, { STRING(bw_token, after) } },
	[BW_PASSWORD] = { sizeof(struct bw_password), 0, 0, {
		STRING(bw_password, old_password), STRING(bw_password, new_password),
		STRING(bw_password, address) } },
	[BW_SESSION] = { sizeof(struct bw_session), 0, 0, { STRING(bw_session, user) }, {
		ENUM(bw_session, status, BW_STATUS_COUNT), ENUM(bw_session, role, BW_ROLE_COUNT) } },
	[BW_STATUS] = { sizeof(struct bw_status_reply), 0, 0, { STRING(bw_status_reply, text) }, {
		ENUM(bw_status_reply, status, BW_STATUS_COUNT) } },
	[BW_USERS] = { sizeof(struct bw_token), 0, 0, { STRING(bw_token, after) } },
	[BW_USERS_PAGE] = { sizeof(struct bw_users_page), 0, 0, { { 0 } }, {
		ENUM(bw_users_page, status, BW_STATUS_COUNT), ENUM(bw_users_page, count, BW_PAGE_USERS + 1) } },
	[BW_USER_CHANGE] = { sizeof(struct bw_user_change), 0, 0, {
		STRING(bw_user_change, name), STRING(bw_user_change, password),
		STRING(bw_user_change, address) }, {
		ENUM(bw_user_change, action, BW_USER_ACTION_COUNT), ENUM(bw_user_change, role, BW_ROLE_COUNT) } },
	[BW_LINK_MAKE] = { sizeof(struct bw_link_make), 0, 0 },
	[BW_LINK_MADE] = { sizeof(struct bw_link_made), 0, 0, { { 0 } }, {
		ENUM(bw_link_made, status, BW_STATUS_COUNT) } },
	[BW_LINKS] = { sizeof(struct bw_token), 0, 0, { STRING(bw_token, after) } },
	[BW_LINKS_PAGE] = { sizeof(struct bw_links_page), 0, 0, { { 0 } }, {
		ENUM(bw_links_page, status, BW_STATUS_COUNT), ENUM(bw_links_page, count, BW_PAGE_LINKS + 1) } },
	[BW_LINK_REVOKE] = { sizeof(struct bw_link_revoke), 0, 0 },
	[BW_REVOKED] = { sizeof(struct bw_revoked), 0, 0 },
	[BW_AUDIT] = { sizeof(struct bw_audit), 0, 0, {
		STRING(bw_audit, user), STRING(bw_audit, address), STRING(bw_audit, text) }, {
		ENUM(bw_audit, event, BW_EVENT_COUNT) } },
	[BW_OPEN] = { sizeof(struct bw_open), 0, 0, {
		STRING(bw_open, address), STRING(bw_open, of), STRING(bw_open, item) }, {
		ENUM(bw_open, action, BW_WS_ACTION_COUNT) } },
	[BW_OPENED] = { sizeof(struct bw_opened), 0, 1, {
		STRING(bw_opened, name), STRING(bw_opened, text) }, {
		ENUM(bw_opened, status, BW_STATUS_COUNT) } },
	[BW_RECORDING] = { sizeof(struct bw_open), 0, 0, {
		STRING(bw_open, address), STRING(bw_open, of), STRING(bw_open, item) }, {
		ENUM(bw_open, action, BW_REC_ACTION_COUNT) } },
	[BW_WALL] = { sizeof(struct bw_open), 0, 0, {
		STRING(bw_open, address), STRING(bw_open, of), STRING(bw_open, item) } },
	[BW_WORKSPACE] = { sizeof(struct bw_open), 0, 0, {
		STRING(bw_open, address), STRING(bw_open, of), STRING(bw_open, item) }, {
		ENUM(bw_open, action, BW_WS_ACTION_COUNT) } },
	[BW_WORKSPACE_STATE] = { sizeof(struct bw_workspace_state), 0, 0, {
		STRING(bw_workspace_state, text), STRING(bw_workspace_state, document) }, {
		ENUM(bw_workspace_state, status, BW_STATUS_COUNT) } },
};
/* clang-format on */

size_t broker_wire_size(uint16_t type)
{
	return type < BW_TYPE_COUNT ? catalogue[type].size : 0;
}

static bool ends_inside(const char *data, const struct string_field *f)
{
	return memchr(data + f->offset, '\0', f->size) != NULL;
}

/* The tables of strings inside some messages, which the rows above don't reach. */
static bool nested_strings_end(const union bw_message *m)
{
	bool fine = true;

	for (size_t i = 0; m->h.type == BW_USERS_PAGE && i < m->users_page.count; i++)
		fine = fine && memchr(m->users_page.users[i].name, '\0', BW_NAME_SIZE) != NULL;
	for (size_t i = 0; m->h.type == BW_SETTINGS && i < BW_MAX_PATTERNS; i++) {
		const struct bw_settings *s = &m->settings;

		fine = fine && memchr(s->origins[i], '\0', sizeof(s->origins[i])) != NULL &&
		       memchr(s->hosts[i], '\0', sizeof(s->hosts[i])) != NULL &&
		       memchr(s->proxies[i], '\0', sizeof(s->proxies[i])) != NULL;
	}
	return fine;
}

int broker_wire_check(const void *data, size_t len, size_t fd_count, struct md_error *err)
{
	const struct entry *e;
	struct bw_header h;

	if (len < sizeof(h))
		return md_fail(err, EPROTO, "a message of %zu bytes has no header", len);
	memcpy(&h, data, sizeof(h));
	if (h.version != BW_VERSION)
		return md_fail(err, EPROTO, "a message of version %u", h.version);
	if (broker_wire_size(h.type) == 0 || broker_wire_size(h.type) != len)
		return md_fail(err, EPROTO, "a message of type %u with %zu bytes", h.type, len);
	e = &catalogue[h.type];
	if (fd_count < e->min_fds || fd_count > e->max_fds)
		return md_fail(
			err, EPROTO, "a message of type %u with %zu descriptors", h.type, fd_count);
	for (size_t i = 0; i < MAX_STRINGS && e->strings[i].size; i++) {
		if (!ends_inside(data, &e->strings[i]))
			return md_fail(
				err, EPROTO, "a message of type %u with an endless string", h.type);
	}
	for (size_t i = 0; i < ARRAY_SIZE(e->enums) && e->enums[i].count; i++) {
		uint32_t value;

		memcpy(&value, (const char *)data + e->enums[i].offset, sizeof(value));
		if (value >= e->enums[i].count)
			return md_fail(err, EPROTO, "a message of type %u with the value %u",
				h.type, value);
	}
	if (!nested_strings_end(data))
		return md_fail(err, EPROTO, "a message of type %u with an endless string", h.type);
	return 0;
}

int broker_wire_send(int fd, union bw_message *m, const int *fds, size_t fd_count)
{
	size_t size = broker_wire_size(m->h.type);

	if (size == 0 || fd_count > BW_MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	m->h.version = BW_VERSION;
	return sock_send(fd, m, size, fds, fd_count) < 0 ? -1 : 0;
}

/* Nothing was received: the end, which stays, or a message of no bytes. */
static bool is_over(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int broker_wire_recv(
	int fd, union bw_message *m, int fds[BW_MAX_FDS], bool *ret_end, struct md_error *err)
{
	size_t count = BW_MAX_FDS;
	ssize_t n;

	*ret_end = false;
	for (size_t i = 0; i < BW_MAX_FDS; i++)
		fds[i] = -1;
	n = sock_recv(fd, m, sizeof(*m), fds, &count);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if ((n == 0 && is_over(fd)) || (n < 0 && (errno == ECONNRESET || errno == EPIPE))) {
		*ret_end = true;
		return 0;
	}
	if (n < 0)
		return md_fail_errno(err, "receive a message");
	if (broker_wire_check(m, (size_t)n, count, err) < 0) {
		for (size_t i = 0; i < count; i++)
			fd_close(&fds[i]);
		return -1;
	}
	return 1;
}

void broker_wire_put(char *field, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memset(field, 0, size);
	memcpy(field, text, len);
}
