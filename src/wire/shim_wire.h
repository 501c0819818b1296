/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_wire.h - the protocol of shim.sock, for both of its sides: mdocker-shim, and its clients
 * (web, mdocker).
 *
 * A unix SOCK_SEQPACKET socket. One message is one packet:
 *
 *	u16 type | u16 fixed | u32 serial | `fixed` bytes: the fields of the type, in order | the tail
 *
 * All numbers are little-endian. The tail, to the end of the packet, is nothing, raw bytes, or
 * strings (each with its NUL), as the type says. A message has at most SHIM_MAX_TAIL bytes of tail;
 * a packet at most SHIM_MAX_PACKET.
 *
 * Serials: a request carries a number of the client's choice; every reply to it carries the same.
 * Requests may be pipelined, replies come in any order. A request with serial 0 gets no ERROR.
 * What the shim says on its own carries 0.
 *
 * Versions. SHIM_VERSION grows by one with each change, and changes only add: a new type, a field
 * behind the last of a type, a string behind the last, a flag. So:
 * - a receiver takes a message that is longer than it knows and ignores the rest; fields that an
 *   older sender doesn't know yet read as 0; a message shorter than version 1 had it is malformed;
 * - the shim answers an unknown type with ERROR{ENOSYS} and stays; a client ignores an unknown type;
 * - each side learns the other's version from HELLO and doesn't count on what is newer. Nothing is
 *   ever removed, hence an old shim serves a new server for as long as its shells live;
 * - HELLO is answered with those flags only that the shim knows: who renounced more than that looks
 *   there.
 * Version 3: lives and streams of input (ATTACH, ATTACHED, TAKEN), ACK.window.
 * Version 4: HELLO's PICTURES, and the letters p and s of PRESENCE.
 *
 * A malformed message (short, oversized, strings without their end, descriptors where none belong,
 * the first one not a HELLO) gets ERROR{EBADMSG or EPROTO} and the connection ends; nobody else
 * notices.
 *
 * The course of a terminal's connection:
 *	client: HELLO, ATTACH                                     (both may be sent at once)
 *	shim:   HELLO, ATTACHED, SNAPSHOT... (unless resumed), PRESENCE,
 *	        then OUTPUT, SIZE, NOTICE, PRESENCE... and EXIT
 *	client: INPUT, RESIZE, ACK, PING
 *
 * Every output byte of a terminal has an offset, counted from 0. ATTACHED.offset is where the client
 * stands now: the `from` that it named (flag RESUMED), or the offset that the snapshot shows. A later
 * snapshot may replace output that the client was too slow for: SNAPSHOT messages up to the one with
 * LAST together are terminal bytes for a terminal that was reset, with the contents up to
 * SNAPSHOT.offset; the next OUTPUT goes on there. Without ACKS the socket itself is the flow control.
 *
 * Terminals are counted from 1 in each life of a shim, so a number alone doesn't say which shell was
 * meant: ATTACHED.life is a random number of this life, and an ATTACH that names another one gets
 * ERROR{ESTALE}.
 *
 * A client that wants each typed byte to arrive exactly once over several connections numbers a stream
 * of input at random (never 0) and names it in each ATTACH. The shim counts the stream's bytes, tells
 * the count in ATTACHED and now and then in TAKEN; what lies behind it never arrived and never will,
 * since an older connection with the same stream ends with the ATTACH of a newer one. So the client
 * sends it again. `input_taken` in ATTACH is the count that the client knows of: where a shim begins to
 * count that hasn't met the stream (flag NEW_INPUT), or has forgotten it.
 */
#ifndef MD_WIRE_SHIM_WIRE_H
#define MD_WIRE_SHIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"

enum {
	SHIM_VERSION = 4,
	SHIM_VERSION_PICTURES = 4, /* from this one on */
	SHIM_MAGIC = 0x4d434453,   /* "SDCM" */
	SHIM_HEADER = 8,
	SHIM_MAX_FIXED = 248,
	SHIM_MAX_TAIL = 65536,
	SHIM_MAX_PACKET = SHIM_HEADER + SHIM_MAX_FIXED + SHIM_MAX_TAIL,
	SHIM_MAX_TERMINALS = 64,   /* alive in one workspace */
	SHIM_MAX_LABEL = 128,      /* bytes of a label or a name, without the NUL */
	SHIM_WINDOW_HIGH = 262144, /* bytes unacknowledged by the client that typed last: the shim
				      stops reading */
	SHIM_WINDOW_LOW = 65536,   /* and goes on: at a quarter of a smaller one */
	SHIM_WINDOW_LEAST = 16384,
};

#define SHIM_NO_OFFSET UINT64_MAX

enum shim_type {
	/* client -> shim; in brackets: what answers, besides ERROR */
	SHIM_HELLO = 1,  /* [HELLO] must be the first */
	SHIM_ATTACH = 2, /* [ATTACHED] one terminal a connection */
	SHIM_INPUT = 3,  /* tail: bytes typed. No answer unless it fails (EPERM read-only, ENOTCONN
			    not attached) */
	SHIM_RESIZE = 4, /* no answer but the SIZE that all get if it changed */
	SHIM_ACK = 5,    /* all bytes before `offset` were shown. No answer */
	SHIM_PING = 6,   /* [PONG] */
	SHIM_NEW_TERMINAL = 7, /* [CREATED] */
	SHIM_LIST = 8,         /* [TERMINAL for each, then DONE] */
	SHIM_RENAME = 9,       /* [DONE] */
	SHIM_CLOSE = 10,  /* [DONE] hangs the terminal up, as closing its window would: SIGHUP, KILL
			     after 2 s */
	SHIM_SIGNAL = 11, /* [DONE] */
	SHIM_WAIT = 12,   /* [EXIT] at once if it had ended already, else when it ends */
	SHIM_STATUS = 13, /* [STATE] */
	SHIM_STOP = 14,   /* [DONE when the container is gone] the shim ends after it */
	SHIM_MOVE = 15,   /* [DONE] */
	SHIM_RECORD = 16, /* [DONE] */

	/* shim -> client; HELLO too */
	SHIM_ATTACHED = 65,
	SHIM_OUTPUT = 66,
	SHIM_SNAPSHOT = 67,
	SHIM_SIZE = 68,
	SHIM_NOTICE = 69,
	SHIM_EXIT = 70,
	SHIM_ERROR = 71,
	SHIM_PONG = 72,
	SHIM_TERMINAL = 73,
	SHIM_STATE = 74,
	SHIM_CREATED = 75,
	SHIM_DONE = 76,
	SHIM_PRESENCE = 77,
	SHIM_RING = 78,
	SHIM_ADVANCE = 79,
	SHIM_TAKEN = 80,
};

/* HELLO, both ways. Tail of the client's: [label]; of the shim's: [workspace id, workspace name]. A
 * label names who is on the connection, "alice@browser"; the first one given stays, ATTACH's too.
 *
 * The first two flags are what the sender renounces for the connection's whole life, so that the
 * broker may hand it to a less trusted process:
 * READ_ONLY: it can look only: ATTACH (read-only), ACK, PING, LIST, STATUS, WAIT.
 * USER: no STOP, no SIGNAL but to terminals, no end of a RECORD that is required, and NEW_TERMINAL makes the template's
 *   program with its user and environment on a tty, nothing else. (Before version 2: no RECORD at all.)
 * PICTURES: READ_ONLY, and what it attaches to is shown to it in pictures only: a SNAPSHOT without scrollback at first, and a new
 *   one when something has changed, a while after the last. No OUTPUT, no RING, no resuming. (From version 4 on.)
 * A second HELLO is answered like the first and can only renounce more. */
enum {
	SHIM_HELLO_READ_ONLY = 1,
	SHIM_HELLO_USER = 2,
	SHIM_HELLO_WATCH = 4, /* TERMINAL with serial 0 whenever one is made, changed or ended */
	SHIM_HELLO_ADMIN =
		8, /* somebody else's admin is on it: PRESENCE says so (from version 2 on) */
	SHIM_HELLO_PICTURES = 16,
};
struct shim_hello {
	uint32_t magic; /* SHIM_MAGIC */
	uint16_t version;
	uint16_t flags;
};

/* ATTACH. Tail: [label]. */
enum {
	SHIM_ATTACH_READ_ONLY = 1,
	SHIM_ATTACH_CREATE = 2, /* start the login shell if the terminal (0: any) isn't alive */
	SHIM_ATTACH_ACKS = 4,   /* this client will send ACK */
	SHIM_ATTACH_RING =
		8, /* send RING and ADVANCE instead of OUTPUT if the shim can; see there */
};
struct shim_attach {
	uint32_t terminal; /* 0: the first that is alive */
	uint32_t flags;
	uint64_t from; /* SHIM_NO_OFFSET: a snapshot */
	uint16_t rows; /* the client's size; 0: it has none to say */
	uint16_t cols;
	uint64_t life;  /* the one that `terminal` and `from` are of; 0: any */
	uint64_t input; /* the stream of what will be typed; 0: not counted */
	uint64_t input_taken;
};

struct shim_resize {
	uint16_t rows;
	uint16_t cols;
};

/* ACK. A client that shows slowly wants less on its way, or its person would wait for what a ctrl-C has ended. */
struct shim_ack {
	uint64_t offset;
	uint32_t
		window; /* bytes that may go unacknowledged from now on, SHIM_WINDOW_LEAST to _HIGH; 0: as before */
};

/* PING and PONG: the cookie comes back. */
struct shim_ping {
	uint64_t cookie;
};

/* NEW_TERMINAL. Tail: [name, user, cwd] then argc strings of argv, then envc of NAME=value. What is
 * empty is taken from the process template. Without TTY the packet carries three descriptors:
 * stdin, stdout, stderr. */
enum {
	SHIM_NEW_TTY = 1,
	SHIM_NEW_ENV_ONLY =
		2, /* the environment is exactly the given one, not added to the template's */
	SHIM_NEW_MAIN = 4, /* the workspace stops when it ends */
	SHIM_NEW_LOG = 8,  /* without descriptors: stdin is /dev/null, stdout and stderr go to the
			      output log */
	SHIM_NEW_PRIVILEGED =
		16, /* for the runtime's exec --privileged: all capabilities of the bounding set */
};
struct shim_new_terminal {
	uint32_t flags;
	uint32_t cwd_from; /* open in the present folder of that terminal's foreground process; 0:
			      no */
	uint16_t rows;
	uint16_t cols;
	uint16_t argc;
	uint16_t envc;
};

/* RENAME (tail [name]), CLOSE, WAIT, ATTACHED's twin for CREATED. */
struct shim_terminal_ref {
	uint32_t terminal;
};

struct shim_signal {
	uint32_t terminal; /* 0: PID 1 of the container, which forwards it to all */
	uint32_t signo;    /* 1..64 */
};

/* STOP. Tail: [who]: said to all clients: "stopped by admin". */
struct shim_stop {
	uint32_t timeout_ms; /* from SIGTERM to SIGKILL; at most 600,000 */
	uint32_t signo;      /* instead of SIGTERM; 0: SIGTERM */
};

/* MOVE: to `position` (0 the first) in the list. */
struct shim_move {
	uint32_t terminal;
	uint32_t position;
};

/* RECORD: on or off. The asciicast v2 file is made in the folder given to the shim. */
struct shim_record {
	uint32_t terminal;
	uint32_t on;
};

/* ATTACHED */
enum {
	SHIM_ATTACHED_READ_ONLY = 1,
	SHIM_ATTACHED_RESUMED = 2,  /* OUTPUT goes on at `offset`, which is the wanted one */
	SHIM_ATTACHED_SNAPSHOT = 4, /* SNAPSHOT messages follow */
	SHIM_ATTACHED_CREATED = 8,  /* the terminal was started for this */
	SHIM_ATTACHED_ENDED = 16,   /* it had ended: the rest of its output, then EXIT */
	SHIM_ATTACHED_RECORDED = 32,
	SHIM_ATTACHED_MAY_RECORD = 64, /* RECORD, on and off, is this connection's to ask for */
	SHIM_ATTACHED_COUNTED =
		128, /* the stream of input is counted, `input_taken` says how far */
	SHIM_ATTACHED_NEW_INPUT =
		256, /* it wasn't known: what it had sent before may have arrived or not */
};
struct shim_attached {
	uint32_t terminal;
	uint32_t flags;
	uint64_t offset;
	uint16_t rows;
	uint16_t cols;
	uint64_t life;
	uint64_t input_taken;
};

/* TAKEN: so many bytes of the stream of input have arrived by now. */
struct shim_taken {
	uint64_t input_taken;
};

/* OUTPUT: terminal bytes from `offset` on. */
struct shim_output {
	uint64_t offset;
};

enum {
	SHIM_SNAPSHOT_FIRST = 1, /* reset the terminal before these bytes */
	SHIM_SNAPSHOT_LAST = 2,
};
struct shim_snapshot {
	uint64_t offset;
	uint32_t flags;
	uint16_t rows; /* of the terminal that it shows */
	uint16_t cols;
};

/* SIZE: the terminal has this size now. Tail: [label of who set it]. */
struct shim_size {
	uint16_t rows;
	uint16_t cols;
};

/* NOTICE. Tail: [text], for people, one line. */
enum shim_notice_kind {
	SHIM_NOTICE_OTHER = 0,
	SHIM_NOTICE_OOM = 1,  /* "killed by the 100 MiB memory limit: gcc (pid 812)" */
	SHIM_NOTICE_PIDS = 2, /* "the limit of 20 processes was reached" */
	SHIM_NOTICE_DISK = 3,
	SHIM_NOTICE_STOPPING = 4,  /* "the workspace is being stopped by admin" */
	SHIM_NOTICE_RECORDING = 5, /* recording begins or ends */
	SHIM_NOTICE_INPUT = 6, /* "the program doesn't read: 4096 bytes of input were dropped" */
};
struct shim_notice {
	uint32_t kind;
	uint32_t terminal; /* 0: the workspace */
	uint32_t on;       /* RECORDING: begins (1) or has ended (0); from version 2 on */
};

/* EXIT: a terminal's process has ended and all of its output was sent. Tail: [text]: "exited with
 * code 2". */
enum shim_exit_reason {
	SHIM_EXIT_SELF = 0,    /* it ended by itself, code or signal say how */
	SHIM_EXIT_CLOSED = 1,  /* hung up by CLOSE */
	SHIM_EXIT_STOPPED = 2, /* the workspace was stopped; the text says by whom */
	SHIM_EXIT_INIT = 3,    /* the container's PID 1 ended */
	SHIM_EXIT_OOM = 4,     /* killed by the memory limit */
	SHIM_EXIT_FAILED = 5,  /* it could not be started */
};
struct shim_exit {
	uint32_t terminal;
	int32_t code; /* 0..255 as a shell tells it: 128 + signal where one killed it */
	uint32_t signal;
	uint32_t reason;
};

/* ERROR. Tail: [text]. With serial 0 it tells why the connection ends. */
struct shim_error {
	int32_t code;       /* an errno of Linux */
	uint32_t exit_code; /* of a process that could not be started: 125, 126 or 127 as Docker's;
			       else 0 */
	uint16_t request;   /* the type that failed, 0: none */
	uint16_t zero;
};

/* TERMINAL. Tail: [name, title, command]. */
enum {
	SHIM_TERMINAL_TTY = 1,
	SHIM_TERMINAL_ENDED = 2, /* gone from the list; `exit` below says how it ended */
	SHIM_TERMINAL_MAIN = 4,
	SHIM_TERMINAL_RECORDED = 8,
};
struct shim_terminal {
	uint32_t terminal;
	uint32_t flags;
	uint32_t position; /* in the list */
	uint32_t pid;      /* on the host; 0: gone */
	uint32_t clients;
	int32_t exit; /* code, once ended */
	uint16_t rows;
	uint16_t cols;
	uint32_t zero;
	uint64_t offset;     /* bytes of output so far */
	uint64_t started_ms; /* since the epoch */
	uint64_t output_ms;  /* the last output, or 0 */
	uint64_t input_ms;   /* the last key, or 0 */
};

/* STATE, the answer to STATUS. Tail: [id, name, version of the program]. */
enum shim_state_kind {
	SHIM_STATE_RUNNING = 1,
	SHIM_STATE_STOPPING = 2,
};
struct shim_state {
	uint32_t state;
	uint32_t shim_pid;
	uint32_t init_pid; /* the container's PID 1, on the host */
	uint32_t terminals;
	uint32_t clients; /* attached ones */
	uint32_t zero;
	uint64_t started_ms;
	uint64_t output_bytes; /* of all terminals so far */
	uint64_t active_ms;    /* the last input or output of any terminal */
};

/* PRESENCE: who is attached to this terminal now. Tail: `count` strings, each one letter (w may
 * type, r looks only; c and l the same, and it is an admin (from version 2 on); p is shown pictures only, s too, and it
 * is an admin (from version 4 on); a capital: that is you) and the label. */
struct shim_presence {
	uint32_t terminal;
	uint32_t count;
};

/* RING, after ATTACHED: the packet carries one descriptor, a memfd to be mapped read-only: 4,096
 * bytes of head, then `size` bytes of ring; output byte N stands at N % size. ADVANCE{from, to}
 * then says which bytes are new; those may be copied out. The first u64 of the head is the offset
 * of the oldest byte that is intact: read it (acquire) after copying; if it has passed what was
 * copied, the copy is void, and a SNAPSHOT is on its way (before version 3 not always: after a resume
 * from far back it could be missing). */
struct shim_ring {
	uint64_t size;
};
struct shim_advance {
	uint64_t from;
	uint64_t to;
};

struct shim_msg {
	uint16_t type;
	uint32_t serial;
	union {
		struct shim_hello hello;
		struct shim_attach attach;
		struct shim_resize resize;
		struct shim_ack ack;
		struct shim_ping ping;
		struct shim_new_terminal new_terminal;
		struct shim_terminal_ref ref; /* RENAME, CLOSE, WAIT, CREATED */
		struct shim_signal signal;
		struct shim_stop stop;
		struct shim_move move;
		struct shim_record record;
		struct shim_attached attached;
		struct shim_output output;
		struct shim_snapshot snapshot;
		struct shim_size size;
		struct shim_notice notice;
		struct shim_exit exit;
		struct shim_error error;
		struct shim_terminal terminal;
		struct shim_state state;
		struct shim_presence presence;
		struct shim_ring ring;
		struct shim_advance advance;
		struct shim_taken taken;
	};
	const char *tail; /* borrowed; strings are NUL-terminated and counted by the decoder */
	size_t tail_len;
};

/* Writes the header and the fields, without the tail, which the sender puts behind it (by an
 * iovec). `to` has room for SHIM_HEADER + SHIM_MAX_FIXED. Returns the length; -1 and EINVAL for an
 * unknown type. */
ssize_t shim_encode_head(const struct shim_msg *m, void *to);

/* Writes the whole message. -1 and errno: EINVAL as above, EMSGSIZE where it has no room or too
 * long a tail. */
ssize_t shim_encode(const struct shim_msg *m, void *to, size_t room);

/* Reads one packet; `ret->tail` points into it. 0, or -1 and errno:
 * ENOSYS  a well-formed message of an unknown type (type and serial are set)
 * EBADMSG malformed (serial is set if there was a header). */
int shim_decode(const void *packet, size_t len, struct shim_msg *ret);

/* The type in words ("attach"), for logs; "?" if unknown. */
const char *shim_type_name(uint16_t type);

/* Adds a string with its NUL to a tail that is being built (ceiling SHIM_MAX_TAIL). NULL is "". */
int shim_add_string(struct buf *tail, const char *s);

/* Walks the strings of a decoded tail: `const char *at = NULL; s = shim_next_string(&m, &at)`; NULL
 * at the end. */
const char *shim_next_string(const struct shim_msg *m, const char **at);

/* String `index` of the tail, "" if there are not so many. */
const char *shim_string(const struct shim_msg *m, size_t index);

#endif
