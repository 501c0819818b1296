/* SPDX-License-Identifier: Apache-2.0 */
/* The only threads that we have: this is what ThreadSanitizer watches (tests/run --long). */
#include "unit.h"

#include <errno.h>

#include "server/hasher.h"

static struct loop loop;
static struct hasher hasher;
static int done_count, ok_count, fresh_count;
static char made[ACCOUNT_HASH_SIZE];

static int start(void **state _unused_)
{
	done_count = ok_count = fresh_count = 0;
	return loop_open(&loop) < 0 || hasher_open(&hasher, &loop, NULL) < 0 ? -1 : 0;
}

static int end(void **state _unused_)
{
	hasher_close(&hasher);
	loop_close(&loop);
	return 0;
}

/* `data` is how many answers the loop is run for. */
static void note(struct hash_job *job, void *data)
{
	done_count++;
	ok_count += job->ok;
	fresh_count += job->fresh;
	if (job->make)
		memcpy(made, job->hash, sizeof(made));
	hash_job_free(job);
	if (done_count == *(int *)data)
		loop_stop(&loop);
}

static void a_password_is_found_again_by_both_threads(void **state _unused_)
{
	static const char *const tries[] = { "right", "wrong", "right", "", "right" };
	int wanted = 1;

	assert_int_equal(hasher_add(&hasher, hash_job_new("right", NULL, note, &wanted)), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(ok_count, 1);
	loop.stopped = false;
	done_count = ok_count = 0;
	wanted = 5;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			hasher_add(&hasher, hash_job_new(tries[i], made, note, &wanted)), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(ok_count, 3);
	assert_int_equal(fresh_count, 5);
}

static void nobody_has_no_password(void **state _unused_)
{
	int wanted = 1;

	assert_int_equal(hasher_add(&hasher, hash_job_new("", hash_of_nobody, note, &wanted)), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(ok_count, 0);
}

/* Both threads are busy, the queue is full, and all of it ends in end() without waiting for the queue. */
static void a_full_queue_refuses_and_the_end_drops_it(void **state _unused_)
{
	struct hash_job *job = NULL;
	int never = -1, taken = 0;

	for (errno = 0; taken < 100; taken++) {
		job = hash_job_new("x", hash_of_nobody, note, &never);
		if (hasher_add(&hasher, job) < 0)
			break;
	}
	assert_int_equal(errno, EBUSY);
	assert_in_range(taken, HASHER_QUEUE, HASHER_QUEUE + HASHER_THREADS);
	hash_job_free(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_password_is_found_again_by_both_threads, start, end),
		cmocka_unit_test_setup_teardown(nobody_has_no_password, start, end),
		cmocka_unit_test_setup_teardown(
			a_full_queue_refuses_and_the_end_drops_it, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
