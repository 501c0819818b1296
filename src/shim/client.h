/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - one connection of shim.sock. What it is owed of a terminal's output is an offset into the ring, never a queue;
 * answers and notices go through a small bounded queue, and who doesn't read those is cut off.
 */
#ifndef MD_SHIM_CLIENT_H
#define MD_SHIM_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/loop.h"
#include "shim/shim.h"
#include "shim/terminal.h"

enum {
	CLIENT_MOST = 256,         /* connections of a workspace */
	CLIENT_QUEUE = 256 * 1024, /* bytes of answers not yet taken */
	CLIENT_SNAPSHOT = 16 << 20,
	CLIENT_WAITS = 16, /* pending WAITs of a connection */
	CLIENT_HELLO_MS = 10000,
	CLIENT_TAKEN_MS = 500,          /* after a key, until it is told that it was taken */
	CLIENT_TAKEN_BYTES = 16 * 1024, /* ... or at once */
};

struct client {
	TAILQ_ENTRY(client) link;
	TAILQ_ENTRY(client) terminal_link;
	struct shim *shim;
	uint64_t id;
	struct loop_source source;
	struct deadline timer; /* for HELLO; then for going, once dropped */
	struct deadline again; /* for the next snapshot */
	struct deadline taken; /* for the next TAKEN */
	bool greeted;
	bool dropped;      /* nothing is sent or received any more */
	bool leaving;      /* goes when its queue is empty */
	bool input_paused; /* not read: the terminal is full of input */
	uint16_t flags;    /* SHIM_HELLO_* */
	char label[SHIM_MAX_LABEL + 1];
	struct buf queue; /* u32 length, packet; ... */
	size_t queue_at;
	bool blocked; /* waits for the socket to take more */
	struct {
		uint32_t terminal;
		uint32_t serial;
	} waits[CLIENT_WAITS];
	size_t wait_count;
	uint32_t stop_serial; /* of its STOP, 0: none */

	struct terminal *terminal; /* attached, or waiting for it to start */
	struct shim_attach attach; /* as it asked */
	uint32_t attach_serial;
	bool attached;
	bool created; /* the terminal was started for it */
	bool read_only;
	bool acks;    /* it acknowledges */
	bool ring;    /* it reads the ring itself */
	bool resized; /* client_settle_size() */
	uint16_t rows;
	uint16_t cols;
	uint64_t taken_told; /* of its stream of input */
	uint64_t next;       /* the offset to be sent next */
	uint64_t acked;
	uint32_t window;    /* bytes that may be unacknowledged */
	uint64_t caught_up; /* what it resumed: up to here nothing is skipped */
	uint64_t mark;      /* number of the last size it was told */
	bool stale;         /* needs a snapshot */
	bool exit_told;
	bool input_lost;     /* told that the program doesn't read */
	struct buf snapshot; /* being sent */
	size_t snapshot_at;
	bool snapshot_begun;
	struct deadline snapshot_timer;
	uint64_t snapshot_ms; /* when the last one was made */
	uint16_t snapshot_rows;
	uint16_t snapshot_cols;
};

/* Takes a connected socket over; closes it if it isn't to be. */
void client_accept(struct shim *s, int fd);

/* Ends the connection. The struct goes in a later round of the loop, so that callers further up may still look at it
 * and lists may be walked meanwhile. */
void client_drop(struct client *c);

/* Ends it with ERROR{code, text} once that was sent. */
void client_fail(struct client *c, uint32_t serial, int code, const char *text);

/* Queues an answer or notice and sends what can be sent. */
void client_send(struct client *c, const struct shim_msg *m);
void client_send_error(struct client *c, uint32_t serial, uint16_t request, int exit_code,
	const struct md_error *err);
void client_send_done(struct client *c, uint32_t serial);
void client_send_notice(struct client *c, uint32_t kind, uint32_t terminal, const char *text);

struct client *client_find(struct shim *s, uint64_t id);

/* Binds it to the terminal; ATTACHED follows at once or when the terminal runs. */
void client_attach(struct client *c, struct terminal *t);
void client_attach_now(struct client *c);

void client_detach(struct client *c);

/* client_input.c: its stream of input. Adopts it and fills the fields of ATTACHED; counts bytes that came. */
void client_adopt_input(struct client *c, struct shim_attached *told);
void client_count_input(struct client *c, size_t len);

/* EXIT for its WAITs for `t`, which has ended. */
void client_answer_waits(struct client *c, struct terminal *t);

/* Sends what it is owed, as far as the socket and its window allow. */
void client_pump(struct client *c);

/* Nothing is left to be sent to it. */
bool client_is_settled(const struct client *c);

/* The socket takes no more for now, or does again. */
void client_set_blocked(struct client *c, bool blocked);

/* Reads from it or not. */
void client_pause(struct client *c, bool pause);

/* client_requests.c: does what the message asks. */
void client_handle(struct client *c, const struct shim_msg *m, int *fds, size_t fd_count);

/* Its terminal gets the size that it asked for last, for which all lines may have to be broken anew: once for all RESIZEs that came
 * together. */
void client_settle_size(struct client *c);

#endif
