/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden_link.h - the holder's side of the pair to the warden: asks without ever waiting, and calls back.
 */
#ifndef MD_SHIM_WARDEN_LINK_H
#define MD_SHIM_WARDEN_LINK_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/loop.h"
#include "shim/driver.h"
#include "shim/template.h"
#include "shim/warden_wire.h"

struct warden_job;

struct warden_link {
	struct loop *loop;
	struct loop_source source;
	uint32_t last_job;
	TAILQ_HEAD(, warden_job) jobs;
	/* What the warden tells on its own; `fd` is the callee's, -1: none. NULL: the warden is gone. */
	void (*event)(const struct warden_event *e, int fd, void *data);
	void *data;
};

/* `flags` beside the driver's result: WARDEN_SILENT. r->master is any descriptor that came, the callee's. */
typedef void (*warden_done)(const struct driver_result *r, uint32_t flags, void *data);

/* `fd` is taken over. -1 and errno. */
int warden_link_open(struct warden_link *l, struct loop *loop, int fd);
void warden_link_close(struct warden_link *l);

/* Jobs: `done` is called once, never from within. -1 and `err` if it could not even be asked. */
int warden_run(struct warden_link *l, enum driver_verb verb, int signo, warden_done done,
	void *data, struct md_error *err);
int warden_exec(struct warden_link *l, const struct process_spec *s, const int *stdio, pid_t cwd_of,
	warden_done done, void *data, struct md_error *err);
int warden_record(struct warden_link *l, uint32_t terminal, warden_done done, void *data,
	struct md_error *err);

/* Without an answer. -1 and errno. */
int warden_signal(struct warden_link *l, pid_t pid, int signo);
int warden_hasten(struct warden_link *l, pid_t pid);
int warden_tell(struct warden_link *l, enum warden_ask ask);
int warden_exited(struct warden_link *l, const struct shim_exit *e, const char *text);
int warden_failed(struct warden_link *l, const char *stage, const char *message, int exit_code);

#endif
