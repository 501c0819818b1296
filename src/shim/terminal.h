/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.h - one terminal: the PTY's master (or the output pipes of a process without tty), its
 * ring of output, the state of its screen, its clients and the flow control between them.
 *
 * Output goes PTY -> ring -> clients, each of which is only an offset into the ring, and -> screen, which
 * lags behind the clients and catches up before anyone looks at it.
 */
#ifndef MD_SHIM_TERMINAL_H
#define MD_SHIM_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "screen/screen.h"
#include "shim/deadline.h"
#include "shim/input_streams.h"
#include "shim/record.h"
#include "shim/ring.h"
#include "shim/shim.h"
#include "shim/template.h"

enum {
	TERMINAL_MAX_ROWS = 512,
	TERMINAL_MAX_COLS = 1024,
	TERMINAL_MARKS = 64,
	TERMINAL_KEPT = 4,        /* ended ones whose output can still be read */
	TERMINAL_REMEMBERED = 64, /* ended ones whose exit status is known */
	INPUT_MOST = 256 * 1024,
	INPUT_HIGH = 64 * 1024, /* clients that type aren't read from here on */
	INPUT_LOW = 16 * 1024,
};

enum terminal_phase {
	TERMINAL_STARTING,
	TERMINAL_RUNNING,
	TERMINAL_ENDED,
};

/* From `offset` on the output was made for this size. */
struct size_mark {
	uint64_t offset;
	uint16_t rows;
	uint16_t cols;
};

struct terminal {
	TAILQ_ENTRY(terminal) link;
	struct shim *shim;
	uint32_t id;
	enum terminal_phase phase;
	bool tty;
	bool main;
	bool logged; /* to the output log */
	bool closed; /* by CLOSE */
	char name[SHIM_MAX_LABEL + 1];
	char *command;
	uint64_t creator; /* the client (its id) to be told CREATED, 0: none */
	uint32_t creator_serial;
	struct process_spec spec; /* while starting */
	pid_t cwd_of;             /* opens in the folder of that process; 0: no */
	bool retried;             /* without the wanted folder */
	char limit[128];          /* which one killed it, or "" */

	pid_t pid; /* 0: not yet, or reaped */
	bool exited;
	int status; /* of waitpid, once exited */
	enum shim_exit_reason reason;
	char exit_text[256];
	struct deadline grace; /* after the exit for the rest of the output; after CLOSE for KILL */

	int output
		[2]; /* the master and -1, or the pipes of stdout and stderr; -1 once at its end */
	struct loop_source sources[2];
	bool hung_up; /* no more input */
	struct ring ring;
	struct screen *screen; /* NULL without tty */
	uint64_t fed;          /* the screen has seen all before this offset */
	unsigned long titles;  /* screen_title_changes() last told */
	struct deadline retitled;
	uint64_t started_ms; /* real time */
	struct recording *recording;
	bool was_recorded;      /* at least once */
	bool record_asked;      /* its file is on the way... */
	uint64_t record_client; /* ... for this one's request; 0: nobody's */
	uint32_t record_serial;
	struct deadline
		record_timer; /* to write what is gathered; for the next one after one that was full */

	uint16_t rows;
	uint16_t cols;
	char sized_by[SHIM_MAX_LABEL + 1];
	struct size_mark marks[TERMINAL_MARKS]; /* mark number N at N % TERMINAL_MARKS */
	uint64_t mark;                          /* the number of the newest, from 1 */

	TAILQ_HEAD(, client) clients;
	struct client *typist;   /* who typed last: its window holds the output back; may be NULL */
	bool held;               /* not reading, for the typist's sake */
	struct deadline stalled; /* the typist doesn't acknowledge */
	struct deadline flush;
	uint64_t flushed_ms;
	uint64_t flushed;   /* offset */
	uint64_t output_ms; /* real time */
	uint64_t input_ms;
	uint64_t typed_ms; /* monotonic */
	pid_t hastened;    /* the process in front when a key came last */

	struct input_streams streams;
	struct buf input; /* not yet taken by the PTY */
	size_t input_at;
	bool input_stuck; /* the program doesn't read: what comes is dropped */
	struct deadline input_timer;
};

struct terminal_request {
	struct process_spec spec; /* taken over */
	pid_t cwd_of;
	const char *name;
	bool main;
	bool logged;
	int stdio[3];           /* -1: none; borrowed */
	struct client *creator; /* gets CREATED or ERROR, or NULL */
	uint32_t serial;
};

/* Starts one. 0 and *ret, in phase STARTING; or -1. */
int terminal_new(
	struct shim *s, struct terminal_request *q, struct terminal **ret, struct md_error *err);

/* The terminal of that number, ended ones too; NULL. 0 is the first alive. */
struct terminal *terminal_find(struct shim *s, uint32_t id);
size_t terminal_count_alive(const struct shim *s);

/* Typed bytes of `c` (which may be NULL). */
void terminal_input(struct terminal *t, struct client *c, const void *data, size_t len);

/* What runs in the foreground. */
pid_t terminal_front_process(const struct terminal *t);

/* Sizes outside the limits are brought inside; 0 is ignored. */
void terminal_resize(struct terminal *t, uint16_t rows, uint16_t cols, const char *by);

/* Sends what there is to the clients and lets the screen catch up. */
void terminal_flush(struct terminal *t);

/* Lets the screen see all output. */
void terminal_feed(struct terminal *t);

/* Reads the PTY or not, as the typist's window is. To be called when it changed. */
void terminal_check_window(struct terminal *t);

/* The typist has acknowledged more: it isn't stalled. */
void terminal_progress(struct terminal *t, const struct client *c);

/* CLOSE: hangs up; SIGKILL after 2 s. */
void terminal_hang_up(struct terminal *t);

/* The process of `pid` has ended: true if it was a terminal's. `limit` says which limit killed it, or is "". */
bool terminal_process_ended(struct shim *s, pid_t pid, int status, const char *limit);

/* Ends it at once, whatever its process does: the container is gone. */
void terminal_end(struct terminal *t);

/* Tells the clients that watch: made, changed, ended. */
void terminal_announce(struct terminal *t);

/* The TERMINAL message about it; the tail is built in `tail`. */
void terminal_describe(const struct terminal *t, struct shim_msg *m, struct buf *tail);
void terminal_describe_exit(const struct terminal *t, struct shim_msg *m, struct buf *tail);

/* terminal_record.c */
/* Starts or ends the recording. `c` (or NULL) gets DONE or ERROR with `serial` when that has happened. EPERM: it is required,
 * and `c` is a user's. */
int terminal_record(
	struct terminal *t, bool on, struct client *c, uint32_t serial, struct md_error *err);
/* Whether terminal_record() would do both for this client. */
bool terminal_may_record(const struct terminal *t, const struct client *c);
/* What was shown, at which size; nothing if it isn't recorded. */
void terminal_record_output(struct terminal *t, const void *data, size_t len);
void terminal_record_size(struct terminal *t);
/* The terminal ends. */
void terminal_record_done(struct terminal *t);

void terminal_free(struct terminal *t);

#endif
