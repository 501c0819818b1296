/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/hasher.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/poison.h"

enum { PASSES = 3, MEMORY = 64 << 20 };

/* 32 zero bytes are no argon2 output that anybody can find a password for. */
const char hash_of_nobody[] = "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
			      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int hash_password(const char *password, char ret[ACCOUNT_HASH_SIZE])
{
	static_assert(ACCOUNT_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for a hash");

	if (crypto_pwhash_str_alg(ret, password, strlen(password), PASSES, MEMORY,
		    crypto_pwhash_ALG_ARGON2ID13) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

static int from_base64(unsigned char *to, size_t size, const char *text, size_t len)
{
	size_t got = 0;

	if (sodium_base642bin(to, size, text, len, NULL, &got, NULL,
		    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) < 0)
		return -1;
	return got == size ? 0 : -1;
}

/* As crypto_pwhash_str_verify(), whose answer to want of memory is the one to a wrong password. 1: it is the password, 0: it is not,
 * -1: not known. */
static int compare(const char *hash, const char *password)
{
	enum { SALT = crypto_pwhash_argon2id_SALTBYTES, KEY = 32, SALT_TEXT = 22, KEY_TEXT = 43 };
	unsigned char salt[SALT], stored[KEY], made[KEY];
	unsigned int memory, passes;
	int at = 0, r;

	if (sscanf(hash, "$argon2id$v=19$m=%u,t=%u,p=1$%n", &memory, &passes, &at) != 2 || !at ||
		strlen(hash + at) != SALT_TEXT + 1 + KEY_TEXT || hash[at + SALT_TEXT] != '$' ||
		from_base64(salt, sizeof(salt), hash + at, SALT_TEXT) < 0 ||
		from_base64(stored, sizeof(stored), hash + at + SALT_TEXT + 1, KEY_TEXT) < 0)
		return 0;
	r = crypto_pwhash(made, sizeof(made), password, strlen(password), salt, passes,
		(size_t)memory * 1024, crypto_pwhash_ALG_ARGON2ID13);
	if (r == 0)
		r = sodium_memcmp(made, stored, sizeof(made)) == 0;
	sodium_memzero(made, sizeof(made));
	return r;
}

static void run_job(struct hash_job *job)
{
	int r;

	if (job->make) {
		job->ok = hash_password(job->password, job->hash) == 0;
		job->failed = !job->ok;
		return;
	}
	r = compare(job->hash, job->password);
	job->ok = r == 1;
	job->failed = r < 0;
	job->fresh = true;
	if (job->ok && crypto_pwhash_str_needs_rehash(job->hash, PASSES, MEMORY) == 1) {
		char hash[ACCOUNT_HASH_SIZE];

		if (hash_password(job->password, hash) == 0) {
			memcpy(job->hash, hash, sizeof(hash));
			job->fresh = false;
		}
	}
}

static void *work(void *data)
{
	struct hasher *h = data;
	uint64_t one = 1;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct hash_job *job;

		while (!h->waiting && !h->stop)
			pthread_cond_wait(&h->more, &h->lock);
		if (h->stop)
			break;
		job = h->waiting;
		h->waiting = job->next;
		if (!h->waiting)
			h->waiting_end = &h->waiting;
		h->waiting_count--;
		pthread_mutex_unlock(&h->lock);
		run_job(job);
		pthread_mutex_lock(&h->lock);
		job->next = h->finished;
		h->finished = job;
		if (fd_write_all(h->event_fd, &one, sizeof(one)) < 0)
			abort();
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void on_finished(struct loop_source *s, uint32_t events _unused_)
{
	struct hasher *h = s->data;
	struct hash_job *job;
	uint64_t n;

	if (read(h->event_fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&h->lock);
	job = h->finished;
	h->finished = NULL;
	pthread_mutex_unlock(&h->lock);
	while (job) {
		struct hash_job *next = job->next;

		job->done(job, job->data);
		job = next;
	}
}

int hasher_open(struct hasher *h, struct loop *loop, struct md_error *err)
{
	*h = (struct hasher){ .event_fd = -1, .source = LOOP_SOURCE_INIT };
	h->waiting_end = &h->waiting;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->more, NULL);
	h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->event_fd < 0 ||
		loop_add_fd(loop, &h->source, h->event_fd, EPOLLIN, on_finished, h) < 0)
		return md_fail_errno(err, "make the hashing threads");
	for (; h->thread_count < HASHER_THREADS; h->thread_count++) {
		errno = pthread_create(&h->threads[h->thread_count], NULL, work, h);
		if (errno)
			return md_fail_errno(err, "make the hashing threads");
	}
	return 0;
}

static void free_all(struct hash_job *job)
{
	while (job) {
		struct hash_job *next = job->next;

		hash_job_free(job);
		job = next;
	}
}

void hasher_close(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
	for (int i = 0; i < h->thread_count; i++)
		pthread_join(h->threads[i], NULL);
	free_all(h->waiting);
	free_all(h->finished);
	fd_close(&h->event_fd);
}

int hasher_add(struct hasher *h, struct hash_job *job)
{
	int r = 0;

	pthread_mutex_lock(&h->lock);
	if (h->waiting_count >= HASHER_QUEUE) {
		errno = EBUSY;
		r = -1;
	} else {
		*h->waiting_end = job;
		h->waiting_end = &job->next;
		h->waiting_count++;
		pthread_cond_signal(&h->more);
	}
	pthread_mutex_unlock(&h->lock);
	return r;
}

struct hash_job *hash_job_new(
	const char *password, const char *hash, void (*done)(struct hash_job *, void *), void *data)
{
	struct hash_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->make = hash == NULL;
	BW_PUT(job->password, password);
	if (hash)
		BW_PUT(job->hash, hash);
	job->done = done;
	job->data = data;
	return job;
}

void hash_job_free(struct hash_job *job)
{
	if (!job)
		return;
	sodium_memzero(job, sizeof(*job));
	free(job);
}
