/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.h - the holder of one workspace, mdocker-shim's half without privilege: the container's life (life.c), its terminals,
 * its clients. What needs privilege it asks of the warden (warden.h).
 *
 * The shim owns terminals and clients; a client points at its terminal and a terminal lists its clients.
 */
#ifndef MD_SHIM_SHIM_H
#define MD_SHIM_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "shim/deadline.h"
#include "shim/options.h"
#include "shim/output_log.h"
#include "shim/warden_link.h"
#include "wire/shim_wire.h"

struct client;
struct terminal;

enum shim_phase {
	SHIM_PHASE_STARTING, /* create, start, main; nobody can connect yet */
	SHIM_PHASE_RUNNING,
	SHIM_PHASE_STOPPING, /* told to end, time is running */
	SHIM_PHASE_DELETING, /* being killed and deleted */
	SHIM_PHASE_LEAVING,  /* gone; clients get what is left to say */
};

struct shim {
	const struct shim_options *options;
	struct loop loop;
	struct deadlines deadlines;
	struct warden_link warden;
	struct output_log output_log;
	struct loop_source listener;
	int spare_fd; /* to be given up when there is no other */
	pid_t shim_pid;
	uid_t uid;
	int listen_fd;        /* bound, until it is in the loop */
	const char *template; /* text of the process template, borrowed */

	enum shim_phase phase;
	bool failed;    /* the start has, and the starter will be told */
	pid_t init_pid; /* the container's PID 1; 0: none, or ended */
	uint64_t started_ms;
	struct deadline stop_timer;
	int stop_signal;
	bool container_ending; /* PID 1 is on its way out, all others with it */
	bool look_helps;       /* the kernel is silent about the limit of processes */
	struct deadline look;
	bool main_pending;                 /* --main-wait, and nobody has come yet */
	uint64_t main_creator;             /* the client that made main; 0: none did */
	enum shim_exit_reason stop_reason; /* what terminals are told that end from now on */
	char stop_text[256];               /* "" while not stopping */

	TAILQ_HEAD(terminal_list, terminal) terminals; /* in the order shown, ended ones too */
	uint32_t last_terminal;
	uint64_t life; /* random: terminals are counted from 1 in each */
	TAILQ_HEAD(client_list, client) clients;
	size_t client_count;
	size_t snapshot_bytes; /* held for all clients at present */
	uint64_t last_client;
	char *packet; /* SHIM_MAX_PACKET + 1 bytes: what is being received */
};

/* What the halves inherit from the time before they parted. */
struct shim_start {
	int warden_fd;
	int listen_fd;
	int output_log_fd; /* -1: none */
	int old_log_fd;
	const char *template;
	pid_t shim_pid; /* the warden's, which is what the host knows */
	uid_t uid;      /* of the warden: may connect */
};

/* The holder's half of the program: takes the descriptors over, returns the exit code. */
int shim_run(const struct shim_options *o, const struct shim_start *start);

/* Begins to stop: `signo` to the container, SIGHUP to the terminals, after `timeout_ms` SIGKILL. `text` is what people are
 * told: "stopped by admin". A second call can only make it end sooner. */
void shim_stop(struct shim *s, uint32_t timeout_ms, int signo, enum shim_exit_reason reason,
	const char *text);

/* Starts main for the first who wants it (--main-wait); 0 for the sizes: the usual. NULL: it failed. */
struct terminal *shim_start_main(
	struct shim *s, uint16_t rows, uint16_t cols, struct md_error *err);

/* A terminal has started, failed to, or ended: the life may depend on it. */
void shim_main_started(struct shim *s);
void shim_main_failed(struct shim *s, const struct md_error *why, int exit_code);
void shim_terminal_ended(struct shim *s, struct terminal *t);

/* A terminal has shown something. */
void shim_output_seen(struct shim *s);

/* A client left or was told all: LEAVING may be over. */
void shim_client_settled(struct shim *s);

#endif
