/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hole.c - what somebody who took over a role of mdockerd has: system calls of his own choice.
 *
 * Linked into a second mdockerd that is built with -Dhole=true only and never installed. The linker puts the two functions below in
 * the place of api_login() and auth_on_login() (--wrap), so that the product's source has no trace of it.
 *
 * A program is a JSON object {"hole": [step...]}; it comes to web as the body of a login, to auth as the password of the user
 * "hole". Steps, each with a number as its result:
 *	["poke", offset, "hex"]          writes into the scratch memory
 *	["call", "name" or number, args...]   a system call; an argument is a number, "@offset" (a pointer into the scratch
 *	                                      memory) or "$step" (the result of an earlier step). The result is -errno for a failure
 *	["call32", number, args...]      the same through the kernel's 32-bit entry
 *	["clock", seconds]               from now on the wall clock is off by that much, for this role
 * and one with text as its result: ["peek", offset, length] in hex.
 *
 * More is wrapped: broker_clock_ms(), so that a role that was killed comes back at once however often that happens, and
 * seccomp_load(), which does nothing where HOLE_WITHOUT_FILTER is set (the roles get it from the broker): what then still holds is
 * the second layer.
 */
#define _GNU_SOURCE
#ifndef MD_HOLE
#error "this opens a hole into mdockerd: for a test build only"
#endif

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/str.h"
#include "server/auth.h"
#include "server/http.h"
#include "server/routes.h"
#include "base/poison.h"

enum { MEMORY = 64 << 10, MAX_STEPS = 64, MAX_ARGS = 6 };

void __real_api_login(struct request *q);
void __wrap_api_login(struct request *q);
void __real_auth_on_login(const struct auth_reply *to, const union bw_message *m);
void __wrap_auth_on_login(const struct auth_reply *to, const union bw_message *m);

int64_t __wrap_broker_clock_ms(void);
pid_t __real_spawn_start(const struct spawn *s, int *ret_pidfd);
pid_t __wrap_spawn_start(const struct spawn *s, int *ret_pidfd);
int __real_seccomp_load(scmp_filter_ctx filter);
int __wrap_seccomp_load(scmp_filter_ctx filter);

int64_t __wrap_broker_clock_ms(void)
{
	static int64_t now;

	return now += 60 * 1000;
}

pid_t __wrap_spawn_start(const struct spawn *s, int *ret_pidfd)
{
	struct spawn with_environment = *s;

	if (!s->envp)
		with_environment.envp = environ;
	return __real_spawn_start(&with_environment, ret_pidfd);
}

int __wrap_seccomp_load(scmp_filter_ctx filter)
{
	return getenv("HOLE_WITHOUT_FILTER") ? 0 : __real_seccomp_load(filter);
}

time_t __real_time(time_t *ret);
time_t __wrap_time(time_t *ret);

static int64_t clock_offset;

time_t __wrap_time(time_t *ret)
{
	time_t now = __real_time(NULL) + (time_t)clock_offset;

	if (ret)
		*ret = now;
	return now;
}

/* Below 4 GiB, so that 32-bit calls reach it. */
static unsigned char *memory;

static int open_memory(struct md_error *err)
{
	void *at = memory;

	if (!at)
		at = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (at == MAP_FAILED)
		return md_fail_errno(err, "scratch memory");
	memory = at;
	return 0;
}

static int read_argument(const struct json_node *n, const long *results, size_t count, long *ret,
	struct md_error *err)
{
	const char *text = NULL;
	int64_t number;
	uint64_t at;

	if (json_as_i64(n, INT64_MIN, INT64_MAX, &number, err) == 0) {
		*ret = number;
		return 0;
	}
	if (json_as_string(n, &text, err) < 0 || str_to_u64(text + 1, MEMORY, &at) < 0)
		return -1;
	if (*text == '@')
		*ret = (long)(memory + at);
	else if (*text == '$' && at < count)
		*ret = results[at];
	else
		return json_fail(n, err, "neither @offset nor $step");
	return 0;
}

static long call32(const long *a)
{
	long r = -ENOSYS;

#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5])
			 : "memory", "r8", "r9", "r10", "r11");
#endif
	return r;
}

static int step_call(const struct json_node *step, size_t length, bool narrow, long *results,
	size_t count, struct md_error *err)
{
	long a[MAX_ARGS + 1] = { 0 };
	const char *name = NULL;
	struct json_node item;

	json_item(step, 1, &item);
	if (json_as_string(&item, &name, err) == 0)
		a[0] = seccomp_syscall_resolve_name(name);
	else if (json_as_i64(&item, 0, INT32_MAX, &a[0], err) < 0)
		return -1;
	if (a[0] == __NR_SCMP_ERROR)
		return json_fail(&item, err, "no such call: %s", name);
	for (size_t i = 2; i < length && i < MAX_ARGS + 2; i++) {
		json_item(step, i, &item);
		if (read_argument(&item, results, count, &a[i - 1], err) < 0)
			return -1;
	}
	if (narrow) {
		results[count] = call32(a);
	} else {
		results[count] = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		if (results[count] == -1)
			results[count] = -errno;
	}
	return 0;
}

static int read_range(const struct json_node *step, int64_t *ret_at, struct md_error *err)
{
	struct json_node item;

	json_item(step, 1, &item);
	return json_as_i64(&item, 0, MEMORY, ret_at, err);
}

static int step_poke(const struct json_node *step, struct md_error *err)
{
	const char *hex = NULL;
	struct json_node item;
	int64_t at;

	json_item(step, 2, &item);
	if (read_range(step, &at, err) < 0 || json_as_string(&item, &hex, err) < 0)
		return -1;
	for (; hex[0] && hex[1] && at < MEMORY; hex += 2) {
		const char pair[] = { hex[0], hex[1], '\0' };

		memory[at++] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return 0;
}

static int step_clock(const struct json_node *step, struct md_error *err)
{
	struct json_node item;

	json_item(step, 1, &item);
	return json_as_i64(&item, -INT32_MAX, INT32_MAX, &clock_offset, err);
}

static int step_peek(const struct json_node *step, struct json_writer *w, struct md_error *err)
{
	char hex[2 * 4096 + 1] = "";
	struct json_node item;
	int64_t at, len;

	json_item(step, 2, &item);
	if (read_range(step, &at, err) < 0 || json_as_i64(&item, 0, 4096, &len, err) < 0)
		return -1;
	for (int64_t i = 0; i < len && at + i < MEMORY; i++)
		snprintf(hex + 2 * i, 3, "%02x", memory[at + i]);
	json_add_string(w, NULL, hex);
	return 0;
}

static int run_step(const struct json_node *step, long *results, size_t count,
	struct json_writer *w, struct md_error *err)
{
	const char *verb = NULL;
	struct json_node item;
	size_t length;
	int r;

	if (json_as_array(step, &length, err) < 0 || length < 2)
		return -1;
	json_item(step, 0, &item);
	if (json_as_string(&item, &verb, err) < 0)
		return -1;
	if (str_eq(verb, "peek"))
		return step_peek(step, w, err);
	if (str_eq(verb, "poke"))
		r = step_poke(step, err);
	else if (str_eq(verb, "clock"))
		r = step_clock(step, err);
	else
		r = step_call(step, length, str_eq(verb, "call32"), results, count, err);
	if (r < 0)
		return -1;
	json_add_i64(w, NULL, results[count]);
	return 0;
}

/* {"at": address of the scratch memory, "results": [...]} */
static int run_program(const struct json_node *steps, struct json_writer *w, struct md_error *err)
{
	long results[MAX_STEPS] = { 0 };
	size_t count;

	if (json_as_array(steps, &count, err) < 0 || open_memory(err) < 0)
		return -1;
	json_object_begin(w, NULL);
	json_add_i64(w, "at", (int64_t)memory);
	json_array_begin(w, "results");
	for (size_t i = 0; i < count && i < MAX_STEPS; i++) {
		struct json_node step;

		json_item(steps, i, &step);
		if (run_step(&step, results, i, w, err) < 0)
			return -1;
	}
	json_array_end(w);
	json_object_end(w);
	return 0;
}

void __wrap_api_login(struct request *q)
{
	struct md_error err = MD_ERROR_INIT;
	struct json_node root, steps;
	struct json_writer w;

	if (http_json(q, &root) < 0)
		return;
	if (!json_member(&root, "hole", &steps)) {
		__real_api_login(q);
		return;
	}
	w = http_json_writer(q);
	if (run_program(&steps, &w, &err) < 0) {
		buf_done(&q->text);
		http_reply_error(q, 400, "bad_program", err.msg);
	} else {
		http_reply_json(q, 200);
	}
}

void __wrap_auth_on_login(const struct auth_reply *to, const union bw_message *m)
{
	_auto_json_ struct json_doc doc = JSON_DOC_INIT;
	_auto_buf_ struct buf text = BUF_INIT(4 << 20);
	struct json_writer w = { .out = &text };
	struct md_error err = MD_ERROR_INIT;
	struct json_node root, steps;

	if (!str_eq(m->login.user, "hole")) {
		__real_auth_on_login(to, m);
		return;
	}
	if (json_parse(&doc, m->login.password, strlen(m->login.password), &err) < 0 ||
		json_root(&doc, &root, &err) < 0 || !json_member(&root, "hole", &steps) ||
		run_program(&steps, &w, &err) < 0)
		auth_send_status(to, BW_INVALID, err.msg);
	else
		auth_send_status(to, BW_OK, buf_str(&text));
}
