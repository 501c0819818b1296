/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker_wire.h - the messages between the roles of mdockerd: broker, auth and web.
 *
 * They travel over SOCK_SEQPACKET socket pairs, one struct a packet, each type with one fixed size;
 * descriptors ride along where the catalogue says so. All roles are the same executable, so the
 * structs are in host order. Strings are NUL-terminated inside their field. The receiver checks
 * size, version, type, termination and the number of descriptors (broker_wire_recv()); whoever
 * breaks a rule loses the connection, for that means a broken role.
 *
 *	web -> auth      LOGIN CHECK LOGOUT PASSWORD USERS USER_CHANGE LINK_* AUDIT, each answered by
 *	                 the type beside it
 *	broker -> auth   CHECK AUDIT
 *	web -> broker    OPEN WORKSPACE RECORDING WALL READY
 *	auth -> web      REVOKED (unasked: sessions that have just ended)
 *	broker -> both   SETTINGS (first), PEER (a new socket to the other role, after that one was
 *	                 restarted), TLS
 */
#ifndef MD_WIRE_BROKER_WIRE_H
#define MD_WIRE_BROKER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum {
	BW_VERSION = 1,
	BW_NAME_SIZE = 40,      /* user names and workspace names, with the NUL */
	BW_PASSWORD_SIZE = 264, /* passwords have at most 256 bytes */
	BW_ADDRESS_SIZE = 48,   /* a numeric address as text */
	BW_TOKEN_SIZE = 32,     /* random bytes: a session's or a link's secret */
	BW_TEXT_SIZE = 256,     /* one line for people */
	BW_DOCUMENT_SIZE = 8192,
	BW_PATH_SIZE = 1024,
	BW_PAGE_USERS = 32,
	BW_PAGE_LINKS = 32,
	BW_MAX_PATTERNS = 16, /* allowed origins, hosts and proxies */
	BW_MAX_FDS = 2,
};

enum bw_type {
	BW_SETTINGS = 1,
	BW_PEER,  /* one descriptor */
	BW_TLS,   /* two descriptors: certificate chain, key */
	BW_READY, /* to the broker: served from now on; or the reason why not */
	BW_LOGIN,
	BW_CHECK,
	BW_LOGOUT,
	BW_PASSWORD,
	BW_SESSION, /* answers LOGIN, CHECK, PASSWORD */
	BW_STATUS,  /* answers what needs no more than that */
	BW_USERS,
	BW_USERS_PAGE,
	BW_USER_CHANGE,
	BW_LINK_MAKE,
	BW_LINK_MADE,
	BW_LINKS,
	BW_LINKS_PAGE,
	BW_LINK_REVOKE,
	BW_REVOKED,
	BW_AUDIT,
	BW_OPEN,
	BW_OPENED, /* one descriptor when it went well: connected to the shim */
	BW_WORKSPACE,
	BW_WORKSPACE_STATE,
	BW_RECORDING, /* answered by OPENED, with a descriptor to be read for LIST and READ */
	BW_WALL, /* an admin's list of all terminals; answered by OPENED, with a descriptor to be read */
	BW_BROKEN, /* to the broker, of auth: web broke the protocol */
	BW_ALIVE,  /* of the broker, to see whether web hangs, which says the same back */
	BW_TYPE_COUNT,
};

/* How a request ended. */
enum bw_status {
	BW_OK,
	BW_DENIED,    /* no such session, or wrong credentials */
	BW_FORBIDDEN, /* a session, but not allowed to */
	BW_LIMITED,   /* too many failures: wait */
	BW_BUSY,      /* too much at once: again later */
	BW_INVALID,   /* a value is not acceptable */
	BW_EXISTS,
	BW_NOT_FOUND,
	BW_FAILED, /* for a reason of the host's; `text` has it */
	BW_STATUS_COUNT,
};

enum bw_role { BW_USER, BW_ADMIN, BW_ROLE_COUNT };

struct bw_header {
	uint16_t version;
	uint16_t type;
	uint32_t id; /* chosen by the asker, repeated in the answer */
};

struct bw_settings {
	struct bw_header h;
	uint8_t demo, tls, insecure_http, loopback_only, images;
	uint16_t port;
	uint32_t web_uid, web_gid, auth_uid, auth_gid;
	uint32_t idle_seconds, absolute_seconds;
	uint32_t connections_per_address;
	char assets[BW_PATH_SIZE];
	char auth_dir[BW_PATH_SIZE];
	char empty_dir[BW_PATH_SIZE];
	char base_path[BW_NAME_SIZE * 2];            /* "" or "/x" */
	char origins[BW_MAX_PATTERNS][BW_TEXT_SIZE]; /* further allowed ones: "https://host" */
	char hosts[BW_MAX_PATTERNS]
		  [BW_TEXT_SIZE]; /* allowed names in Host; none: any on a non-loopback */
	char proxies[BW_MAX_PATTERNS]
		    [BW_ADDRESS_SIZE + 4]; /* whose X-Forwarded-* count: "10.0.0.0/8" */
};

/* Types that are nothing but their header: PEER, TLS, BROKEN. */
struct bw_plain {
	struct bw_header h;
};

struct bw_ready {
	struct bw_header h;
	uint32_t failed;
	char text[BW_TEXT_SIZE];
	/* auth, at the first start without --demo: the new account and its password, to be shown
	 * once. */
	char first_user[BW_NAME_SIZE];
	char first_password[BW_NAME_SIZE];
};

struct bw_login {
	struct bw_header h;
	char user[BW_NAME_SIZE];
	char password[BW_PASSWORD_SIZE];
	char address[BW_ADDRESS_SIZE];
};

/* CHECK, LOGOUT, USERS, LINKS. */
struct bw_token {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	uint8_t touch;            /* CHECK: this counts as activity of the person */
	uint8_t is_link;          /* CHECK: the token is a link's, not a session's */
	char after[BW_NAME_SIZE]; /* USERS, LINKS: begin behind this one */
};

struct bw_password {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	char old_password[BW_PASSWORD_SIZE];
	char new_password[BW_PASSWORD_SIZE];
	char address[BW_ADDRESS_SIZE];
};

struct bw_session {
	struct bw_header h;
	uint32_t status;
	uint32_t role;
	uint64_t session; /* a number for it that is no secret; a link's has the top bit set */
	uint32_t retry_after;
	uint8_t token[BW_TOKEN_SIZE]; /* LOGIN and PASSWORD: the new secret */
	char user[BW_NAME_SIZE];      /* for a link: its owner */
	uint8_t is_link, can_type;    /* what a link allows; a session may all */
	uint32_t terminal;            /* of a link; 0: any */
	int64_t until;                /* seconds since 1970 */
};

struct bw_status_reply {
	struct bw_header h;
	uint32_t status;
	uint32_t retry_after;
	char text[BW_TEXT_SIZE];
};

struct bw_user {
	char name[BW_NAME_SIZE];
	uint32_t role;
	uint32_t disabled;
	int64_t created, last_login; /* seconds since 1970; 0: never */
};

struct bw_users_page {
	struct bw_header h;
	uint32_t status;
	uint32_t count;
	uint32_t more;
	struct bw_user users[BW_PAGE_USERS];
};

enum bw_user_action { BW_USER_ADD, BW_USER_EDIT, BW_USER_REMOVE, BW_USER_ACTION_COUNT };

struct bw_user_change {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	uint32_t action;
	uint8_t set_password, set_role, set_disabled, disabled;
	uint32_t role;
	char name[BW_NAME_SIZE];
	char password[BW_PASSWORD_SIZE];
	char address[BW_ADDRESS_SIZE];
};

struct bw_link_make {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	uint32_t terminal;
	uint32_t can_type;
	uint32_t seconds;
};

struct bw_link_made {
	struct bw_header h;
	uint32_t status;
	uint32_t pad;
	uint64_t link;
	int64_t until;
	uint8_t secret[BW_TOKEN_SIZE];
};

struct bw_link {
	uint64_t link;
	uint32_t terminal, can_type;
	int64_t created, until;
};

struct bw_links_page {
	struct bw_header h;
	uint32_t status;
	uint32_t count;
	struct bw_link links[BW_PAGE_LINKS];
};

struct bw_link_revoke {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	uint64_t link;
};

struct bw_revoked {
	struct bw_header h;
	uint64_t session; /* 0: all of them must be checked again */
};

/* What may be written into the audit log from outside of auth; auth's own acts it writes itself. */
enum bw_event {
	BW_EVENT_DENIED, /* web: a request refused for its origin, host, method, missing session */
	BW_EVENT_ATTACH, /* web: a terminal's client came */
	BW_EVENT_DETACH, /* web: ... and went */
	BW_EVENT_LIMIT,  /* web: too many connections of an address */
	BW_EVENT_LOOK,   /* web: an admin came to somebody's terminal */
	BW_EVENT_LOOK_END,
	BW_EVENT_RECORD, /* web: a recording was begun or ended by its user */
	BW_EVENT_OPEN,   /* broker: a workspace opened */
	BW_EVENT_STOP,   /* broker: ... stopped or restarted */
	BW_EVENT_SERVER, /* broker: started, stopped, a role restarted */
	BW_EVENT_ADMIN, /* broker: an admin got a connection to somebody's workspace, or was refused one */
	BW_EVENT_RECORDINGS, /* broker: an admin saw somebody's recordings; anybody removed one */
	BW_EVENT_WALL, /* broker: the wall of an admin shows somebody's terminals: once a visit */
	BW_EVENT_COUNT,
};

struct bw_audit {
	struct bw_header h;
	uint32_t event;
	uint32_t failed;
	char user[BW_NAME_SIZE];
	char address[BW_ADDRESS_SIZE];
	char text[BW_TEXT_SIZE];
};

/* OPEN, WORKSPACE, RECORDING, WALL. */
enum bw_workspace_action { BW_WS_INSPECT, BW_WS_STOP, BW_WS_RESTART, BW_WS_ACTION_COUNT };
enum bw_recording_action { BW_REC_LIST, BW_REC_READ, BW_REC_REMOVE, BW_REC_ACTION_COUNT };

struct bw_open {
	struct bw_header h;
	uint8_t token[BW_TOKEN_SIZE];
	uint32_t is_link;
	uint32_t action; /* WORKSPACE, RECORDING */
	uint32_t look;   /* OPEN: the connection is to look only */
	/* OPEN: pictures only, for the wall; the number of the admin's visit to it. 0: not for the wall. */
	uint64_t visit;
	char address[BW_ADDRESS_SIZE];
	char of[BW_NAME_SIZE]; /* OPEN, RECORDING: whose, for an admin; "": the session's own user's */
	char item[BW_NAME_SIZE]; /* RECORDING: its name, for READ and REMOVE */
};

struct bw_opened {
	struct bw_header h;
	uint32_t status;
	char name[BW_NAME_SIZE];
	char text[BW_TEXT_SIZE];
};

struct bw_workspace_state {
	struct bw_header h;
	uint32_t status;
	char text[BW_TEXT_SIZE];
	char document[BW_DOCUMENT_SIZE]; /* JSON, an object, of the workspace's state, limits and
					    usage */
};

union bw_message {
	struct bw_header h;
	struct bw_plain plain;
	struct bw_settings settings;
	struct bw_ready ready;
	struct bw_login login;
	struct bw_token token;
	struct bw_password password;
	struct bw_session session;
	struct bw_status_reply status;
	struct bw_users_page users_page;
	struct bw_user_change user_change;
	struct bw_link_make link_make;
	struct bw_link_made link_made;
	struct bw_links_page links_page;
	struct bw_link_revoke link_revoke;
	struct bw_revoked revoked;
	struct bw_audit audit;
	struct bw_open open;
	struct bw_opened opened;
	struct bw_workspace_state workspace_state;
};

/* The size of a type's struct; 0 for a number that is none. */
size_t broker_wire_size(uint16_t type);

/* Is `data` a message as the catalogue wants it, with `fd_count` descriptors? 0, or -1 and what is
 * wrong (EPROTO). Pure. */
int broker_wire_check(const void *data, size_t len, size_t fd_count, struct md_error *err);

/* Sends *m, whose h.type is set; fills in the version. `fds` may be NULL with count 0. -1 and
 * errno: EAGAIN when a nonblocking socket is full, EPIPE when the other side is gone. */
int broker_wire_send(int fd, union bw_message *m, const int *fds, size_t fd_count);

/* Receives one message and its descriptors into fds[BW_MAX_FDS] (the caller's; -1 where none). 1
 * for a message, 0 at the end of the connection or when nothing is there on a nonblocking socket
 * (*ret_end tells which), -1 with `err` filled for what the catalogue does not allow. */
int broker_wire_recv(
	int fd, union bw_message *m, int fds[BW_MAX_FDS], bool *ret_end, struct md_error *err);

/* Copies into a fixed field, cut to fit, the rest zero. */
void broker_wire_put(char *field, size_t size, const char *text);

#define BW_PUT(field, text) broker_wire_put((field), sizeof(field), (text))

#endif
