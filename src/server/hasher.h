/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.h - passwords through argon2id (64 MiB, 3 passes, one lane) on two threads, so that a flood of logins takes
 * at most two cores and 128 MiB and auth goes on answering. At most HASHER_QUEUE wait; more is refused.
 */
#ifndef MD_SERVER_HASHER_H
#define MD_SERVER_HASHER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"
#include "server/accounts.h"

enum { HASHER_THREADS = 2, HASHER_QUEUE = 32 };

struct hash_job {
	bool make; /* make a hash of `password`; else compare it with `hash` */
	bool fresh; /* compared: the hash has today's parameters; else make a new one into `hash` too */
	bool ok;     /* the result */
	bool failed; /* there is none, for want of memory */
	char password[BW_PASSWORD_SIZE];
	char hash[ACCOUNT_HASH_SIZE];
	void (*done)(struct hash_job *job,
		void *data); /* on the loop's thread; owns and frees the job */
	void *data;
	struct hash_job *next;
};

struct hasher {
	pthread_t threads[HASHER_THREADS];
	int thread_count;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct hash_job *waiting, **waiting_end, *finished;
	int waiting_count;
	bool stop;
	int event_fd;
	struct loop_source source;
};

int hasher_open(struct hasher *h, struct loop *loop, struct md_error *err);
/* Waits for the hashes being made; drops those that wait. */
void hasher_close(struct hasher *h);

/* Takes the job (made by hash_job_new) over. 0; or -1 and EBUSY when the queue is full: the job stays the caller's. */
int hasher_add(struct hasher *h, struct hash_job *job);

struct hash_job *hash_job_new(const char *password, const char *hash,
	void (*done)(struct hash_job *, void *), void *data);
/* Wipes and frees. */
void hash_job_free(struct hash_job *job);

/* At once, on this thread. */
int hash_password(const char *password, char ret[ACCOUNT_HASH_SIZE]);

/* A hash that no password has, with the same cost: for users that do not exist. */
extern const char hash_of_nobody[];

#endif
